// Who sees this chat: the line that always says it, and the dialog that changes it.

import { newKey } from "../parley.js";
import { get, parley, post } from "./api.js";
import { byId, page } from "./page.js";
import { blank } from "./text.js";
import { whyInWords, WORDS } from "./words.js";

const MOST = 200; // people offered at once
const dialog = byId("share");
const part = (name) => dialog.querySelector(name);
const json = async (path) => (await get(path)).json();
let chat = null;
let writers = new Set(); // who has a role that writes here: nobody else may, whatever is shared with them

/** Say who sees the chat, as it is now. */
export async function showSharing(now) {
  const [shares, project] = await Promise.all([sharesOf(now), projectOf(now)]);
  const names = shares.map(({ user }) => user.name);
  if (now.sharing === "project") names.unshift(WORDS.forProject({ name: project.name }));
  byId("sharing").textContent = names.join(", ") || WORDS.private;
}

const sharesOf = async ({ id }) => (await json(`/api/chats/${id}/shares/?page_size=${MOST}`)).results;
const insideOf = ({ project }) => (project ? json(`/api/projects/${project}/members/?page_size=${MOST}`) : { results: [] });
const projectOf = ({ project }) => project && json(`/api/projects/${project}/`);

/** Open the dialog. */
export async function open() {
  part(".here").textContent = byId("people").title;
  await Promise.all([act(), import("./links.js").then(({ show }) => show(page.chat))]);
  dialog.showModal();
}

async function fill() {
  chat = await json(`/api/chats/${page.chat}/`);
  const members = json(`/api/organizations/${chat.organization}/members/?page_size=${MOST}`);
  const [shares, project, { results }, inside] = await Promise.all([sharesOf(chat), projectOf(chat), members, insideOf(chat)]);
  const isOwner = chat.user === page.user.id;
  writers = writersOf(results, inside);
  part("fieldset").disabled = !isOwner;
  part(".for-project").hidden = !project;
  part(".for-project b").textContent = project?.name ?? "";
  part(`[value=${chat.sharing}]`).checked = true;
  part("[name=project_access]").value = chat.project_access;
  part(".named").replaceChildren(...shares.map(rowOf));
  const known = new Set([chat.user, ...shares.map(({ user }) => user.id)]);
  const others = results.filter(({ user }) => !known.has(user.id));
  part("[name=person]").replaceChildren(...others.map(({ user }) => new Option(user.name, user.id)));
  part(".add").hidden = !others.length || !isOwner;
  offerAccess();
  await showSharing(chat);
}

/** A role in the project counts there, the one in the organization elsewhere. */
function writersOf(members, { results: inside }) {
  const roles = new Map([...members, ...inside].map(({ user, role }) => [user.id, role]));
  return new Set([...roles].filter(([, role]) => role !== "viewer").map(([id]) => id));
}

/** Whoever may only read by their role is offered no more. */
function offerAccess() {
  const access = part("[name=access]");
  const canWrite = writers.has(part("[name=person]").value);
  access.querySelector("[value=write]").disabled = !canWrite;
  if (!canWrite) access.value = "read";
}

function rowOf({ id, user, access }) {
  const row = blank("share-template");
  row.dataset.share = id;
  row.querySelector("span").textContent = user.name;
  row.querySelector(".quiet").textContent = access === "write" && writers.has(user.id) ? WORDS.mayWrite : WORDS.mayRead;
  row.querySelector("button").setAttribute("aria-label", WORDS.takeBack({ name: user.name }));
  return row;
}

/** Do it, then show how things are. */
async function act(doing) {
  let problem = "";
  try {
    await doing?.();
    await fill();
  } catch (error) {
    problem = WORDS.notDone({ why: whyInWords(error) });
  }
  part(".problem").textContent = problem;
}

dialog.addEventListener("change", ({ target: { name, value } }) => {
  if (name === "person") offerAccess();
  if (name === "sharing" || name === "project_access") act(() => parley.change("PATCH", `/api/chats/${chat.id}/`, { [name]: value }));
});

dialog.addEventListener("click", ({ target }) => {
  const share = target.closest("[data-share]")?.dataset.share;
  if (share && target.closest("button")) act(() => parley.change("DELETE", `/api/chats/${chat.id}/shares/${share}/`));
  if (target.closest(".add button")) {
    const body = { user: part("[name=person]").value, access: part("[name=access]").value };
    act(() => post(`/api/chats/${chat.id}/shares/`, body, { key: newKey() }));
  }
});
