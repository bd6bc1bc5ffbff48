// The page that this frame is on: who it may be, what it gives, what it is told. Nothing that was not handed its end of the channel is heard.

import { page } from "../chat/page.js";

const TOKEN = /^[\w.~+/=-]+$/; // what is none, such as an error page, is not sent
const TOKEN_MS = 20_000; // for the page to get a token from its own server

let port = null;
let token = "";
let asked = null; // {promise, resolve}: a token that the page was asked for
let judging = null; // a promise, while it is asked whose a new token is: nothing is sent meanwhile
let turn = 0; // of tokens; an earlier one does not count any more
let leave = () => {};

/**
 * Wait for the page to begin: once, from the window that this frame is in, at an origin that is listed. Calls `onStart(settings)`, and
 * after it `onTheme(theme)`, `onFocus()`, `onToken()` for a token that was not waited for any more, and `onLeave(isOther)` where the
 * page has signed its person out, or in as somebody else.
 */
export function listen({ onStart, onTheme, onFocus, onToken, onLeave }) {
  leave = (isOther) => ((judging = new Promise(() => {})), onLeave(isOther)); // nothing is sent any more
  addEventListener("message", (event) => {
    const isHost = event.source === parent && parent !== window && page.origins.includes(event.origin);
    if (port || !isHost || event.data?.type !== "parley:start" || !event.ports[0]) return;
    port = event.ports[0];
    port.onmessage = ({ data: { type, value } }) => {
      if (type === "theme") onTheme(value);
      else if (type === "focus") onFocus();
      else if (type === "token") take(value, onToken);
    };
    onStart(event.data);
  });
}

/** Tell the page something, once it has begun. */
export function tell(type, value) {
  port?.postMessage({ type, value });
}

/** The token there is, or the page's; held here and nowhere else. "" for none. */
export async function currentToken() {
  while (judging) await judging;
  return token || newToken();
}

/** Another token in place of one that does not hold any more; "" where the page gives none. */
export function newToken() {
  if (asked) return asked.promise;
  asked = Promise.withResolvers ? Promise.withResolvers() : withResolvers();
  const mine = asked;
  tell("token", token);
  setTimeout(() => mine.resolve(""), TOKEN_MS);
  mine.promise.then(() => asked === mine && (asked = null));
  return mine.promise;
}

/** Hold a token of the person who is here; null: the page has signed them out. Who waits for one is told, else `onToken()`. */
async function take(value, onToken) {
  if (value === null && (token || page.user)) return leave(false);
  if (value === token && !asked) return;
  if (value === token || !TOKEN.test(value ?? "")) return settle("");
  if (token && !page.user && !asked) return leave(false); // it is being asked who the first one is
  const person = page.user && (await judge(value));
  if (person === PASSED) return;
  if (person && person !== page.user.id) return leave(true);
  const isWaited = asked !== null;
  settle(page.user && !person ? "" : value);
  if (token && !isWaited) onToken();
}

const PASSED = Symbol("passed");

/** Whose token it is: an id, "" where it is nobody's or cannot be asked, PASSED where a later one counts. */
async function judge(value) {
  const mine = ++turn;
  const person = await (judging = personOf(value));
  if (mine !== turn) return PASSED;
  judging = null;
  return person;
}

async function personOf(token) {
  const options = { headers: { Authorization: `Bearer ${token}` }, credentials: "omit", cache: "no-store" };
  const response = await fetch("/api/users/me/", options).catch(() => null);
  return response?.ok ? (await response.json()).id : "";
}

/** What there is now; where it is none, the page should know. */
function settle(value) {
  token = value;
  asked?.resolve(token);
  if (!token) tell("token-needed");
}

function withResolvers() {
  const made = {};
  made.promise = new Promise((resolve) => (made.resolve = resolve));
  return made;
}
