"""The bell between processes, with a layer that is not as it should be."""

import asyncio
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer

from chat import bell


class Stubborn(InMemoryChannelLayer):  # type: ignore[misc]
    """Gives a message or an error to whom is told to stop waiting, or goes on, as channels-redis may do."""

    def __init__(self, answer: Exception | str) -> None:
        super().__init__()
        self.answer = answer
        self.waiting = asyncio.Event()

    async def receive(self, channel: str) -> dict[str, Any]:
        self.waiting.set()
        try:
            return dict(await super().receive(channel))
        except asyncio.CancelledError:
            if isinstance(self.answer, Exception):
                raise self.answer from None
            if self.answer == "goes on":
                return dict(await super().receive(channel))
            return {"type": "runs.bell", "from": "somebody", "what": "grew", "ids": []}


@pytest.mark.parametrize("answer", ["a message", "goes on", ConnectionError("gone")], ids=str)
async def test_who_listens_ends_when_told_whatever_the_layer_makes_of_it(
    answer: Exception | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = Stubborn(answer)
    monkeypatch.setattr(bell, "get_channel_layer", lambda: layer)
    monkeypatch.setattr(bell, "WAIT_S", 0.2)
    task = asyncio.create_task(bell.listen(lambda what, ids: None))
    await asyncio.wait_for(layer.waiting.wait(), 10)
    task.cancel()
    await asyncio.wait([task], timeout=10)
    assert task.done()
