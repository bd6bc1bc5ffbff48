// The looks of what is loaded with the first file: they are there before anything of it is shown.

const href = new URL("./attaching.css", import.meta.url).href;
const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });

await new Promise((resolve) => {
  link.onload = link.onerror = resolve;
  document.head.append(link);
});
