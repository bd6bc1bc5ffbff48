// What may be called in this chat without asking: a list that opens above the composer, and takes each of them back.

import { get, parley } from "./api.js";
import { timeOfDay } from "./days.js";
import { byId, page } from "./page.js";
import { blank } from "./text.js";
import { whyInWords, WORDS } from "./words.js";

const box = byId("grants");

/** Show the grants that hold now; nothing where there are none, or none can be. */
export async function show() {
  if (!box) return; // in a frame
  const rows = await get(`/api/chats/${page.chat}/grants/`).then((found) => found.json()).then(({ results }) => results, () => []);
  const hadFocus = box.contains(document.activeElement);
  box.hidden = !rows.length;
  box.querySelector(".count").textContent = rows.length;
  box.querySelector("ul").replaceChildren(...rows.map(rowOf));
  if (hadFocus) (rows.length ? box.querySelector("summary") : byId("text") ?? byId("log")).focus();
}

function rowOf({ id, title, by_name, expires_at, uses }) {
  const row = blank("grant-template");
  row.dataset.grant = id;
  row.querySelector("b").textContent = title;
  row.querySelector(".by").textContent = by_name || WORDS.somebody;
  row.querySelector(".uses").textContent = uses;
  Object.assign(row.querySelector("time"), { dateTime: expires_at, textContent: timeOfDay(expires_at) });
  const button = row.querySelector("button");
  button.setAttribute("aria-label", WORDS.of({ what: button.textContent, message: title }));
  button.hidden = document.body.matches(".read-only");
  return row;
}

box?.addEventListener("click", async ({ target }) => {
  const row = target.closest("button")?.closest("[data-grant]");
  if (!row) return;
  target.disabled = true;
  box.querySelector(".problem").textContent = await parley.change("DELETE", `/api/chats/${page.chat}/grants/${row.dataset.grant}/`).then(
    () => "",
    (error) => (error.status === 404 ? "" : WORDS.notDone({ why: whyInWords(error) })),
  );
  await show();
});
box?.addEventListener("toggle", () => box.open && show());
