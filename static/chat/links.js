// The links to a chat, in the dialog that says who sees it. The server renders the list; what is done goes by REST.

import { newKey } from "../parley.js";
import { get, parley, post } from "./api.js";
import { copyBy } from "./copying.js";
import { LOCALE } from "./days.js";
import { fragmentOf } from "./html.js";
import { byId } from "./page.js";
import { whyInWords, WORDS } from "./words.js";

const place = byId("links");
const part = (name) => place.querySelector(name);
const DAY = { day: "numeric", month: "short", year: "numeric" };
let chat = ""; // the id of the chat that it shows

/** Show the links of a chat. */
export async function show(id) {
  chat = id;
  part(".made").hidden = true;
  await act();
}

/** Do it, then show how things are. */
async function act(doing) {
  let problem = "";
  try {
    await doing?.();
    await fill();
  } catch (error) {
    problem = WORDS.notDone({ why: whyInWords(error) });
  }
  part(".said").textContent = problem;
}

async function fill() {
  const html = await (await get(`/chats/${chat}/links/`, "text/html")).text();
  const fresh = fragmentOf(html).querySelector(".loaded");
  for (const time of fresh.querySelectorAll("time")) time.textContent = new Date(time.dateTime).toLocaleDateString(LOCALE, DAY);
  const hadFocus = part(".loaded").contains(document.activeElement);
  part(".loaded").replaceWith(fresh);
  if (hadFocus) (fresh.querySelector("[data-make]") ?? part(".copy")).focus();
}

async function make() {
  const body = { expires_in_s: Number(part("[name=expires]").value) };
  const to = part("[name=opens_to]");
  if (to) body.opens_to = to.value;
  const { url } = await post(`/api/chats/${chat}/links/`, body, { key: newKey() });
  part(".made").hidden = false;
  part(".made input").value = url;
}

place.addEventListener("click", async ({ target }) => {
  if (target.closest("[data-make]")) {
    await act(make);
    if (!part(".made").hidden) part(".made input").select();
  }
  const link = target.closest("[data-end]")?.closest("[data-link]").dataset.link;
  if (link) {
    part(".made").hidden = true;
    act(() => parley.change("DELETE", `/api/chats/${chat}/links/${link}/`));
  }
  if (target.closest(".copy")) part(".said").textContent = await copyBy(part(".copy"), part(".made input").value);
});
