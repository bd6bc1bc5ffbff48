"""Rows of what was sent to models."""

import json
import time
from typing import Any

from agents.loop.sent import Sent
from chat.models import Run
from chat.sent import keeping
from chat.sent.models import SentRequest
from chat.sent.waiting import Waiting

ASKED = {"model": "m", "messages": [{"role": "system", "content": "Be kind."}], "temperature": 0.5}


def sent_for(run: Run, asked: Any = ASKED, *, agent: str = "", turn: int = 1, private: str = "") -> SentRequest:
    """The row of a request, as a run of this attempt would keep it."""
    body = json.dumps(asked, ensure_ascii=False).encode()
    sent = Sent(time.time(), agent, turn, "m", "chat@https://models.example:443", private, body)
    keeping.store(keeping.rows([Waiting(run.pk, run.attempt, sent)]))
    return SentRequest.objects.filter(run=run).latest("pk")
