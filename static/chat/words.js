// The sentences the page says, as the server gives them in the reader's language, and what is said of answers by them.

import { data, page } from "./page.js";
import { runningTools } from "./reducer.js";

const LANGUAGE = document.documentElement.lang;
const SYMBOLS = { USD: "$", EUR: "€", GBP: "£" };
const LEAST = 0.0001; // that is said of what was paid: what is less is less than that
const plural = new Intl.PluralRules(LANGUAGE);

/** Each sentence of chat/page/words.py by its name: a text, or, where it has open places, a function of {place: value}. */
export const WORDS = Object.fromEntries(Object.entries(data("words")).map(([name, said]) => [name, spoken(said)]));

function spoken(said) {
  if (said.other?.includes("%(count)s")) return ({ count }) => filled(said[plural.select(count)] ?? said.other, { count: count.toLocaleString(LANGUAGE) });
  return typeof said === "string" && said.includes("%(") ? (values) => filled(said, values) : said;
}

function filled(text, values) {
  return text.replace(/%\((\w+)\)s/g, (_, name) => values[name]);
}

/** Why the server did not do it, and what one can do. */
export function whyInWords({ status, code, message, fields, retryAfterS }) {
  if (status === 0) return WORDS.noServer;
  if (status >= 500) return WORDS.serverFailed;
  const tooMany = code === "rate_limited" ? WORDS.tooOftenNow : WORDS.tooManyNow;
  if (status === 429) return tooMany({ seconds: retryAfterS || 1 });
  if (status === 403 && WORDS.refusals[code]) return WORDS.refusals[code];
  return { 401: WORDS.signedOut, 403: WORDS.mayNot, 404: WORDS.notThere }[status] ?? refusalInWords(code, message, fields);
}

function refusalInWords(code, message, fields) {
  const own = code === "invalid" ? undefined : (WORDS.refusals[`${code}.${fields?.scope?.[0]}`] ?? WORDS.refusals[code]);
  return own ?? fieldsInWords(fields) ?? sentenceInWords(message) ?? filled(WORDS.refusals.invalid, { message });
}

/** What is wrong with each field, in the reader's language; nothing where that is English, or one is not known. */
function fieldsInWords(fields = {}) {
  const told = Object.entries(fields).flatMap(([name, texts]) => texts.map((text) => [fieldInWords(name), sentenceInWords(text)]));
  if (!told.length || told.some(([, said]) => !said)) return undefined;
  return told.map(([what, message]) => WORDS.of({ what, message })).join(" ");
}

/** What people call a field: "attachments.0.url" is the first file. */
function fieldInWords(path) {
  const [name, place] = path.replace(/^chat\./, "").split(".");
  const said = WORDS.fields[name];
  if (!said) return path;
  return place ? `${said} ${Number(place) + 1}` : said;
}

/** Why an answer failed, in the reader's language; chat/page/words.py says the same of a stored one. */
export function failureInWords({ code, message }) {
  const general = WORDS.failures[code];
  return sentenceInWords(message) ?? [general, message].filter(Boolean).join(" ");
}

/** What one can do about it. */
export const adviceInWords = ({ message }) => WORDS.advice[message] ?? "";

function sentenceInWords(message = "") {
  return translated(message, WORDS.sentences);
}

/** What a table of {English: translation} has for a text, with its names filled in; else nothing. */
function translated(text, table) {
  for (const [english, said] of Object.entries(table)) {
    const found = text.match(patternOf(english));
    if (found) return filled(said, withKinds(found.groups ?? {}));
  }
}

/** What a file is, and what it should be, in the reader's language too. */
function withKinds(names) {
  return Object.fromEntries(Object.entries(names).map(([name, value]) => [name, name.startsWith("kind") ? (translated(value, WORDS.kinds) ?? value) : value]));
}

/** What a sentence looks like with its names filled in. */
function patternOf(text) {
  const parts = text.split(/%\((\w+)\)s/); // each second one is a name
  const escaped = parts.map((part, index) => (index % 2 ? `(?<${part}>.+?)` : part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")));
  return new RegExp(`^${escaped.join("")}$`, "s");
}

/** What an open answer is doing, for the state line; `now` in seconds. */
export function phaseInWords(answer, now) {
  const time = counted(now - answer.since);
  switch (answer.phase) {
    case "sending":
      return WORDS.sending;
    case "queued":
      return WORDS.waiting;
    case "thinking":
      return WORDS.thinking + time;
    case "writing":
      return WORDS.writing;
    case "tool":
      return toolsInWords(runningTools(answer)) + time;
    case "approval":
      return WORDS.approval({ name: answer.parts.filter((part) => part.status === "asked").map((part) => part.name).join(", ") });
    case "retrying":
      return retryInWords(answer.retry, now);
    case "resetting":
      return WORDS.resetting;
    default:
      return "";
  }
}

function toolsInWords(tools) {
  return tools.length === 1 ? WORDS.using({ name: tools[0].name }) : WORDS.usingMany({ count: tools.length });
}

function retryInWords(retry, now) {
  if (retry.next_model) return WORDS.asksOther({ model: labelOf(retry.model), next: labelOf(retry.next_model) });
  const seconds = Math.ceil(retry.at + retry.delay_s - now);
  const turn = { seconds, next: retry.failed_attempt + 1, most: retry.max_attempts };
  return seconds > 0 ? WORDS.retrying(turn) : WORDS.retryingNow(turn);
}

/** " · 12 s" from the third second on. */
function counted(seconds) {
  return seconds >= 3 ? ` · ${Math.floor(seconds)} s` : "";
}

/** A duration as people say it. */
export function duration(seconds) {
  if (seconds < 0.1) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 10) return `${(Math.max(0, seconds)).toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** The label of folded thoughts that are over. */
export function thoughtInWords(seconds) {
  return seconds < 1 ? WORDS.thoughts : WORDS.thoughtFor({ time: duration(seconds) });
}

/** The state of a tool's card, after its name. */
export function toolInWords(tool, now) {
  const took = tool.elapsedMs == null ? "" : duration(tool.elapsedMs / 1000);
  switch (tool.status) {
    case "running":
      return tool.progress || WORDS.running + counted(now - tool.from);
    case "returned":
      return took;
    case "asked":
    case "allowed":
    case "denied":
    case "unknown":
    case "refused":
    case "unfinished":
      return WORDS[tool.status];
    default:
      return [WORDS.failed, took].filter(Boolean).join(" · ");
  }
}

/** The argument worth showing beside a tool's name: the first short text among them. */
export function shortArgument(args) {
  if (typeof args === "string") return cut(args);
  const texts = Object.values(args ?? {}).filter((value) => typeof value === "string" || typeof value === "number");
  return texts.length ? cut(String(texts[0])) : "";
}

function cut(text) {
  const line = text.trim().split("\n")[0];
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}

/** The line under an answer that is over; the server says the same of a stored one (chat/page/contents.py). */
export function endInWords(answer, { user }) {
  const facts = [tokensInWords(answer.usage), costInWords(answer.cost), duration(answer.endedAt - answer.startedAt), whoInWords(answer)].filter(Boolean);
  if (answer.phase === "cancelled") {
    const who = answer.stoppedBy && answer.stoppedBy === user.id ? WORDS.stoppedByYou : WORDS.stopped;
    return [who, tokensInWords(answer.usage), costInWords(answer.cost)].filter(Boolean).join(" · ");
  }
  if (answer.phase === "failed") return failureInWords(answer.error);
  return [WORDS.ends[answer.reason], ...facts].filter(Boolean).join(" · ");
}

/** What a model is called. */
export const labelOf = (model) => page.models?.[model]?.label ?? model;

/** What was chosen and the model's provider would not take: said once. */
export function leftOutInWords(names, model) {
  return WORDS.leftOut({ name: labelOf(model), names: names.map((each) => WORDS.choices[each] ?? each).join(", ") });
}

/** The model that answered; where it did so for another, of whom it was asked. */
function whoInWords({ model, asked }) {
  const isOther = model && asked && model !== asked;
  return isOther ? WORDS.inPlaceOf({ model: labelOf(model), asked: labelOf(asked) }) : labelOf(model);
}

function tokensInWords(usage) {
  const total = (usage?.input_tokens ?? 0) + (usage?.output_tokens ?? 0);
  if (!total) return "";
  const tokens = WORDS.tokens({ count: total });
  return !usage.status || usage.status === "reported" ? tokens : WORDS.about({ tokens });
}

/** What was paid, where it is known; chat/page/money.py writes it the same. */
function costInWords(cost) {
  const amount = Number(cost?.amount ?? 0);
  if (!(amount > 0)) return "";
  const paid = amount < LEAST ? `< ${money(LEAST, 4, cost.currency)}` : money(amount, amount >= 1 ? 2 : 4, cost.currency);
  return cost.status === "unknown" ? WORDS.atLeast({ amount: paid }) : paid;
}

function money(amount, places, currency) {
  const number = amount.toLocaleString(LANGUAGE, { minimumFractionDigits: places, maximumFractionDigits: places });
  const symbol = SYMBOLS[currency];
  if (!symbol) return `${number}\u00a0${currency}`;
  return LANGUAGE.startsWith("en") ? `${symbol}${number}` : `${number}\u00a0${symbol}`;
}
