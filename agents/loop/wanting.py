"""What a call that has begun wants from a person: as it is asked, and what was answered. Pure."""

from typing import Any

from msgspec.structs import replace

from agents import events as ev
from agents.loop.judging import digest_asked
from agents.loop.ledger import Turn
from tools.forms import Given, NeedsPerson


def asked(needs: NeedsPerson, **told: Any) -> ev.ApprovalRequested:
    """The question, with `told` of its call; its digest is of what is wanted, too."""
    forms = tuple(ev.Form(**vars(each)) for each in needs.forms)
    event = ev.ApprovalRequested(**told, forms=forms, state=needs.state)
    return replace(event, digest=digest_asked(event))


def given(turn: Turn, call: str) -> Given | None:
    """What a person has answered to the call's newest question; None where it wanted nothing."""
    question, approval = turn.asked.get(call), turn.approvals.get(call)
    if question is None or not question.forms or not isinstance(approval, ev.ApprovalResolved):
        return None
    pages = {each.key for each in question.forms if each.is_page}
    answers = {key: None if key in pages else value for key, value in approval.input.items()}
    return Given(answers, question.state)
