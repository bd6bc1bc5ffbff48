// The question on a tool's card in the server's words: what the call will do, whether this reader may allow it, and who decided.

import { get } from "./api.js";
import { timeOfDay } from "./days.js";
import { fragmentOf } from "./html.js";
import { page } from "./page.js";

const WITHOUT_WRITING = ".read-only";
const FOR_THE_CHAT = new Set(["read", "write"]); // risks that a person may take for the whole chat

/** Say what the call will do, then offer the answers. Where the server does not say it, the arguments alone do. */
export async function fill(element, { risk, isForm }) {
  const form = element.querySelector(".ask");
  const will = (await read(element))?.querySelector(".will");
  if (!form?.isConnected) return; // decided meanwhile
  if (will) {
    form.querySelector(".wants").replaceWith(will);
    element.querySelector(".given").open = "cut" in will.dataset; // there it stands whole
  }
  if (will && isForm) await name(form, will.dataset);
  const unread = isForm ? "deny" : "allow deny"; // what is wanted only the server says
  offer(form, will?.dataset.may ?? (document.body.matches(WITHOUT_WRITING) ? "" : unread), !isForm && FOR_THE_CHAT.has(risk));
}

/** The buttons of a question that wants more than a yes. */
async function name(form, { allow, deny }) {
  form.querySelector("[data-action=allow]").textContent = allow;
  form.querySelector("[data-action=deny]").textContent = deny;
  (await import("./forms.js")).sendByEnter(form);
}

function offer(form, may, isForChat) {
  for (const button of form.querySelectorAll("[data-action]")) {
    button.hidden = !may.includes(button.dataset.action) || (button.dataset.scope === "chat" && !isForChat);
  }
  form.querySelector(".decides").hidden = !may;
}

/** Say who decided, and until when; then show what is allowed in this chat. */
export async function tell(element, { scope }) {
  const said = (await read(element))?.querySelector(".decision");
  if (said) {
    for (const each of said.querySelectorAll("time")) each.textContent = timeOfDay(each.dateTime);
    element.querySelector(".decision").replaceChildren(...said.childNodes);
  }
  if (scope === "chat") (await import("./grants.js")).show();
}

async function read(element) {
  const article = element.closest("article");
  if (!article) return null; // taken off the page meanwhile
  const path = `/chats/${page.chat}/asked/${article.dataset.run}/${element.dataset.call}/`;
  const framed = `/embed${path}?lang=${document.documentElement.lang}`;
  return get(page.origins ? framed : path, "text/html").then((found) => found.text()).then(fragmentOf, () => null);
}
