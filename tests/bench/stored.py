"""What is stored of an answer, and what the clean-up makes of it: looked at in the server's own database."""

from tests.bench.systems import Parley

# As the chore does it; the logs are made due by what is kept for a second only. The second batch is timed: the first
# one loads what is loaded once.
MERGE = """
import time
from django.conf import settings
from chat.ops.cleanup import LOGS, CleanUp
settings.CHAT_DELTA_RETENTION_S = 1.0
CleanUp({runs}, LOGS[1:]).step() or exit("no log is whole any more")
began = time.perf_counter()
steps = CleanUp({runs}, LOGS[1:])
steps.step()
print(list(steps.counts.values())[0], time.perf_counter() - began)
"""
BYTES = """
from django.db.models import Avg, Count, Sum
from django.db.models.functions import Length
from chat.models import LogState, Message, Run, RunEvent
from chat.ops.filling.sizes import bytes_of_tables
answers = Message.objects.filter(role="assistant")
count, sizes = answers.count(), bytes_of_tables()
text = answers.aggregate(size=Avg(Length("content")))["size"]
all_of_it = sum(sizes.values()) / count
print(f"{all_of_it:,.0f} bytes for each answer with its question; its own text is {text:,.0f} characters of that")
print(", ".join(f"{name} {size / count:,.0f}" for name, size in list(sizes.items())[:7]))
for state in (LogState.WHOLE, LogState.MERGED):
    runs = Run.objects.filter(log_state=state, kind="answer").order_by("-created_at")[:500]
    of = RunEvent.objects.filter(run__in=list(runs.values_list("pk", flat=True)))
    told = of.aggregate(rows=Count("pk"), size=Sum(Length("events")), runs=Count("run", distinct=True))
    if told["runs"]:
        rows, size = told["rows"] / told["runs"], told["size"] / told["runs"]
        print(f"a log that is {state}: {rows:.1f} rows, {size:,.0f} bytes of events")
"""


def merging_ms(system: Parley, runs: int) -> float:
    """How long the clean-up takes over so many logs, which are made for it: of the last day, so they are whole."""
    young = ("--messages", str(5 * runs), "--days", "1", "--people", "5", "--organizations", "1")
    system.server.manage("fill", *young)
    told = system.server.manage("shell", "--no-imports", "-c", MERGE.format(runs=runs)).stdout.split()
    done, took_s = int(told[-2]), float(told[-1])
    if done != runs:
        raise RuntimeError(f"there were {done} logs to merge, not {runs}")
    return took_s * 1e3


def told(system: Parley) -> str:
    """The bytes of an answer, table by table, and of logs before and after they are merged."""
    return system.server.manage("shell", "--no-imports", "-c", BYTES).stdout
