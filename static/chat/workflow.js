// The line above the composer that says where the chat's workflow stands. The server says the same at first (chat/page/workflows.py).

import { setText } from "./card.js";
import { byId } from "./page.js";
import { WORDS } from "./words.js";

const line = byId("workflow");

/** Show what a `workflow.changed` says; a `workflow.completed` takes the line away. */
export function show({ type, index, steps, step }) {
  line.hidden = type !== "workflow.changed";
  if (!line.hidden) setText(line, WORDS.step({ index, total: steps, name: step }));
}
