// What the server says of this page to its scripts: the chat, the reader, the words.

export const byId = (id) => document.getElementById(id);

/** A block of JSON in the page. */
export const data = (id) => JSON.parse(byId(id)?.textContent ?? "{}");

export const page = data("page");

/** Where messages of this chat are, of the branch that the address chooses. */
export function messagesPath(query) {
  const at = new URLSearchParams(location.search).get("at");
  return `/chats/${page.chat}/messages/?${query}${at ? `&at=${at}` : ""}`;
}
