// What the server says of this page to its scripts: the chat, the reader, the words.

export const byId = (id) => document.getElementById(id);

/** A block of JSON in the page. */
export const data = (id) => JSON.parse(byId(id)?.textContent ?? "{}");

export const page = data("page");
