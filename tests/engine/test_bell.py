"""The bell between processes, with a layer that is not as it should be."""

import asyncio
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer

from chat import bell


class Stubborn(InMemoryChannelLayer):  # type: ignore[misc]
    """Gives a message, or an error, to whom is told to stop waiting, as channels-redis does at an unlucky moment."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__()
        self.error = error
        self.waiting = asyncio.Event()

    async def receive(self, channel: str) -> dict[str, Any]:
        self.waiting.set()
        try:
            return dict(await super().receive(channel))
        except asyncio.CancelledError:
            if self.error is not None:
                raise self.error from None
            return {"type": "runs.bell", "from": "somebody", "what": "grew", "ids": []}


@pytest.mark.parametrize("error", [None, ConnectionError("gone")])
async def test_who_listens_ends_when_told_whatever_the_layer_makes_of_it(
    error: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = Stubborn(error)
    monkeypatch.setattr(bell, "get_channel_layer", lambda: layer)
    task = asyncio.create_task(bell.listen(lambda what, ids: None))
    await asyncio.wait_for(layer.waiting.wait(), 10)
    task.cancel()
    await asyncio.wait([task], timeout=10)
    assert task.done()
