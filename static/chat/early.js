// Before the page's modules have come: what the reader has set, and what is sent by then stays in its box until they send it.

{
  const root = document.documentElement.dataset;
  const kept = (name, otherwise) => {
    try {
      return localStorage.getItem(name) ?? otherwise;
    } catch {
      return otherwise; // a browser that keeps nothing
    }
  };
  const hold = (event) => {
    const form = event.target.closest?.("#composer");
    const isSend = event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229 && (event.ctrlKey || event.metaKey || root.enter === "send");
    if (!form || !(isSend || event.type === "submit") || document.body.matches(".ready")) return;
    event.preventDefault();
    form.dataset.early = "yes";
    form.querySelector("textarea").readOnly = true;
  };
  root.enter = kept("enter", matchMedia("(pointer: coarse)").matches ? "line" : "send");
  root.wrap = kept("wrap", "no");
  root.speech = kept("speech", "whole");
  addEventListener("keydown", hold);
  addEventListener("submit", hold);
}
