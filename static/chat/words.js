// Every sentence the page says, in one place: whole sentences with named places. Knows no DOM.

import { runningTools } from "./reducer.js";

export const WORDS = {
  sending: "Sending",
  starting: "Starting",
  waitingFor: (count) => (count === 1 ? "Waiting: 1 answer before yours" : `Waiting: ${count} answers before yours`),
  waiting: "Waiting",
  thinking: "Thinking",
  writing: "Writing",
  using: ({ name }) => `Using ${name}`,
  usingMany: ({ count }) => `Using ${count} tools`,
  retrying: ({ seconds, next, most }) =>
    `The model did not answer. Trying again in ${seconds} s (${next} of ${most})`,
  retryingNow: ({ next, most }) => `The model did not answer. Trying again (${next} of ${most})`,
  resetting: "Starting this part again",
  reconnecting: "Connection lost. Reconnecting",
  offline: "You are offline. What you send waits here",
  signedOut: "You are signed out. Your text is kept here",
  stopping: "Stopping",
  gone: "This chat is no longer there, or you may no longer see it. You can still copy what is on this page.",
  notSent: ({ why }) => `Not sent: ${why}`,
  notStopped: ({ why }) => `Not stopped: ${why}`,
  notDone: ({ why }) => `Not done: ${why}`,
  answerReady: "Answer ready",
  answerReadyLong: ({ words }) => `Answer ready, ${words} words`,
  answerFailed: "The answer failed",
  answerStopped: "Stopped",
  copied: "Copied",
  code: "Code",
  table: "Table",
};

/** What an open answer is doing, for the state line; `now` in seconds. */
export function phaseInWords(answer, now) {
  const time = counted(now - answer.since);
  switch (answer.phase) {
    case "sending":
      return WORDS.sending;
    case "queued":
      return WORDS.waiting;
    case "thinking":
      return WORDS.thinking + time;
    case "writing":
      return WORDS.writing;
    case "tool":
      return toolsInWords(runningTools(answer)) + time;
    case "retrying":
      return retryInWords(answer.retry, now);
    case "resetting":
      return WORDS.resetting;
    default:
      return "";
  }
}

function toolsInWords(tools) {
  return tools.length === 1 ? WORDS.using({ name: tools[0].name }) : WORDS.usingMany({ count: tools.length });
}

function retryInWords(retry, now) {
  const seconds = Math.ceil(retry.at + retry.delay_s - now);
  const turn = { seconds, next: retry.failed_attempt + 1, most: retry.max_attempts };
  return seconds > 0 ? WORDS.retrying(turn) : WORDS.retryingNow(turn);
}

/** " · 12 s" from the third second on. */
function counted(seconds) {
  return seconds >= 3 ? ` · ${Math.floor(seconds)} s` : "";
}

/** A duration as people say it. */
export function duration(seconds) {
  if (seconds < 0.1) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 10) return `${(Math.max(0, seconds)).toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** The label of folded thoughts that are over. */
export function thoughtInWords(seconds) {
  return seconds < 1 ? "Thoughts" : `Thought for ${duration(seconds)}`;
}

/** The state of a tool's card, after its name. */
export function toolInWords(tool, now) {
  const took = tool.elapsedMs == null ? "" : duration(tool.elapsedMs / 1000);
  switch (tool.status) {
    case "running":
      return tool.progress || `Running${counted(now - tool.from)}`;
    case "returned":
      return took;
    case "unknown":
      return "May or may not have run. It was not repeated.";
    case "refused":
      return "not run";
    case "unfinished":
      return "not finished";
    default:
      return took ? `failed · ${took}` : "failed";
  }
}

/** The argument worth showing beside a tool's name: the first short text among them. */
export function shortArgument(args) {
  if (typeof args === "string") return cut(args);
  const texts = Object.values(args ?? {}).filter((value) => typeof value === "string" || typeof value === "number");
  return texts.length ? cut(String(texts[0])) : "";
}

function cut(text) {
  const line = text.trim().split("\n")[0];
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}

/** The line under an answer that is over; the server says the same of a stored one (chat/pages.py). */
export function endInWords(answer, { user, ends }) {
  const facts = [tokensInWords(answer.usage), duration(answer.endedAt - answer.startedAt), answer.model].filter(Boolean);
  if (answer.phase === "cancelled") {
    const who = answer.stoppedBy && answer.stoppedBy === user.id ? "Stopped by you" : "Stopped";
    return [who, tokensInWords(answer.usage)].filter(Boolean).join(" · ");
  }
  if (answer.phase === "failed") return answer.error.message;
  return [ends[answer.reason], ...facts].filter(Boolean).join(" · ");
}

function tokensInWords(usage) {
  const total = (usage?.input_tokens ?? 0) + (usage?.output_tokens ?? 0);
  if (!total) return "";
  const about = usage.status && usage.status !== "reported" ? "about " : "";
  return `${about}${total.toLocaleString("en")} ${total === 1 ? "token" : "tokens"}`;
}
