"""The one table."""

from chat.ops.chaos.faults import Outage
from chat.ops.chaos.findings.checker import Findings

TAKEOVER_MAX_S = 10.0
STOP_MAX_S = 1.0


def table(found: Findings, outages: list[Outage], asked: int) -> str:
    """Everything that was counted, what it must be, and whether it is."""
    rows = [*_counts(found), *_times(found)]
    width = max(len(name) for name, _, _ in rows)
    lines = [f"  {name:<{width}}  {value:>22}  {verdict}".rstrip() for name, value, verdict in rows]
    return "\n".join([*_context(found, outages, asked), "", *lines])


def misses(found: Findings) -> list[str]:
    """What is not as it must be, in words; none: everything held."""
    return [name for name, _, verdict in [*_counts(found), *_times(found)] if verdict.startswith("NO")]


def _context(found: Findings, outages: list[Outage], asked: int) -> list[str]:
    ends = ", ".join(f"{count} {name}" for name, count in sorted(found.ends.items()))
    work = ", ".join(f"{count} {name}" for name, count in sorted(found.work.items()))
    names = sorted({each.what for each in outages})
    faults = ", ".join(f"{name} {sum(each.what == name for each in outages)}" for name in names)
    return [
        f"  {found.acked} runs: {ends or 'none'}",
        f"  beside them: {work or 'none'}",
        f"  faults: {faults or 'none'}",
        f"  {found.readers} readers, {found.resumes} times cut; cursors not known: {found.resets}",
        f"  {asked} model calls, {found.repeated} of them repeated after a process had gone",
    ]


def _counts(found: Findings) -> list[tuple[str, str, str]]:
    zeros = {
        "acked submits lost": found.lost,
        "runs beyond one per key": found.doubled,
        "gaps": found.gaps,
        "doubles": found.doubles,
        "readers that differ": found.differing,
        "runs without exactly one end": found.not_once_ended,
        "fold against rows": found.folds,
        "tool effects beyond one": found.effects,
        "two live runs in a chat": found.two_live,
        "answers that are not the script's": found.answers,
        "failures that are not the script's": found.unscripted,
        "answered chats without a title": found.untitled,
        "leaked tasks": found.leaked_tasks,
        "leaked streams and model calls": found.leaked_streams,
        "leaked leases": found.leaked_leases,
    }
    return [(name, str(count), "ok" if count == 0 else "NO: 0 expected") for name, count in zeros.items()]


def _times(found: Findings) -> list[tuple[str, str, str]]:
    return [
        ("takeover, s: p50 / p99 / max", _three(found.takeover_s), _below(found.takeover_s, TAKEOVER_MAX_S)),
        ("after a drain, s", _three(found.handover_s), _below(found.handover_s, TAKEOVER_MAX_S)),
        ("stop to model call closed, s", _three(found.stop_s), _below(found.stop_s, STOP_MAX_S)),
        ("the same during a fault, s", _three(found.stop_in_fault_s), ""),
    ]


def _three(seconds: list[float]) -> str:
    if not seconds:
        return "-"
    return " / ".join(f"{at(seconds, share):.2f}" for share in (0.5, 0.99, 1.0))


def _below(seconds: list[float], bar: float) -> str:
    if not seconds:
        return ""
    return f"ok ({len(seconds)})" if at(seconds, 0.99) < bar else f"NO: p99 below {bar:g} expected ({len(seconds)})"


def at(ordered: list[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
