// The tabs of this browser: each has a name, by which what it keeps is its own. It has the same one after a reload; a tab that was made
// as the copy of another takes a new one.

import { newKey } from "../parley.js";

const ANSWER_MS = 200; // a tab that lives says so within this; one that sleeps does not
const NAME = "parley.tab";

let name = newKey(); // until it is known whether the former one is free
let channel = null;
let heard = new Set();

function listen() {
  if (!("BroadcastChannel" in window)) return;
  channel ??= new BroadcastChannel("parley-tabs");
  channel.onmessage = ({ data }) => {
    if (data.lives) heard.add(data.lives);
    else channel.postMessage({ lives: name });
  };
}

/** The names of the other tabs that live. */
export async function living() {
  const found = (heard = new Set());
  channel?.postMessage({ asks: true });
  if (channel) await new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
  return found;
}

/** This tab's name, once it has one. */
export const tab = find();

async function find() {
  listen();
  const former = recall();
  if (former && !(await living()).has(former)) name = former;
  remember();
  return name;
}

function recall() {
  try {
    return sessionStorage.getItem(NAME);
  } catch {
    return null; // a browser that keeps nothing
  }
}

function remember() {
  try {
    sessionStorage.setItem(NAME, name);
  } catch {
    // The next page has another name: it finds what this one has kept, as any other tab does.
  }
}

// A page that is kept for going back does not live, and one with an open channel would not be kept.
addEventListener("pagehide", () => (channel?.close(), (channel = null)));
addEventListener("pageshow", listen);
