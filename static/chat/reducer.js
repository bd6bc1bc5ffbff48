// The browser's projection: (answer, event) -> answer, pure. Parts have the shape of a stored message's parts. Knows no DOM.

/** An answer of which nothing has been seen yet. */
export function emptyAnswer() {
  return {
    attempt: 0, // with `seq`: the last event that was taken in
    seq: 0,
    phase: "sending", // sending queued thinking writing tool approval retrying resetting completed failed cancelled
    since: 0, // when this phase began, seconds
    startedAt: 0,
    endedAt: 0,
    turns: {}, // the turn each agent is in
    // {type: "text" | "reasoning", turn, text, isTakenBack ...}, {type: "tool", call, name, status ...} or, behind the tool that
    // they came of, {type: "files", of, files}. A text has `blocks`,
    // the HTML of its beginning, up to `cut` of its UTF-16 units (`points` of its code points).
    parts: [],
    sources: [], // that the answer names, each once, with the turn that named it first
    leftOut: [], // what was chosen and the provider would not take: temperature, tools, effort ...
    retry: null, // the retry.scheduled that is waited for
    model: "", // that answers
    asked: "", // of which that was asked: another one, where it answers in its place
    usage: null,
    cost: null,
    reason: "", // of a completed answer: stop, length, max_turns ...
    error: null, // of a failed one: {code, message, retryable}
    stoppedBy: "",
    workflow: null, // the last word of where the chat's workflow stands
  };
}

/** Whether nothing more will come. */
export function isOver(answer) {
  return answer.phase === "completed" || answer.phase === "failed" || answer.phase === "cancelled";
}

/** The tool parts whose result has not come. */
export function runningTools(answer) {
  return answer.parts.filter((part) => part.type === "tool" && part.status === "running");
}

/** The answer's text: all its own text parts together. */
export function textOf(answer) {
  return answer.parts
    .filter((part) => part.type === "text" && !part.isTakenBack)
    .map((part) => part.text)
    .join("");
}

/** The answer after the event. An event that was seen before changes nothing: the same object comes back. */
export function reduce(answer, event) {
  if (event.type === "log.reset") return emptyAnswer();
  if (event.type === "block") return { ...answer, parts: withBlock(answer.parts, event) };
  if (!isNew(answer, event)) return answer;
  return { ...answer, ...change(answer, { ...event, agent: event.agent ?? "" }), attempt: event.attempt, seq: event.seq };
}

function isNew(answer, event) {
  return event.attempt > answer.attempt || (event.attempt === answer.attempt && event.seq > answer.seq);
}

function change(answer, event) {
  switch (event.type) {
    case "run.queued":
      return { ...enter("queued", event), model: event.model, asked: event.model };
    case "run.started":
      return { ...enter("thinking", event), startedAt: answer.startedAt || event.at };
    case "turn.started":
      return turnStarted(answer, event);
    case "reply.completed":
      return event.agent ? {} : { model: event.model || answer.asked, leftOut: event.left_out ?? answer.leftOut };
    case "text.delta":
    case "reasoning.delta":
      return spoken(answer, event);
    case "citation.added":
      return cited(answer, event);
    case "tool.called":
      return toolCalled(answer, event);
    case "approval.requested":
      return asked(answer, event);
    case "approval.resolved":
      return resolved(answer, event);
    case "agent.started":
      return { parts: withTool(answer.parts, event.call, { helper: event.name }) };
    case "tool.progressed":
      return event.resumes ? resumed(answer, event) : { parts: withTool(answer.parts, event.call, { progress: event.text }) };
    case "tool.returned":
      return toolEnded(answer, event, {
        status: "returned",
        result: event.result,
        elapsedMs: event.elapsed_ms,
        isCut: event.truncated ?? false,
      });
    case "tool.failed":
      return toolEnded(answer, event, {
        status: event.outcome ?? "failed",
        error: event.error,
        elapsedMs: event.elapsed_ms ?? 0,
      });
    case "retry.scheduled":
      return { ...enter("retrying", event), retry: event };
    case "turn.reset":
      return { ...enter("resetting", event), parts: takenBack(answer.parts, event), sources: uncited(answer.sources, event) };
    case "run.completed":
      return { ...ended(answer, "completed", event), reason: event.reason };
    case "run.failed":
      return {
        ...ended(answer, "failed", event),
        error: { code: event.code, message: event.message, retryable: event.retryable },
      };
    case "run.cancelled":
      return { ...ended(answer, "cancelled", event), stoppedBy: event.by ?? "" };
    case "workflow.changed":
      return event.step_id ? { workflow: event } : {}; // else it is work of a tool
    case "workflow.completed":
      return { workflow: event };
    default:
      return {}; // nothing that this page shows
  }
}

/** A block belongs to the last text; one that was there before is replaced, and behind a gap the text stays plain. */
function withBlock(parts, { index, end, html }) {
  const at = parts.findLastIndex((part) => part.type === "text" && !part.isTakenBack);
  const part = parts[at];
  if (!part || index > part.blocks.length) return parts;
  const blocks = [...part.blocks];
  blocks[index] = html;
  const isNew = index === part.blocks.length;
  const cut = isNew ? forward(part.text, part.cut, end - part.points) : part.cut;
  return parts.with(at, { ...part, blocks, cut, points: isNew ? end : part.points });
}

/** So many code points on from a place in a text. */
function forward(text, at, points) {
  for (; points > 0; points--) at += text.codePointAt(at) > 0xffff ? 2 : 1;
  return at;
}

function turnStarted(answer, event) {
  const turns = { ...answer.turns, [event.agent]: event.turn };
  // A subagent's turn goes on inside its parent's tool call.
  return event.agent ? { turns, retry: null } : { ...enter("thinking", event), retry: null, turns, model: event.model, asked: event.model };
}

function enter(phase, event) {
  return { phase, since: event.at };
}

/** The phase goes on counting from its start if it is the same one. */
function stay(answer, phase, event) {
  return answer.phase === phase ? {} : enter(phase, event);
}

/** A subagent's words are its parent's tool result: they only show that something goes on. */
function spoken(answer, event) {
  if (event.agent) return {};
  const type = event.type === "text.delta" ? "text" : "reasoning";
  const parts = swept(answer.parts);
  const turn = answer.turns[""] ?? 0;
  const last = parts.at(-1);
  const continues = last?.type === type && last.turn === turn;
  const part = continues
    ? { ...last, text: last.text + event.text, until: event.until || event.at }
    : { type, turn, text: event.text, from: event.at, until: event.until || event.at, isTakenBack: false, blocks: [], cut: 0, points: 0 };
  const phase = type === "text" ? "writing" : "thinking";
  return { ...stay(answer, phase, event), parts: [...(continues ? parts.slice(0, -1) : parts), part] };
}

function cited(answer, event) {
  const isKnown = answer.sources.some(({ n }) => n === event.n);
  return isKnown ? {} : { sources: [...answer.sources, { ...event, turn: answer.turns[""] ?? 0 }] };
}

function uncited(sources, event) {
  return event.agent ? sources : sources.filter(({ turn }) => turn !== event.turn);
}

function toolCalled(answer, event) {
  const { call, name, agent, at } = event;
  const tool = { type: "tool", agent, call, name, arguments: event.arguments, status: "running", from: at };
  const parts = swept(answer.parts);
  // A call that is run again after a takeover is the same card.
  const isKnown = parts.some((part) => part.call === call);
  return { ...stay(answer, "tool", event), parts: isKnown ? withTool(parts, call, tool) : withNew(parts, tool) };
}

/** A subagent's call follows the call that asked it, and what came of that before; chat/page/contents.py orders a stored answer so. */
function withNew(parts, tool) {
  const { agent } = tool;
  const asker = agent.slice(agent.lastIndexOf(":") + 1);
  const isBefore = (part) => part.call === asker || part.agent === agent || part.agent?.startsWith(`${agent}/`);
  const at = agent ? parts.findLastIndex(isBefore) : -1;
  return at < 0 ? [...parts, tool] : parts.toSpliced(at + 1, 0, tool);
}

/** A call that a person must allow: `status` is asked, then allowed or denied. */
function asked(answer, event) {
  const { parts } = toolCalled(answer, event);
  const { expires_at: expiresAt, title = "", risk = "", digest = "" } = event;
  const fields = { status: "asked", expiresAt, title, risk, digest, isForm: Boolean(event.forms) };
  return { ...stay(answer, "approval", event), parts: withTool(parts, event.call, fields) };
}

function resolved(answer, { call, decision, by, reason = "", scope = "", at }) {
  const parts = withTool(answer.parts, call, { status: decision, decision, decidedBy: by ?? "", reason, scope });
  return parts.some((part) => part.status === "asked") ? { parts } : { ...enter("queued", { at }), parts };
}

/** What it asked for was given: it goes on. */
function resumed(answer, event) {
  return { ...stay(answer, "tool", event), parts: withTool(answer.parts, event.call, { status: "running", progress: "" }) };
}

function toolEnded(answer, event, outcome) {
  // A call that was refused at once was never announced; it gets its card now.
  const isKnown = answer.parts.some((part) => part.call === event.call);
  const announced = isKnown ? answer : { ...answer, ...toolCalled(answer, { ...event, arguments: null }) };
  const parts = withFiles(withTool(announced.parts, event.call, outcome), event);
  const isLast = !parts.some((part) => part.status === "running");
  return { ...(isLast ? enter("thinking", event) : stay(answer, "tool", event)), parts };
}

function withTool(parts, call, fields) {
  return parts.map((part) => (part.call === call ? { ...part, ...fields } : part));
}

/** Files that came of a call stand behind it. */
function withFiles(parts, { call, agent, attachments: files }) {
  const at = files ? parts.findIndex((part) => part.call === call) : -1;
  return at < 0 ? parts : parts.toSpliced(at + 1, 0, { type: "files", of: call, agent, files });
}

/** What was said in the turn that starts again is marked; it goes when something new comes in its place. */
function takenBack(parts, event) {
  const isHit = (part) => !event.agent && part.type !== "tool" && part.turn === event.turn;
  return parts.map((part) => (isHit(part) ? { ...part, isTakenBack: true } : part));
}

function swept(parts) {
  return parts.some((part) => part.isTakenBack) ? parts.filter((part) => !part.isTakenBack) : parts;
}

function ended(answer, phase, event) {
  const parts = swept(answer.parts).map((part) => 
    ["running", "asked", "allowed"].includes(part.status) ? { ...part, status: "unfinished" } : part,
  );
  return { ...enter(phase, event), endedAt: event.at, parts, retry: null, usage: event.usage ?? null, cost: event.cost ?? null };
}
