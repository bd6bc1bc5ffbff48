"""`python -m tests.bench.pdf`: what it takes to have a chat of 5,000 messages as PDF, of a server at work.

The memory of the server's process before and at most meanwhile, of the largest child, the time, and the file's size.
TEST_PROFILE=scaled serves with PostgreSQL. `--messages N` for another number. Linux only, which tells it in /proc.
"""

import argparse
import time
from typing import Any

from tests import environment
from tests.memory import LOOK_S, children, resident_mb

ALL = 5_000
CHILD_MB, SERVER_MB = 300, 120  # that are promised
TEXT = (
    """नमस्ते दुनिया. שלום לכולם. مرحبا بالجميع. 東京都の会議. 안녕하세요. Привет, 🚀 and words.

| Name | Number |
|---|--:|
| alpha | 7 |

```py
answer = 42
```

"""
    + "Words and words, as people write them. " * 12
)
FILL = """
from django.utils import timezone
from chat.models import Chat, Message, MessageRole
chat, text = Chat.objects.get(pk={chat!r}), {text!r}
Message.objects.bulk_create(
    [
        Message(chat=chat, position=at + 1, role=MessageRole.ASSISTANT if at % 2 else MessageRole.USER, content=text,
                author=None if at % 2 else chat.user, created_at=timezone.now())
        for at in range({count})
    ],
    batch_size=500,
)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--messages", type=int, default=ALL)
    count = parser.parse_args().messages
    environment.prepare()
    from tests.live import Server

    server = Server(OPENAI_BASE_URL="http://127.0.0.1:1", OPENAI_API_KEY="none")
    try:
        server.start()
        _measure(server, count)
    finally:
        server.close()
        environment.clean()


def _measure(server: Any, count: int) -> None:
    from tests.streams import client

    alice = client(server)
    chat = alice.chat()
    server.quickly("shell", "-c", FILL.format(chat=chat, text=TEXT, count=count))
    pid = server.process.pid
    before, began = resident_mb(pid), time.monotonic()
    made = alice.post("/api/exports/", {"what": "chat", "format": "pdf", "chat": chat, "branch": "all"})
    most, child = _watched(pid, lambda: alice.get(f"/api/exports/{made['id']}/")["status"] in ("queued", "running"))
    over = alice.get(f"/api/exports/{made['id']}/")
    print(f"{count:,} messages, {environment.profile()}: {over['status']} in {time.monotonic() - began:.0f} s, "
          f"a file of {(over['bytes'] or 0) / 1e6:.1f} MB")  # fmt: skip
    print(f"server: {before:.0f} MB before, at most {most - before:.0f} MB more, of {SERVER_MB}")
    print(f"largest child: {child:.0f} MB, of {CHILD_MB}")


def _watched(pid: int, goes_on: Any) -> tuple[float, float]:
    """The most that the process and any one of its children had in memory until it was over, in MB."""
    most = child = 0.0
    asked_at = time.monotonic()
    while True:
        most = max(most, resident_mb(pid))
        child = max([child, *map(resident_mb, children(pid))])
        if time.monotonic() > asked_at + 1:
            asked_at = time.monotonic()
            if not goes_on():
                return most, child
        time.sleep(LOOK_S)


if __name__ == "__main__":
    main()
