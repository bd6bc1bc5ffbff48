"""How far it is: a bar on a terminal, a line every ten seconds elsewhere."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

from chat.ops.chaos.driver import Driver
from chat.ops.chaos.faults import Faults

WIDTH = 30


class Bar:
    """Writes to `out`, which is a Django OutputWrapper or a file."""

    def __init__(self, out: Any, total: int) -> None:
        self.out = out
        self.total = total
        self.began = time.monotonic()

    @contextlib.asynccontextmanager
    async def showing(self, driver: Driver, faults: Faults) -> AsyncIterator[None]:
        """Show it for as long as the block lasts."""
        task = asyncio.create_task(self._show(driver, faults))
        try:
            yield
        finally:
            task.cancel()
            self._write(driver, faults, is_last=True)

    async def _show(self, driver: Driver, faults: Faults) -> None:
        while True:
            self._write(driver, faults)
            await asyncio.sleep(0.3 if self.out.isatty() else 10)

    def _write(self, driver: Driver, faults: Faults, *, is_last: bool = False) -> None:
        took = time.monotonic() - self.began
        line = f"{driver.done}/{self.total} runs, {len(faults.outages)} faults, {took:.0f} s"
        if self.out.isatty():
            full = WIDTH * driver.done // self.total
            self.out.write(f"\r  [{'#' * full}{'.' * (WIDTH - full)}] {line} ", ending="\n" if is_last else "")
            self.out.flush()
        else:
            self.out.write(f"  {line}")
