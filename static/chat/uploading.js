// Brings one file to the server, and says how far it has come.

import { refusal, RequestFailed } from "../parley.js";
import { parley } from "./api.js";

/**
 * The attachment as the server has it then. `place` says whose it is: {name, chat or organization}. `onProgress(part)` is told of 0 to 1;
 * `signal` ends it. Throws RequestFailed.
 */
export async function upload(file, place, { signal, onProgress }) {
  const signed = await parley.credentials("POST");
  const request = new XMLHttpRequest(); // fetch does not tell how much has gone
  const answered = new Promise((resolve, reject) => {
    const lost = () => reject(new RequestFailed("The server could not be reached."));
    request.onload = () => resolve(answerOf(request));
    request.onerror = request.onabort = lost;
    if (signal.aborted) lost();
  });
  signal.addEventListener("abort", () => request.abort());
  request.upload.onprogress = ({ loaded, total }) => onProgress(loaded / total);
  request.open("POST", new URL(`/api/attachments/?${new URLSearchParams(place)}`, new URL(parley.base, location.href)));
  for (const [name, value] of Object.entries(signed)) request.setRequestHeader(name, value);
  request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
  if (!signal.aborted) request.send(file);
  const answer = await answered;
  if (!answer.ok) throw await refusal(answer);
  return answer.json();
}

function answerOf(request) {
  const headers = { "Retry-After": request.getResponseHeader("Retry-After") ?? "" };
  return new Response(request.responseText, { status: request.status, headers });
}
