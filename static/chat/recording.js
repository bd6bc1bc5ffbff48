// A sound that the reader speaks, as a file that goes with the message.

import { blank } from "./text.js";
import { WORDS } from "./words.js";

const KINDS = ["audio/webm;codecs=opus", "audio/mp4"]; // what browsers make: the first that this one can
const BITS_PER_SECOND = 64_000; // speech; half an hour is 14 MB
const TICK_MS = 200;

export class Recording {
  #isKept = true;

  /** `most` seconds at most; the bar that says how long it goes on stands in `box` before its text. */
  constructor(box, most) {
    this.most = most;
    this.bar = blank("recording-template");
    this.box = box;
    this.bar.querySelector(".keep").addEventListener("click", () => this.finish());
    this.bar.querySelector(".drop").addEventListener("click", () => this.finish(false));
  }

  /** The recorded file once it is ended, with whether it was `full`; null where it was dropped. Throws where this browser has no microphone for us. */
  async run() {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
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
    this.bar.remove();
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
      this.isFull = seconds >= this.most;
      if (this.isFull) this.finish();
    };
    tick();
    this.box.querySelector("textarea").before(this.bar);
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
