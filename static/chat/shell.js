// What every page has: the choice of colours and of language, keys, and the list of chats that can be closed and, on a phone, opened.

import { forget } from "./store.js";

const YEAR_S = 31_536_000;
const SINGLE = ["n", "/", "j", "k", "c", "e", "g", "b", "[", "]", "End", ",", "?"]; // keys that do something outside of texts: keys.js

function remember(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=${YEAR_S}; samesite=lax`;
}

for (const choice of document.querySelectorAll("input[name=theme]")) {
  choice.addEventListener("change", () => {
    document.documentElement.dataset.theme = choice.value;
    remember("theme", choice.value);
  });
}

document.querySelector("select[name=language]")?.addEventListener("change", ({ target }) => {
  remember("language", target.value);
  location.reload();
});

document.querySelector(".nav-toggle")?.addEventListener("click", (event) => {
  const isClosed = document.documentElement.dataset.nav !== "closed";
  document.documentElement.dataset.nav = isClosed ? "closed" : "open";
  event.currentTarget.setAttribute("aria-expanded", String(!isClosed));
  remember("nav", isClosed ? "closed" : "open");
});

document.getElementById("search")?.addEventListener("focus", () => import("./search.js"), { once: true });
document.getElementById("tasks")?.addEventListener("toggle", () => import("./tasks.js"), { once: true });

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-menu]");
  if (button) (await import("./chatmenu.js")).open(button);
});

const press = async (key) => (await import("./keys.js")).press(key);
for (const each of document.querySelectorAll("[data-key]")) each.addEventListener("click", () => press(each.dataset.key));

addEventListener("keydown", (event) => {
  const { key, ctrlKey, metaKey, altKey, target } = event;
  const isGraph = event.getModifierState("AltGraph"); // brackets need it on some keyboards
  if ((ctrlKey || metaKey) && !isGraph) return key === "k" && search(event);
  if ((altKey && !isGraph) || !SINGLE.includes(key) || target.closest("input, textarea, select, dialog")) return;
  event.preventDefault();
  press(key);
});

function search(event) {
  event.preventDefault();
  const box = document.getElementById("search");
  if (!box.offsetParent) document.getElementById("nav").showPopover();
  box.focus();
}

// Drafts and messages that wait belong to who signs out: whoever comes next finds none.
document.querySelector("form[action='/logout/']")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  await forget("");
  for (const key of Object.keys(localStorage)) if (key.startsWith("branches:")) localStorage.removeItem(key);
  event.target.submit();
});

// On a wide screen the list stands beside the chat; one that was opened over it would hide it.
matchMedia("(min-width: 64rem)").addEventListener("change", () => document.getElementById("nav")?.hidePopover?.());
