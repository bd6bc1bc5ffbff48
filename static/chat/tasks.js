// The list of chats, narrowed to those that were about one task.

import { get } from "./api.js";
import { linkTo } from "./chats.js";
import { byId } from "./page.js";
import { whyInWords, WORDS } from "./words.js";

const MOST = 100; // tasks that are offered, chats that are shown: the newest
const [nav, found, search] = ["nav", "found", "search"].map(byId);
const choice = byId("tasks").querySelector("select");
const json = async (path) => (await (await get(path)).json()).results;
const done = new Set(["done", "cancelled"]);

choice.addEventListener("change", show);
search.addEventListener("input", () => (choice.value = ""));
offer();

/** Offer the tasks that there are, those under way first. */
async function offer() {
  try {
    const tasks = await json(`/api/tasks/?page_size=${MOST}`);
    tasks.sort((one, other) => done.has(one.status) - done.has(other.status));
    choice.append(...tasks.map(({ id, title }) => new Option(title, id)));
    tell(tasks.length ? "" : WORDS.noTasks);
  } catch (error) {
    tell(whyInWords(error));
  }
}

async function show() {
  const task = choice.value;
  search.value = "";
  nav.classList.toggle("searching", task !== "");
  tell("");
  if (!task) return;
  try {
    const chats = await json(`/api/chats/?${new URLSearchParams({ task, status: "active", page_size: MOST })}`);
    if (task !== choice.value) return;
    found.replaceChildren(...chats.map(linkTo));
    tell(chats.length ? "" : WORDS.noChatsOfTask);
  } catch (error) {
    tell(whyInWords(error));
  }
}

/** Below the choice; what search has found and said is over. */
function tell(text) {
  byId("tasks").querySelector(".quiet").textContent = text;
  byId("said").replaceChildren();
  byId("said-more").hidden = true;
  byId("search-told").textContent = "";
}
