// A message that is over takes its stored form: only what differs is exchanged, and what the reader opened stays open.

import { foldTools, unfoldTools } from "./fold.js";
import { isSelected } from "./text.js";

const SINGLE = [".said", ".cited", ".attachments", ".why", ".made", ".work", ".wrote", ".read-from", ".end", ".actions", ".compacted"];

/** Give the article on the page the content of the stored one. */
export function settle(old, fresh) {
  if (![".parts", ".unfold", ".builds", ...SINGLE].every((name) => old.querySelector(`:scope > ${name}`))) return old.replaceWith(fresh); // others took some
  if (!foldTools(old)) unfoldTools(fresh);
  exchangeAll(old.querySelector(".parts"), fresh.querySelector(".parts"));
  old.querySelector(".unfold").hidden = fresh.querySelector(".unfold").hidden;
  for (const name of ["class", "data-status", "data-parent", "data-run", "data-position", "data-role"]) {
    old.setAttribute(name, fresh.getAttribute(name));
  }
  exchangeBuilds(...[old, fresh].map((each) => each.querySelector(":scope > .builds")));
  for (const name of SINGLE) {
    const [was, is] = [old, fresh].map((each) => each.querySelector(`:scope > ${name}`));
    if (was && is) keepOpen(was, is);
    if (was && is && !was.isEqualNode(is) && !was.querySelector(":scope > .notes") && !was.contains(document.activeElement)) was.replaceWith(is);
  }
}

/** What the reader has opened of the sources stays open. */
function keepOpen(old, fresh) {
  if (fresh.matches(".compacted")) fresh.open = old.open;
  for (const each of fresh.querySelectorAll("li[data-n] > details")) {
    each.open = old.querySelector(`li[data-n="${each.parentElement.dataset.n}"] > details`)?.open ?? false;
  }
}

/** A card is exchanged once it says something else, also under the button that was pressed: the new one has the focus then. */
function exchangeBuilds(old, fresh) {
  const cards = [...fresh.children].map((card) => {
    const known = [...old.children].find(({ dataset }) => dataset.run === card.dataset.run);
    return known?.querySelector(".line").isEqualNode(card.querySelector(".line")) ? known : card;
  });
  const isFocused = old.contains(document.activeElement) && !cards.some((card) => card.contains(document.activeElement));
  const { run } = document.activeElement.closest?.(".build")?.dataset ?? {};
  if (!cards.every((card, index) => card === old.children[index]) || cards.length !== old.children.length) old.replaceChildren(...cards);
  old.hidden = !cards.length;
  const card = isFocused && cards.find(({ dataset }) => dataset.run === run);
  if (card) (card.querySelector("button, a") ?? card).focus();
}

function exchangeAll(old, fresh) {
  const [before, after] = [old, fresh].map((each) => [...each.children]);
  after.forEach((part, index) => exchange(before[index], part, old));
  before.slice(after.length).forEach((part) => part.remove());
}

/** Put a part in the place of another; a text keeps the blocks that are the same. */
function exchange(old, fresh, parent) {
  if (!old) return parent.append(fresh);
  if (old.isEqualNode(fresh)) return;
  if (old.matches(".tools") && fresh.matches(".tools")) return exchangeAll(old, fresh);
  if (old.matches("details") && old.tagName === fresh.tagName) return exchangeDetails(old, fresh);
  if (old.className === fresh.className && old.matches(".text:not(.plain)")) return exchangeBlocks(old, fresh);
  unlessSelected(old, () => old.replaceWith(fresh));
}

function exchangeDetails(old, fresh) {
  fresh.open = old.open;
  if (old.isEqualNode(fresh) || old.contains(document.activeElement)) return;
  unlessSelected(old, () => old.replaceWith(fresh));
}

function exchangeBlocks(old, fresh) {
  const blocks = [...old.children].filter((each) => !each.matches(".rest"));
  const wanted = [...fresh.children];
  const act = () => {
    wanted.forEach((block, index) => {
      if (!blocks[index]) old.append(block);
      else if (!blocks[index].isEqualNode(block)) blocks[index].replaceWith(block);
    });
    blocks.slice(wanted.length).forEach((block) => block.remove());
    old.querySelector(":scope > .rest")?.remove();
    old.removeAttribute("style");
    delete old.dataset.label;
  };
  unlessSelected(old.querySelector(":scope > .rest") ?? old, act);
}

/** Replacing a text would end a selection in it: wait until the reader lets it go. */
function unlessSelected(element, act) {
  if (!isSelected(element)) return act();
  const check = () => {
    if (isSelected(element)) return;
    document.removeEventListener("selectionchange", check);
    act();
  };
  document.addEventListener("selectionchange", check);
}
