// The files that came with a message, below its text. The server renders the same of a stored one (chat/_attachment.html).

import { WORDS } from "./words.js";

const SHOWN = [320, 200]; // pixels: what a picture in a message takes at most
const LOCALE = document.documentElement.lang;
const place = (id) => `/api/attachments/${id}`;
const make = (name, values) => Object.assign(document.createElement(name), values);

/** How large it is, as people say it. */
export function sizeInWords(bytes) {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1000).toLocaleString(LOCALE)} kB`;
  return `${(bytes / 1e6).toLocaleString(LOCALE, { maximumFractionDigits: 1 })} MB`;
}

/** A picture as a small one, whose button opens it large; null for one that lies elsewhere: looking at it would tell its server who reads. */
export function thumbnail({ type, id, name, url, width, height, preview }) {
  const own = url?.startsWith("data:") ? url : "";
  const large = preview ?? (id ? `${place(id)}/content` : own);
  if (type !== "image" || !large) return null;
  const small = preview ?? (id ? `${place(id)}/thumbnail` : own);
  const button = make("button", { type: "button", className: "look" });
  button.setAttribute("aria-haspopup", "dialog");
  Object.assign(button.dataset, { action: "look", source: large });
  const picture = make("img", { src: small, alt: name || WORDS.picture, className: "thumbnail", decoding: "async" });
  if (width && height) [picture.width, picture.height] = fitted(width, height);
  button.append(picture);
  return button;
}

function fitted(width, height) {
  const scale = Math.min(1, SHOWN[0] / width, SHOWN[1] / height);
  return [width, height].map((each) => Math.max(1, Math.round(each * scale)));
}

/** Show them in a message's list. */
export function showAttachments(list, attachments = []) {
  list.replaceChildren(...attachments.map(itemOf));
  list.hidden = !attachments.length;
}

/** What is to be said of it: that it could not be read, that a model was not shown it; nothing where all is well. */
export function whyUnread({ unreadable, unseen, text }) {
  if (unreadable) return WORDS.notReadable;
  if (unseen?.length) return WORDS.notShownTo({ models: unseen.join(", ") });
  return text?.state === "failed" ? WORDS.textFailed({ why: text.error }) : "";
}

function itemOf(attachment) {
  const { type, id, name, bytes } = attachment;
  const item = make("li");
  const picture = thumbnail(attachment);
  const label = make("bdi", { textContent: name || (type === "image" ? WORDS.picture : type) });
  if (picture) item.append(picture);
  item.append(id && !picture ? linkTo(attachment, label) : label);
  if (id && !picture) item.append(make("span", { className: "size", textContent: ` · ${sizeInWords(bytes)}` }));
  const why = whyUnread(attachment);
  if (why) item.append(`: ${why}`);
  if (id && type === "audio") item.append(make("audio", { controls: true, preload: "none", src: `${place(id)}/content`, ariaLabel: name }));
  item.className = [picture && id && "shown", id && type === "audio" && "sound", why && "unreadable"].filter(Boolean).join(" ");
  return item;
}

function linkTo({ id, name }, label) {
  const link = make("a", { href: `${place(id)}/content`, download: name });
  link.append(label);
  return link;
}
