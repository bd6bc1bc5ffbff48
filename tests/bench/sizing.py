"""From what one run costs to what many need: the arithmetic of docs/scale.md, to be done again with own constants.

`python -m tests.bench.sizing` prints its tables; `--constants FILE` takes the constants of a JSON object, such as
those that `make bench BENCH_ARGS=scale` writes to scale-constants.json; `--chunks` and `--seconds` are an answer's.
"""

import argparse
import json
import math
import pathlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

DAY_S, YEAR_S = 86_400, 365 * 86_400


@dataclass(frozen=True)
class Constants:
    """What one thing costs. Web and agents processes: runs are executed by agents, and read at web processes."""

    web_ms: float  # CPU of a web process for a run of 5 chunks
    web_chunk_ms: float  # for each chunk beyond
    agents_ms: float
    agents_chunk_ms: float
    postgres_ms: float
    postgres_chunk_ms: float
    redis_ms: float
    redis_chunk_ms: float
    transactions: float  # of a run of 5 chunks
    transactions_chunk: float
    held_ms: float  # milliseconds in which a run keeps a connection busy
    held_chunk_ms: float
    wal_bytes: float
    wal_chunk_bytes: float
    redis_commands: float
    redis_commands_chunk: float
    kept_bytes: float  # on disk, of a run of 100 chunks with a compacted log
    open_web_ms: float  # CPU a second of an open stream on which nothing is said
    open_agents_ms: float
    open_postgres_ms: float
    open_transactions: float  # a second
    open_wal_bytes: float  # a second
    open_web_mb: float  # memory of it
    open_agents_mb: float
    web_mb: float  # memory of a process at rest
    agents_mb: float
    idle_connections: float  # of a process to PostgreSQL
    peak_connections: float
    idle_redis_commands: float  # a second, of a process


@dataclass(frozen=True)
class Answer:
    """What a run brings, and how long its stream is open."""

    chunks: int
    seconds: float


@dataclass(frozen=True)
class Habits:
    """How full things may be. A process uses one core; a database's host is never planned to be full."""

    full: float = 0.6  # of a core
    least: int = 2  # processes of a kind, so that one may go
    spare: float = 3.0  # connections of a pooler for one that is busy on average


@dataclass(frozen=True)
class Need:
    """What so many chats begun a second need."""

    begun_per_s: float
    open: float
    web: int
    agents: int
    web_gb: float  # memory of all web processes
    agents_gb: float
    postgres_cores: float
    redis_cores: float
    connections: int  # to PostgreSQL at load
    pooled: int  # with a pooler of transactions between
    transactions_per_s: float
    wal_gb_a_day: float
    redis_per_s: float
    disk_tb_a_year: float


def need(begun_per_s: float, answer: Answer, per: Constants, habits: Habits = Habits()) -> Need:
    """The arithmetic: each line of it stands in docs/scale.md."""
    more, streams = max(0, answer.chunks - 5), begun_per_s * answer.seconds

    def busy(start: float, chunk: float, open_: float = 0.0) -> float:
        return (begun_per_s * (start + more * chunk) + streams * open_) / 1000 / habits.full

    web = max(habits.least, math.ceil(busy(per.web_ms, per.web_chunk_ms, per.open_web_ms)))
    agents = max(habits.least, math.ceil(busy(per.agents_ms, per.agents_chunk_ms, per.open_agents_ms)))
    at_once = begun_per_s * (per.held_ms + more * per.held_chunk_ms) / 1000
    wal = begun_per_s * (per.wal_bytes + more * per.wal_chunk_bytes) + streams * per.open_wal_bytes
    return Need(
        begun_per_s=begun_per_s,
        open=streams,
        web=web,
        agents=agents,
        web_gb=(web * per.web_mb + streams * per.open_web_mb) / 1000,
        agents_gb=(agents * per.agents_mb + streams * per.open_agents_mb) / 1000,
        postgres_cores=busy(per.postgres_ms, per.postgres_chunk_ms, per.open_postgres_ms),
        redis_cores=busy(per.redis_ms, per.redis_chunk_ms),
        connections=math.ceil((web + agents) * per.peak_connections),
        pooled=max(habits.least, math.ceil(at_once * habits.spare)),
        transactions_per_s=begun_per_s * (per.transactions + more * per.transactions_chunk)
        + streams * per.open_transactions,
        wal_gb_a_day=wal * DAY_S / 1e9,
        redis_per_s=begun_per_s * (per.redis_commands + more * per.redis_commands_chunk)
        + (web + agents) * per.idle_redis_commands,
        disk_tb_a_year=begun_per_s * per.kept_bytes * answer.chunks / 100 * YEAR_S / 1e12,
    )


def table(needs: Sequence[Need]) -> str:
    """A Markdown table: a column for each, a row for each figure."""
    head = "| chats begun a second | " + " | ".join(f"{each.begun_per_s:,.0f}" for each in needs) + " |"
    rows = [head, "|---|" + "--:|" * len(needs)]
    for name, title in TITLES.items():
        rows.append(f"| {title} | " + " | ".join(_said(getattr(each, name)) for each in needs) + " |")
    return "\n".join(rows)


def _said(value: float) -> str:
    digits = 0 if isinstance(value, int) or abs(value) >= 10 else 1 if abs(value) >= 1 else 2
    return f"{value:,.{digits}f}"


TITLES = {
    "open": "streams open",
    "web": "web processes, a core each",
    "agents": "agents processes, a core each",
    "web_gb": "memory of web processes, GB",
    "agents_gb": "memory of agents processes, GB",
    "postgres_cores": "cores of PostgreSQL",
    "redis_cores": "cores of Redis",
    "connections": "connections to PostgreSQL",
    "pooled": "with a pooler of transactions",
    "transactions_per_s": "transactions a second",
    "wal_gb_a_day": "WAL a day, GB",
    "redis_per_s": "commands of Redis a second",
    "disk_tb_a_year": "disk a year, TB",
}


def read(path: pathlib.Path) -> Constants:
    """Constants of a JSON object. Raises ValueError that says what is not right."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: expected a file with a JSON object of constants: {error}") from error
    names = {each.name for each in fields(Constants)}
    if not isinstance(found, dict) or set(found) != names:
        wrong = sorted(names.symmetric_difference(found)) if isinstance(found, dict) else sorted(names)
        raise ValueError(f"{path}: expected an object with each constant once; missing or unknown: {', '.join(wrong)}")
    bad = [name for name, value in found.items() if not _is_amount(value)]
    if bad:
        raise ValueError(f"{path}: expected a number of at least 0 for {', '.join(bad)}")
    return Constants(**found)


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sizing", description=main.__doc__)
    parser.add_argument("--constants", type=pathlib.Path, help="a JSON file (those of docs/scale.md)")
    parser.add_argument("--chunks", type=int, default=ANSWER.chunks, help=f"of an answer ({ANSWER.chunks})")
    parser.add_argument("--seconds", type=float, default=ANSWER.seconds, help=f"an answer takes ({ANSWER.seconds:g})")
    parser.add_argument("--begun", type=float, nargs="+", default=BEGUN, help="chats begun a second (10 100 1000)")
    chosen = parser.parse_args()
    if chosen.chunks < 1 or chosen.seconds <= 0 or min(chosen.begun) <= 0:
        parser.error("--chunks, --seconds and --begun: expected numbers above 0")
    try:
        per = read(chosen.constants) if chosen.constants else MEASURED
    except ValueError as error:
        parser.error(str(error))
    print(table([need(each, Answer(chosen.chunks, chosen.seconds), per) for each in chosen.begun]))


def as_json(per: Constants) -> str:
    """As `read` takes them."""
    return json.dumps({name: round(value, 6) for name, value in asdict(per).items()}, indent=1) + "\n"


ANSWER, BEGUN = Answer(300, 20), [10.0, 100.0, 1000.0]
LONG, LONG_BEGUN = Answer(300, 300), 100_000 / 300  # so long is what an agent does with tools: 100,000 are open at once


def of_the_page() -> list[list[Need]]:
    """What the tables of docs/scale.md show."""
    return [[need(each, ANSWER, MEASURED) for each in BEGUN], [need(LONG_BEGUN, LONG, MEASURED)]]


MEASURED = Constants(
    web_ms=7.89,
    web_chunk_ms=0.034,
    agents_ms=16.2,
    agents_chunk_ms=0.17,
    postgres_ms=6.53,
    postgres_chunk_ms=0.046,
    redis_ms=0.338,
    redis_chunk_ms=0.000356,
    transactions=14.2,
    transactions_chunk=0.028,
    held_ms=51.9,
    held_chunk_ms=0.363,
    wal_bytes=22300.0,
    wal_chunk_bytes=485.0,
    redis_commands=12.8,
    redis_commands_chunk=0.012,
    kept_bytes=31300.0,
    open_web_ms=0.0559,
    open_agents_ms=0.418,
    open_postgres_ms=0.151,
    open_transactions=0.362,
    open_wal_bytes=613.0,
    open_web_mb=0.019,
    open_agents_mb=0.0405,
    web_mb=179.0,
    agents_mb=186.0,
    idle_connections=6.0,
    peak_connections=6.0,
    idle_redis_commands=0.427,
)


if __name__ == "__main__":
    main()
