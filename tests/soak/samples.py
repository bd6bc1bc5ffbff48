"""What a server's processes hold, asked every few seconds of the kernel and of the server itself."""

import asyncio
import json
import re
import signal
from dataclasses import asdict, dataclass
from typing import Any

from tests.bench.processes import used
from tests.bench.systems import Parley

SAYS_S = 10.0  # so long a busy server may take to say what it holds
HOLDS = re.compile(r"holds (\{.*\})\n")


@dataclass(frozen=True)
class Sample:
    """At one moment; `runs` and `readers` are the load's own."""

    at_s: float
    memory_mb: float
    files: int
    threads: int
    connections: int
    tasks: int
    runs: int
    readers: int

    def as_dict(self) -> dict[str, float]:
        """For JSON."""
        return {name: round(value, 3) for name, value in asdict(self).items()}


async def sample(parley: Parley, at_s: float) -> Sample:
    """What it holds now. Raises RuntimeError where the server has ended, or says nothing."""
    said = await _holds(parley)
    use = await asyncio.to_thread(used, parley.pids)
    return Sample(
        at_s, use.memory_mb, use.files, use.threads, use.connections, said["tasks"], said["runs"], said["readers"]
    )


async def _holds(parley: Parley) -> dict[str, Any]:
    """What the server writes to its log when it gets SIGUSR1."""
    process, log = parley.server.process, parley.server.log_path
    if process is None or process.poll() is not None:
        raise RuntimeError(f"the server ended:\n{parley.server.log()[-2000:]}")
    begin = log.stat().st_size
    process.send_signal(signal.SIGUSR1)
    async with asyncio.timeout(SAYS_S):
        while True:
            await asyncio.sleep(0.02)
            with log.open("rb") as file:
                file.seek(begin)
                if found := HOLDS.search(file.read().decode(errors="replace")):
                    return dict(json.loads(found[1]))
