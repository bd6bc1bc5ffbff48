// A tool call as a card: what it was asked, what came of it, and, where a person must allow it, the question.

import { LOCALE } from "./days.js";
import { page } from "./page.js";
import { blank } from "./text.js";
import { shortArgument, toolInWords, WORDS } from "./words.js";

const HEAD_CHARS = 4000; // of a result; the rest is shown when asked, as in chat/page/cards.py
const WITHOUT_OUTCOME = new Set(["running", "asked", "allowed", "unfinished"]);

/** Draws one call's card. */
export function toolView() {
  const element = blank("tool-template");
  let isTold = false;
  const find = (name) => element.querySelector(name);
  const draw = (tool, _answer, now) => {
    const result = tool.status === "returned" ? pretty(tool.result) : (tool.error ?? "");
    element.dataset.status = tool.status;
    element.dataset.call = tool.call;
    element.classList.toggle("inner", tool.agent !== "");
    setText(find(".name"), tool.name);
    setText(find(".argument"), shortArgument(tool.arguments));
    setText(find(".status"), stateOf(tool, now));
    setText(find(".arguments"), pretty(tool.arguments));
    find(".outcome").hidden = WITHOUT_OUTCOME.has(tool.status);
    setText(find(".outcome h3"), tool.status === "returned" ? WORDS.result : WORDS.error);
    setText(find(".result"), result.slice(0, HEAD_CHARS));
    find(".rest").hidden = result.length <= HEAD_CHARS;
    find(".cut").hidden = !tool.isCut;
    setText(find(".decision"), decisionOf(tool));
    find(".decision").hidden = !tool.decision || tool.status === "asked";
    ask(element, tool);
    if (tool.status === "asked") isTold = false;
    else if (tool.decision && !isTold) tell(element, tool);
    isTold ||= tool.status !== "asked" && Boolean(tool.decision);
    return true;
  };
  return { element, draw };
}

function stateOf(tool, now) {
  const isHelped = tool.status === "running" && tool.helper && !tool.progress;
  return isHelped ? WORDS.agentWorks({ name: tool.helper }) : toolInWords(tool, now);
}

/** The card opens by itself for this alone: somebody must look. */
function ask(element, tool) {
  const form = element.querySelector(".ask");
  if (tool.status !== "asked") {
    if (form?.contains(document.activeElement)) element.querySelector("summary").focus();
    if (form) element.querySelector(".given").open = true;
    form?.remove();
  } else if (!form) {
    element.querySelector(".inside").prepend(questionOf(element, tool));
    element.open = true;
  }
}

/** The question as the event asks it; what it will do, and the answers, are loaded behind it. */
function questionOf(element, tool) {
  const question = blank("ask-template");
  question.dataset.digest = tool.digest;
  const name = tool.title || tool.name;
  setText(question.querySelector(".wants"), tool.isForm ? name : WORDS.wantsToRun({ name }));
  setText(question.querySelector(".expires"), WORDS.expires({ when: momentOf(tool.expiresAt) }));
  import("./asking.js").then(({ fill }) => fill(element, tool), () => (question.querySelector(".decides").hidden = false));
  return question;
}

/** Names of others, and until when it holds, the server knows. */
function tell(element, { decidedBy, scope, isForm }) {
  if (!isForm && scope !== "chat" && (!decidedBy || decidedBy === page.user.id)) return;
  import("./asking.js").then((asking) => asking.tell(element, { scope }), () => undefined);
}

function momentOf(seconds) {
  return new Date(seconds * 1000).toLocaleString(LOCALE, { weekday: "long", hour: "2-digit", minute: "2-digit" });
}

/** Who allowed or denied it, and why; chat/page/cards.py says the same, with every name. */
function decisionOf({ decision, decidedBy, reason }) {
  if (!decision) return "";
  if (!decidedBy) return WORDS.nobodyDecided;
  const who = decidedBy === page.user.id ? page.user.name : WORDS.somebody;
  const said = decision === "allowed" ? WORDS.allowedBy({ who }) : WORDS.deniedBy({ who });
  return reason ? `${said}: ${reason}` : said;
}

/** JSON as people read it; a text as it is. */
export function pretty(value) {
  return typeof value === "string" ? value : JSON.stringify(value ?? {}, null, 2);
}

const said = new WeakMap(); // element -> what we wrote there: a translation may have put its own in the place

/** Let the element say this; what it says already is not written again. */
export function setText(element, text) {
  if ((said.get(element) ?? element.textContent) === text) return;
  element.textContent = text;
  said.set(element, text);
}
