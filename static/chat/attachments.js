// The files that came with a message, below its text: each by its name, a picture as a small one.

import { WORDS } from "./words.js";

/** A small picture of an attachment that is one; nothing for one that lies elsewhere: looking at it would tell its server who reads. */
export function thumbnail({ type, name, url }) {
  if (type !== "image" || !url?.startsWith("data:")) return null;
  return Object.assign(document.createElement("img"), { src: url, alt: name || WORDS.picture, className: "thumbnail", decoding: "async" });
}

/** Show them in a message's list; the server renders the same of a stored one (chat/_message.html). */
export function showAttachments(list, attachments = []) {
  list.replaceChildren(...attachments.map(itemOf));
  list.hidden = !attachments.length;
}

function whyUnseen({ unreadable, unseen }) {
  if (unreadable) return WORDS.notReadable;
  return unseen?.length ? WORDS.notShownTo({ models: unseen.join(", ") }) : "";
}

function itemOf(attachment) {
  const item = document.createElement("li");
  const picture = thumbnail(attachment);
  const name = Object.assign(document.createElement("bdi"), { textContent: attachment.name || (picture ? WORDS.picture : attachment.type) });
  item.append(...(picture ? [picture] : []), name);
  const why = whyUnseen(attachment);
  if (why) item.append(`: ${why}`);
  item.classList.toggle("unreadable", Boolean(why));
  return item;
}
