"""Whether a definition may be published: every fault, and where it stands. Pure."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from agents.workflows.definition import END, Definition, Next, Step, When, load

STEPS_MAX = 30
ID = re.compile(r"[a-z][a-z0-9_-]{0,39}")
TOOL = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
NAME_MAX, SENTENCE_MAX, NEEDS_MAX = 100, 500, 10
BOUNDS: dict[str, tuple[float, float]] = {
    "max_tokens": (1, 1_000_000),
    "max_sentences": (1, 1_000),
    "retries": (0, 10),
    "timeout_s": (1, 3_600),
}


class Fault(NamedTuple):
    """One thing that is wrong."""

    where: str  # such as steps[2].next[0].to
    told: str

    def __str__(self) -> str:
        return f"{self.where}: {self.told}"


def checked(value: Any, *, most_steps: int = STEPS_MAX, archetypes: Iterable[str] | None = None) -> list[Fault]:
    """What keeps a definition from being published; nothing where it may be. `archetypes`: those there are."""
    try:
        definition = load(value)
    except msgspec.ValidationError as error:
        return [_shape(str(error))]
    if not 1 <= len(definition.steps) <= most_steps:
        return [Fault("steps", f"Expected 1 to {most_steps} steps; these are {len(definition.steps)}.")]
    known = None if archetypes is None else frozenset(archetypes)
    faults = [each for number, step in enumerate(definition.steps) for each in _step(definition, number, step, known)]
    return faults or list(_ways(definition))


def _shape(told: str) -> Fault:
    """msgspec's own words, with the place in front."""
    what, _, where = told.partition(" - at `$")
    return Fault(where.strip("`.") or "definition", f"{what}.")


def _step(definition: Definition, number: int, step: Step, archetypes: frozenset[str] | None) -> Iterator[Fault]:
    at = f"steps[{number}]"
    yield from _names(definition, at, number, step)
    yield from _bounds(at, step)
    yield from _kind(at, step)
    if step.archetype and archetypes is not None and step.archetype not in archetypes:
        yield Fault(f"{at}.archetype", f'there is no archetype "{step.archetype}"')
    for place, rule in enumerate(step.next):
        yield from _rule(definition, step, f"{at}.next[{place}]", rule, is_last=place == len(step.next) - 1)


def _names(definition: Definition, at: str, number: int, step: Step) -> Iterator[Fault]:
    if not ID.fullmatch(step.id) or step.id == END:
        yield Fault(f"{at}.id", f'Expected lower case letters, digits, - and _, at most 40, and not "{END}".')
    elif definition.index(step.id) <= number:
        yield Fault(f"{at}.id", f'there is another step "{step.id}"')
    if not 1 <= len(step.name.strip()) <= NAME_MAX:
        yield Fault(f"{at}.name", f"Expected a text of 1 to {NAME_MAX} characters.")
    if len(step.needs) > NEEDS_MAX or len(set(step.needs)) < len(step.needs):
        yield Fault(f"{at}.needs", f"Expected at most {NEEDS_MAX} names, each once.")
    for place, name in enumerate(step.needs):
        if not ID.fullmatch(name):
            yield Fault(f"{at}.needs[{place}]", "Expected lower case letters, digits, - and _, at most 40.")


def _bounds(at: str, step: Step) -> Iterator[Fault]:
    for name, (least, most) in BOUNDS.items():
        value = getattr(step, name)
        if isinstance(value, int | float) and not least <= value <= most:
            yield Fault(f"{at}.{name}", f"Expected {least} to {most}.")


def _kind(at: str, step: Step) -> Iterator[Fault]:
    """What each kind of step needs, and has no use for."""
    if step.kind == "chat" and not step.instructions():
        yield Fault(f"{at}.prompt", "Expected a text: it says what this step is about.")
    if step.kind == "tool" and not TOOL.fullmatch(step.tool):
        yield Fault(f"{at}.tool", "Expected the name of a tool, such as search_knowledge.")
    if step.kind != "tool" and step.tool:
        yield Fault(f"{at}.tool", "Expected no tool: only a step of the kind tool has one.")
    if step.kind in ("tool", "approval") and step.needs:
        yield Fault(f"{at}.needs", f"Expected none: no message answers a step of the kind {step.kind}.")
    if step.waits and any(_asks_model(rule) for rule in step.next):
        yield Fault(f"{at}.next", f"Expected no rule of a model: none is asked in a step of the kind {step.kind}.")
    if step.kind == "wait" and any(to == END for to in [rule.to for rule in step.next] or [END]):
        yield Fault(f"{at}.next", "Expected steps only: the message that is waited for is answered by the next one.")
    if step.kind == "tool" and step.next and step.next[-1].when != "always":
        yield Fault(f"{at}.next", 'Expected "always" as the last rule: nobody is there who could say more.')


def _rule(definition: Definition, step: Step, at: str, rule: Next, *, is_last: bool) -> Iterator[Fault]:
    if rule.to != END and definition.step(rule.to) is None:
        yield Fault(f"{at}.to", f'there is no step "{rule.to}"')
    if isinstance(rule.when, When):
        yield from _when(definition, f"{at}.when", rule.when)
    elif not is_last:
        yield Fault(f"{at}.when", 'Expected "always" in the last rule only: none behind it would be looked at.')


def _when(definition: Definition, at: str, when: When) -> Iterator[Fault]:
    if bool(when.answer) == bool(when.model):
        yield Fault(at, 'Expected "always", or either answer or model.')
        return
    given = [each for each in (when.equals, when.one_of, when.matches_words) if each is not None]
    if when.model:
        if given or len(when.model) > SENTENCE_MAX:
            yield Fault(f"{at}.model", f"Expected one sentence of at most {SENTENCE_MAX} characters, and nothing else.")
        return
    if len(given) != 1 or not all(given):
        yield Fault(at, "Expected exactly one of equals, in, matches_words, and not empty.")
    if when.answer not in _answers(definition):
        yield Fault(f"{at}.answer", f'there is no answer "{when.answer}": no step needs it')


def _answers(definition: Definition) -> set[str]:
    """The names of all answers that come to be; an approval's decision bears its step's."""
    names = {name for step in definition.steps for name in step.needs}
    return names | {step.id for step in definition.steps if step.kind == "approval"}


def _asks_model(rule: Next) -> bool:
    return isinstance(rule.when, When) and bool(rule.when.model)


# --- Ways through it --------------------------------------------------------------------------------------------------


def _ways(definition: Definition) -> Iterator[Fault]:
    """Every step is reached, an end is reached from each, and no circle goes round without a person."""
    steps = {step.id: step for step in definition.steps}
    leads = {step.id: [rule.to for rule in step.next] or [END] for step in definition.steps}
    reached = _closure([definition.steps[0].id], lambda id: leads.get(id, []))
    backwards = {to: [id for id, targets in leads.items() if to in targets] for to in [*steps, END]}
    ending = _closure([END], lambda id: backwards[id])
    for number, step in enumerate(definition.steps):
        if step.id not in reached:
            yield Fault(f"steps[{number}]", f'no step leads to "{step.id}"')
        elif step.id not in ending:
            yield Fault(f"steps[{number}].next", f'no way leads from "{step.id}" to the end')
        elif step.kind == "tool" and step.id in _alone(step, steps, leads):
            yield Fault(f"steps[{number}].next", f'"{step.id}" leads back to itself without a person in between')


def _alone(step: Step, steps: dict[str, Step], leads: dict[str, list[str]]) -> set[str]:
    """The steps that are reached from this one without a person's word."""
    return _closure(leads[step.id], lambda id: leads[id] if id in steps and steps[id].kind == "tool" else [])


def _closure(begin: Iterable[str], leads: Callable[[str], Iterable[str]]) -> set[str]:
    """These, and all they lead to."""
    found: set[str] = set()
    waiting = list(begin)
    while waiting:
        id = waiting.pop()
        if id not in found:
            found.add(id)
            waiting += leads(id)
    return found
