// Search in the titles of the chats and in what was said in them, as one types.

import { get } from "./api.js";
import { linkTo } from "./chats.js";
import { dayInWords, dayOf, timeOf } from "./days.js";
import { byId } from "./page.js";
import { blank } from "./text.js";
import { whyInWords, WORDS } from "./words.js";

const PAUSE_MS = 250; // after the last key
const SHOWN_MOST = 20; // messages at a time
const TITLES_MOST = 50;
const TITLES_ALONE = [400, 403]; // of what is no word, and where the plan has no search of messages
const [nav, search, found, said, more, told] = ["nav", "search", "found", "said", "said-more", "search-told"].map(byId);
let timer = 0;
let asked = 0;

search.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(look, PAUSE_MS);
});
more.addEventListener("click", showMore);
look(); // what was typed before this was loaded

async function look() {
  const text = search.value.trim();
  const mine = ++asked;
  nav.classList.toggle("searching", text !== "");
  if (!text) return;
  const answer = await ask(text).catch((error) => ({ chats: [], results: [], why: whyInWords(error) }));
  if (mine !== asked || text !== search.value.trim()) return; // a task was chosen instead
  found.replaceChildren(...answer.chats.map(linkTo));
  said.replaceChildren(...answer.results.map(hit));
  show(answer);
}

/** Chats by their titles, and the newest messages. */
async function ask(text) {
  const query = new URLSearchParams({ q: text, page_size: SHOWN_MOST });
  try {
    return await json(`/api/search/?${query}`);
  } catch (error) {
    if (!TITLES_ALONE.includes(error.status)) throw error;
    return { results: [], chats: await titled(text) };
  }
}

async function titled(text) {
  const query = new URLSearchParams({ search: text, status: "active", page_size: TITLES_MOST });
  return (await json(`/api/chats/?${query}`)).results;
}

const json = async (path) => (await get(path)).json();

/** The messages behind those that are shown. */
async function showMore() {
  const mine = asked;
  const { next } = more.dataset;
  if (!next) return; // the second half of a double click
  more.dataset.next = "";
  const { pathname, search: query } = new URL(next);
  const answer = await json(pathname + query).catch((error) => ({ results: [], why: whyInWords(error), next }));
  if (mine !== asked) return;
  const items = answer.results.map(hit);
  said.append(...items);
  if (document.activeElement === more) items[0]?.querySelector("a").focus();
  show(answer);
}

/** What is said of an answer: why it is none, that there is more, that nothing was found. */
function show({ next = null, is_partial: isPartial = false, why = "" }) {
  more.hidden = !next;
  more.dataset.next = next ?? "";
  const isEmpty = !found.children.length && !said.children.length;
  told.textContent = why || (isPartial && WORDS.searchedInPart) || (isEmpty && WORDS.nothingFound) || "";
}

/** A link to a message: its chat, its day and the part that was found. */
function hit({ message, chat, created_at: at, snippet }) {
  const item = blank("said-template");
  item.querySelector("a").href = `/chats/${chat.id}/?at=${message}#message-${message}`;
  item.querySelector("bdi").textContent = chat.title || WORDS.startNew;
  item.querySelector(".where").append(timeOf(dayOf(at), dayInWords(dayOf(at))));
  item.querySelector(".snippet").append(...snippet.map(({ text, hit }) => (hit ? marked(text) : text)));
  return item;
}

const marked = (text) => Object.assign(document.createElement("mark"), { textContent: text });
