"""`manage.py run_agents`: a process that executes runs and serves no requests."""

import asyncio
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chat.ops import process_memory
from chat.ops.holdings import tell_on_signal
from chat.runner import runner


class Command(BaseCommand):
    help = (
        "Executes runs until it is told to stop, and hands them over then. Needs PostgreSQL. "
        "With CHAT_RUN_HERE=off in the web processes' environment, all runs are left to processes like this one."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.IS_SQLITE:
            raise CommandError("With SQLite there is one process, and it executes the runs. Set DATABASE_URL.")
        if not settings.CHAT_RUN_HERE:
            raise CommandError("CHAT_RUN_HERE is off in this process's environment, so it would do nothing.")
        process_memory.share_pools()
        asyncio.run(self._run())

    async def _run(self) -> None:
        stop = asyncio.Event()
        for each in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(each, stop.set)
        runner.bind()
        tell_on_signal()
        keeping = asyncio.create_task(process_memory.keep_small())
        self.stdout.write("Executing runs. Ctrl-C stops.")
        await stop.wait()
        keeping.cancel()
        await runner.drain()
