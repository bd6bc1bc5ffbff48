// A file that goes with the message that is being written, as it is seen there: what it is, how far it has come, and what one can do.

import { sizeInWords, thumbnail, whyUnread } from "./attachments.js";
import { blank } from "./text.js";
import { WORDS } from "./words.js";

/** The chip of an item, whose buttons are Remove and Retry (files.js knows which was pressed). */
export class Chip {
  constructor(item) {
    this.element = blank("file-template");
    this.bar = this.part("progress");
    this.part("bdi").textContent = item.name;
    this.part(".retry").setAttribute("aria-label", WORDS.of({ what: this.part(".retry").textContent, message: item.name }));
    this.bar.setAttribute("aria-label", WORDS.uploading({ name: item.name }));
    this.preview = item.file?.type.startsWith("image/") ? URL.createObjectURL(item.file) : "";
    if (this.preview) this.#picture({ type: "image", name: item.name, preview: this.preview });
    this.show(item);
  }

  part(name) {
    return this.element.querySelector(name);
  }

  /** Show the item as it is now. */
  show({ name, file, attachment, state, why }) {
    const bytes = attachment ? bytesOf(attachment) : file.size;
    this.part(".size").textContent = ` · ${sizeInWords(bytes)}`;
    this.bar.hidden = state !== "going";
    this.part(".retry").hidden = state !== "failed";
    const said = why || (attachment ? noteOf(attachment) : "");
    this.part(".said").textContent = said;
    this.part(".said").hidden = !said;
    this.element.classList.toggle("bad", state === "failed");
    this.part(".remove").setAttribute("aria-label", (state === "going" ? WORDS.stopUploading : WORDS.remove)({ name }));
    if (attachment && (attachment.id || !this.preview)) this.#picture(attachment);
  }

  /** How much of it has gone, of 1. */
  move(part) {
    if (part < 1) this.bar.value = part;
    else this.bar.removeAttribute("value"); // all of it is there, and is being looked at
  }

  /** What was chosen is not needed any more. */
  close() {
    this.element.remove();
    URL.revokeObjectURL(this.preview);
  }

  #picture(attachment) {
    const picture = thumbnail(attachment);
    if (!picture || this.shown === picture.dataset.source) return;
    if (this.part("img")) {
      this.part(".look").dataset.source = picture.dataset.source;
      this.part("img").src = picture.querySelector("img").src; // the one before stays until this has come
    } else this.element.prepend(picture);
    this.shown = picture.dataset.source;
  }
}

/** Of older kept ones, which hold what they are. */
function bytesOf({ bytes, content, url }) {
  return bytes ?? (content ? new Blob([content]).size : (url?.length ?? 0) * 0.75);
}

function noteOf(attachment) {
  return attachment.text?.state === "pending" ? WORDS.textPending : whyUnread(attachment);
}
