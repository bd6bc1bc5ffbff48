"""A reader's place in a response is a sequence number, which counts the clean view. Sync.

A number that was given to text taken back since would go on in the middle of other text: it is refused, and so is one
inside of what was made one since. The client then reads the response from its start.
"""

from django.http import HttpRequest

from accounts.errors import Conflict, Gone, refuse
from accounts.http.queries import whole_number
from agents import events as ev
from chat.doors.openai.responses.dialect import encoder as responses
from chat.doors.reading import Reader
from chat.eventlog.rows import clean, pieces_of, stored
from chat.models import LogState

UNSTORED_FRAMES = 1_000  # a process that died may have shown so many frames more than it had stored


def starting_after(request: HttpRequest) -> int:
    """The number of the last frame that the client has; -1 for none. Raises Invalid."""
    text = request.GET.get("starting_after")
    if text is None:
        return -1
    number = whole_number(text)
    if number is None:
        raise refuse("starting_after", "Expected the sequence_number of an event.")
    return number


def check_place(reader: Reader, after: int) -> None:
    """Raise Conflict where that number may have been of a frame that was taken back, Gone where it is not kept."""
    if after < 0:
        return
    if reader.run.log_state != LogState.WHOLE:
        _check_kept(reader, after)
    if reader.run.attempt >= 2:
        _check_not_taken_back(reader, after)


def _check_kept(reader: Reader, after: int) -> None:
    """Deltas of an old response are one, and later only its text is left, which other numbers count."""
    encoder = responses.Encoder(reader.info)
    is_kept = reader.run.log_state == LogState.MERGED
    for attempt, seq, event in clean(stored(reader.run.pk), after=0):
        begun = encoder.number
        encoder.encode(attempt, seq, event)
        skipped = pieces_of(event) - 1 if encoder.number > begun else 0
        is_kept = is_kept and not encoder.number - 1 - skipped <= after < encoder.number - 1
    if not is_kept:
        raise Gone(
            "The response is too old to be read from there. Retrieve it, or stream it from its start.",
            code="response_compacted",
            fields={"starting_after": ["Leave it out."]},
        )


def _check_not_taken_back(reader: Reader, after: int) -> None:
    encoder = responses.Encoder(reader.info)
    begun = 0  # number of the first frame of the turn
    for attempt, seq, event in stored(reader.run.pk):
        if isinstance(event, ev.TurnStarted) and not event.agent:
            begun = encoder.number
        if isinstance(event, ev.TurnReset) and not event.agent:
            if begun <= after <= encoder.number + UNSTORED_FRAMES:
                raise Conflict(
                    "The text at that number was taken back. Retrieve the response, or stream it from its start.",
                    code="response_reset",
                    fields={"starting_after": ["Leave it out."]},
                )
            return
        encoder.encode(attempt, seq, event)
