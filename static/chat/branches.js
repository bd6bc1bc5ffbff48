// Which branch of a chat this reader chose last, in this browser: of the chat, and below each version that was left.

import { page } from "./page.js";

const MOST_CHATS = 50; // the ones read last
const MOST_LEAVES = 100; // of a chat
const KEY = `branches:${page.user.id}`;

function read() {
  try {
    return new Map(JSON.parse(localStorage.getItem(KEY) ?? "[]"));
  } catch {
    return new Map(); // a browser that keeps nothing
  }
}

function change(act) {
  const all = read();
  const { at = "", leaves = [] } = all.get(page.chat) ?? {};
  const now = act({ at, leaves: new Map(leaves) });
  all.delete(page.chat);
  if (now.at || now.leaves.size) all.set(page.chat, { at: now.at, leaves: [...now.leaves].slice(-MOST_LEAVES) });
  try {
    localStorage.setItem(KEY, JSON.stringify([...all].slice(-MOST_CHATS)));
  } catch {
    // It holds as long as the address does.
  }
}

/** The last message of the branch that was read in a chat, "" for the newest branch. */
export const branchOf = (chat) => read().get(chat)?.at ?? "";

/** This branch is read now, by its last message; "" for the newest. */
export const chose = (leaf) => page.chat && change(({ leaves }) => ({ at: leaf, leaves }));

/** Another version is chosen: what was read below these messages is remembered. */
export function leave(ids, leaf) {
  change(({ at, leaves }) => {
    for (const id of ids) leaves.delete(id), leaves.set(id, leaf);
    return { at, leaves };
  });
}

/** What was read below a version, when it was left; the version itself where it was not read yet. */
export const leafBelow = (id) => new Map(read().get(page.chat)?.leaves ?? []).get(id) ?? id;
