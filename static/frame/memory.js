// What a reload of the page does not take: the chat, and the words in the box, by person and place.

import { tell } from "./host.js";

let chats = {}; // by place

/** Take what the page has kept: where third-party cookies are blocked, a frame has no storage of its own. */
export function restore(kept) {
  try {
    chats = JSON.parse(kept) ?? {};
  } catch {
    chats = {}; // nothing yet
  }
}

/** The chat that was had in this place; undefined for none. */
export const recallChat = (place) => chats[place];

/** Have the page keep it for this tab; without an id it goes. It is an id alone: no word of the chat is kept there. */
export function rememberChat(place, id) {
  chats = { ...chats, [place]: id };
  tell("keep", JSON.stringify(chats));
}

/** The words that were not sent; "" for none. */
export function recallText(place) {
  try {
    return sessionStorage.getItem(`text:${place}`) ?? "";
  } catch {
    return "";
  }
}

/** Keep them here, where the browser lets the frame: they are not the page's to read. */
export function rememberText(place, text) {
  try {
    if (text) sessionStorage.setItem(`text:${place}`, text);
    else sessionStorage.removeItem(`text:${place}`);
  } catch {
    // They are lost with a reload, as in any form.
  }
}
