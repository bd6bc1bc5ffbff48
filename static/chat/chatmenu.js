// The menu of a chat in the list or at the head of the page, and its dialogs: what was changed, rename, delete.

import { newKey } from "../parley.js";
import { parley } from "./api.js";
import { linksTo, titled } from "./chats.js";
import { byId, page } from "./page.js";
import { whyInWords, WORDS } from "./words.js";

const menu = byId("chat-menu");
let chosen = null; // {id, title} of the chat whose menu is open

/** Show the menu of the chat that this button belongs to. */
export function open(button) {
  const link = button.closest("li")?.querySelector("a");
  chosen = link ? { id: link.pathname.split("/")[2], title: link.textContent } : { id: page.chat, title: document.querySelector("h1").textContent };
  const may = (button.closest("li") ?? button).dataset.may.split(" ");
  for (const each of menu.querySelectorAll("[data-needs]")) each.hidden = !may.includes(each.dataset.needs);
  for (const each of menu.querySelectorAll("[data-page]")) each.href = `/chats/${chosen.id}/${each.dataset.page}/`;
  const { bottom, right } = button.getBoundingClientRect();
  menu.showPopover();
  menu.style.insetBlockStart = `${Math.min(bottom, innerHeight - menu.offsetHeight - 8)}px`;
  menu.style.insetInlineStart = `${Math.max(8, Math.min(right - 40, innerWidth - menu.offsetWidth - 8))}px`;
  menu.querySelector("button:not([hidden]), a")?.focus();
}

menu.addEventListener("click", async ({ target }) => {
  if (target.closest("[data-schedules]")) {
    menu.hidePopover();
    return (await import("./schedules.js")).open(chosen.id);
  }
  const dialog = byId(target.closest("button")?.dataset.dialog);
  if (!dialog) return;
  menu.hidePopover();
  const box = dialog.querySelector("input");
  if (box) box.value = chosen.title;
  for (const each of dialog.querySelectorAll(".chat-title")) each.textContent = chosen.title;
  tell(dialog, "");
  dialog.showModal();
  box?.select();
});

const DONE = {
  rename: async ({ id }) => titled(await parley.change("PATCH", `/api/chats/${id}/`, { title: byId("new-title").value.trim() })),
  delete: async ({ id }) => {
    await parley.change("DELETE", `/api/chats/${id}/`, undefined, newKey());
    if (id === page.chat) return location.assign("/");
    linksTo(id).forEach((link) => link.closest("li").remove());
  },
};

byId("rename").addEventListener("click", ({ target }) => target.closest("[data-cancel]") && byId("rename").close());

for (const [name, act] of Object.entries(DONE)) {
  byId(name).addEventListener("submit", async (event) => {
    if (event.submitter?.value !== "yes") return; // what says no closes it
    event.preventDefault();
    try {
      await act(chosen);
      byId(name).close();
    } catch (error) {
      tell(byId(name), WORDS.notDone({ why: whyInWords(error) }));
    }
  });
}

function tell(dialog, text) {
  dialog.querySelector(".problem").textContent = text;
}
