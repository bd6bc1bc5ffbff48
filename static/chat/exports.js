// The page of exports: its list as it is now, for as long as one of them is under way.

const EVERY_MS = 2000;

async function look() {
  const list = document.getElementById("exports");
  if (!list.querySelector("progress")) return;
  setTimeout(look, EVERY_MS);
  const answer = await fetch(location.pathname).catch(() => null); // away for now: asked again
  if (!answer?.ok || answer.redirected) return;
  const newer = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("exports");
  if (list.contains(document.activeElement) && newer.querySelectorAll("progress").length === list.querySelectorAll("progress").length) return follow(list, newer);
  tell(list, newer);
  list.replaceWith(newer);
}

/** How far each is, where somebody's focus is in the list. */
function follow(list, newer) {
  const bars = newer.querySelectorAll("progress");
  list.querySelectorAll("progress").forEach((bar, at) => bar.replaceWith(bars[at].cloneNode(true)));
}

/** Say aloud that one is over. */
function tell(list, newer) {
  if (list.querySelectorAll("progress").length === newer.querySelectorAll("progress").length) return;
  document.getElementById("told").textContent = [...newer.querySelectorAll("li:first-child p")].map((line) => line.textContent.trim()).join(", ");
}

setTimeout(look, EVERY_MS);
