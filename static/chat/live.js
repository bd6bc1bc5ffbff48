// What others do in this chat, as its socket tells it: new and changed messages, rights, the chat itself.

import { parley } from "./api.js";

export class Live {
  #socket = null;
  #held = []; // what came while a message of ours was on its way: it may be that one
  #position = null; // of the newest message that was told
  #isFirst = true;

  /**
   * `isSending()`: whether ours is on its way. Called: `onPeople(message)`, `onMessage(message)` for a new one, `reload(position)` where the
   * stored messages have changed, `onSaidOf(told)` where somebody has rated, annotated or reacted, `onChat(chat)`, `onRights(permissions)`, `onDeleted(by)`, `onEnd(reason)`.
   */
  constructor(calls) {
    Object.assign(this, calls);
  }

  /** Listen to a chat, from now on or again. */
  open(chat) {
    if (!this.#socket && chat) this.#socket = parley.watch(chat, { onMessage: (message) => this.#hear(message), onEnd: this.onEnd });
    this.#socket?.wake();
  }

  close() {
    this.#socket?.close();
    this.#socket = null;
  }

  tell(message) {
    this.#socket?.send(message);
  }

  /** Ours has arrived: hear what was held. */
  release() {
    this.#held.splice(0).forEach((message) => this.#hear(message));
  }

  #hear(message) {
    if (this.isSending() && message.type.startsWith("message.")) return this.#held.push(message);
    this.onPeople(message);
    switch (message.type) {
      case "welcome":
        this.onRights(message.chat.permissions);
        this.onWelcome(message.chat, this.#isFirst);
        this.#isFirst = false;
        break;
      case "message.created":
        this.#position = Math.max(this.#position ?? 0, message.message.position);
        this.onMessage(message.message);
        break;
      case "message.changed":
        this.onChanged(message.message);
        break;
      case "message.said_of":
        this.onSaidOf(message);
        break;
      case "chat.changed":
        this.onRights(message.chat.permissions);
        this.onChat(message.chat);
        break;
      case "chat.deleted":
        this.onDeleted(message.by);
        break;
      case "heartbeat":
        if (message.permissions) this.onRights(message.permissions);
        if (this.#position !== null && message.position > this.#position) this.reload();
        this.#position = message.position;
    }
  }
}
