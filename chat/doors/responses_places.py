"""A reader's place in a response is a sequence number, which counts the clean view. Sync.

A number that was given to text taken back since would go on in the middle of other text: it is refused, and the client
reads the response from its start.
"""

from django.http import HttpRequest

from accounts.errors import Conflict
from agents import events as ev
from chat.dialects import responses
from chat.dialects.fields import refuse
from chat.doors.reading import Reader
from chat.eventlog.rows import stored

UNSTORED_FRAMES = 1_000  # a process that died may have shown so many frames more than it had stored


def starting_after(request: HttpRequest) -> int:
    """The number of the last frame that the client has; -1 for none. Raises Invalid."""
    text = request.GET.get("starting_after")
    if text is None:
        return -1
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise refuse("starting_after", "Expected the sequence_number of an event.")
    return int(text)


def check_place(reader: Reader, after: int) -> None:
    """Raise Conflict where that number may have been of a frame that was taken back."""
    if after < 0 or reader.run.attempt < 2:
        return
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
