// The tools of an answer that is over, where they are many: one line that opens to their cards.

import { blank, isSelected } from "./text.js";
import { WORDS } from "./words.js";

const MANY = 3;

/** Fold each run of tools in the article; false, and nothing is touched, where the reader is at one of them. */
export function foldTools(article) {
  const groups = groupsOf(article.querySelector(".parts").children);
  if (groups.flat().some((each) => isSelected(each) || each.contains(document.activeElement))) return false;
  groups.forEach(fold);
  return true;
}

/** As it was before. */
export function unfoldTools(article) {
  for (const box of article.querySelectorAll(".tools")) {
    box.firstElementChild.remove();
    box.replaceWith(...box.children);
  }
}

/** Tools that follow each other, with the thoughts between them; one that somebody must look at keeps its group open. */
function groupsOf(parts) {
  const groups = [[]];
  for (const part of parts) {
    if (part.matches(".tool, .reasoning")) groups.at(-1).push(part);
    else groups.push([]);
  }
  return groups.map(trimmed).filter((group) => toolsOf(group).length >= MANY && !group.some((each) => each.matches("[data-status=unknown]")));
}

function trimmed(group) {
  const isTool = (each) => each.matches(".tool");
  return group.slice(group.findIndex(isTool), group.findLastIndex(isTool) + 1);
}

function toolsOf(group) {
  return group.filter((each) => each.matches(".tool"));
}

function fold(group) {
  const tools = toolsOf(group);
  const failed = tools.filter((each) => each.matches("[data-status=failed]")).length;
  const box = blank("tools-template");
  box.querySelector(".label").textContent = WORDS.usedMany({ count: tools.length }) + (failed ? ` · ${WORDS.failedMany({ count: failed })}` : "");
  box.open = group.some((each) => each.open);
  group[0].before(box);
  box.append(...group);
}
