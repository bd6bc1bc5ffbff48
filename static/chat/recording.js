// A sound that the reader speaks, as a file that goes with the message.

import "./styled.js";
import { blank } from "./text.js";
import { WORDS } from "./words.js";

const KINDS = ["audio/webm;codecs=opus", "audio/mp4"]; // what browsers make: the first that this one can
const BITS_PER_SECOND = 64_000; // speech; half an hour is 14 MB
const TICK_MS = 200;

export class Recording {
  #isKept = true;
  #isFull = false;

  /** In the composer, by its button, whose `data-seconds` are the most; `onProblem(text)` is told why there is none, or why it has ended. */
  constructor(form, onProblem) {
    this.box = form.querySelector("textarea");
    this.button = form.querySelector(".record");
    this.most = Number(this.button.dataset.seconds);
    this.onProblem = onProblem;
    this.bar = blank("recording-template");
    this.bar.querySelector(".keep").addEventListener("click", () => this.finish());
    this.bar.querySelector(".drop").addEventListener("click", () => this.finish(false));
  }

  /** The recorded file once it is ended; null where it was dropped, or could not begin. */
  async run() {
    this.button.disabled = true;
    try {
      return await this.#record(await navigator.mediaDevices.getUserMedia({ audio: true }));
    } catch (error) {
      if (!(error instanceof DOMException)) throw error; // no refusal of the browser but our own mistake
      this.onProblem(WORDS.noMicrophone);
      return null;
    } finally {
      this.bar.remove();
      this.button.disabled = false;
    }
  }

  async #record(stream) {
    const mimeType = KINDS.find((each) => MediaRecorder.isTypeSupported(each));
    this.recorder = new MediaRecorder(stream, { mimeType, audioBitsPerSecond: BITS_PER_SECOND });
    const pieces = [];
    this.recorder.ondataavailable = ({ data }) => data.size && pieces.push(data);
    const ended = new Promise((resolve) => (this.recorder.onstop = resolve));
    this.recorder.start();
    const timer = this.#show();
    await ended; // by its buttons, by its length, or as the microphone was taken away
    clearInterval(timer);
    stream.getTracks().forEach((track) => track.stop());
    if (this.#isFull) this.onProblem(WORDS.recordingFull({ minutes: Math.round(this.most / 60) }));
    const type = this.recorder.mimeType.split(";")[0];
    return this.#isKept && pieces.length ? new File(pieces, nameOf(type), { type }) : null;
  }

  /** End it; where it is not kept nothing of it is. */
  finish(isKept = true) {
    this.#isKept = isKept;
    if (this.recorder?.state === "recording") this.recorder.stop();
  }

  #show() {
    const begin = performance.now();
    const time = this.bar.querySelector(".time");
    const tick = () => {
      const seconds = (performance.now() - begin) / 1000;
      time.textContent = clock(seconds);
      this.#isFull = seconds >= this.most;
      if (this.#isFull) this.finish();
    };
    tick();
    this.box.before(this.bar);
    this.bar.querySelector(".keep").focus();
    return setInterval(tick, TICK_MS);
  }
}

/** 65 -> 1:05 */
function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}

/** What it is called: when it was made. */
function nameOf(type) {
  const when = new Date().toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  return `${WORDS.recordingOf({ when })}.${type.split("/")[1]}`.replaceAll(/[/\\:]/g, ".");
}
