// Search in the titles of the chats, as one types.

import { get } from "./api.js";
import { linkTo } from "./chats.js";
import { byId } from "./page.js";
import { whyInWords, WORDS } from "./words.js";

const PAUSE_MS = 250; // after the last key
const FOUND_MOST = 50;
const [nav, search, found] = ["nav", "search", "found"].map(byId);
let timer = 0;
let asked = 0;

search.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(look, PAUSE_MS);
});
look(); // what was typed before this was loaded

async function look() {
  const text = search.value.trim();
  const mine = ++asked;
  nav.classList.toggle("searching", text !== "");
  if (!text) return;
  const query = new URLSearchParams({ search: text, status: "active", page_size: FOUND_MOST });
  const chats = await get(`/api/chats/?${query}`).then(async (answer) => (await answer.json()).results, whyInWords);
  if (mine !== asked) return;
  const isTold = typeof chats === "string" || !chats.length;
  found.replaceChildren(...(isTold ? [] : chats.map(linkTo)));
  found.nextElementSibling.textContent = isTold ? (chats.length ? chats : WORDS.noChats) : "";
}
