// Before the page's modules have come: what is sent by then stays in its box, and they send it as soon as they are here.

function hold(event) {
  const form = event.target.closest?.("#composer");
  const isSend = event.key === "Enter" && !event.shiftKey && !event.isComposing && (event.ctrlKey || !matchMedia("(pointer: coarse)").matches);
  if (!form || !(isSend || event.type === "submit") || document.body.matches(".ready")) return;
  event.preventDefault();
  form.dataset.early = "yes";
  form.querySelector("textarea").readOnly = true;
}

addEventListener("keydown", hold);
addEventListener("submit", hold);
