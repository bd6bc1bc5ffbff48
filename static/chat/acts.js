// What one can do with a message that is there. Each throws RequestFailed where it was not done.

import { newKey } from "../parley.js";
import { asSent, parley, post } from "./api.js";
import { page } from "./page.js";

/** Answer the same message once more, beside the answer there is. Also tries a failed one again. */
export function regenerate(id) {
  return post(`/api/messages/${id}/regenerate/`, {}, { key: newKey() });
}

/** Say it otherwise: a sibling of the message, with an answer of its own. */
export async function edit(id, content) {
  const { parent, attachments } = await (await parley.get(`/api/messages/${id}/`)).json();
  return parley.sendMessage(page.chat, content, { parent, attachments: attachments.map(asSent) });
}

/** Erase its text; its place stays. */
export function remove(id) {
  return parley.change("DELETE", `/api/messages/${id}/`);
}

/** Go on from this message in a chat of one's own. */
export async function fork(id) {
  const chat = await post(`/api/chats/${page.chat}/fork/`, { message: id }, { key: newKey() });
  location.assign(`/chats/${chat.id}/`);
}

/** Have the older messages of the chat summed up for the model: a run that ends by itself, and whose line appears then. */
export function compact() {
  return post(`/api/chats/${page.chat}/compact/`, {});
}

/** Let a tool call run, or not: `decision` is allow or deny; `more` may have a reason, a scope and the digest of what was asked. */
export function approve(run, call, decision, more) {
  return post(`/api/runs/${run}/approvals/${call}`, { decision, ...more });
}
