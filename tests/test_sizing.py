"""The arithmetic of docs/scale.md, and the counting that its constants come from."""

import json
import pathlib
import re
import subprocess
import sys
from dataclasses import asdict, fields, replace

import pytest

from tests import environment
from tests.bench import counts, scale, sizing
from tests.bench.deployment import place
from tests.bench.scaling import LONG, PACED, SHORT, Measured
from tests.bench.sizing import MEASURED, Answer, Constants, Need, need

PAGE = (environment.ROOT / "docs" / "scale.md").read_text()
ZERO = Constants(**dict.fromkeys((each.name for each in fields(Constants)), 0.0))


def test_a_chat_costs_its_start_its_chunks_and_its_open_stream() -> None:
    per = replace(ZERO, web_ms=6.0, web_chunk_ms=0.1, open_web_ms=0.05)
    found = need(100, Answer(chunks=105, seconds=20), per)
    assert found.open == 2000
    # 100 x (6 + 100 x 0.1) ms and 2,000 x 0.05 ms are 1,700 ms a second; six tenths of a core are 600
    assert found.web == 3


def test_what_is_asked_twice_as_often_needs_twice_as_much() -> None:
    one, two = (need(rate, Answer(300, 20), MEASURED) for rate in (1000, 2000))
    for name in ("open", "postgres_cores", "redis_cores", "transactions_per_s", "wal_gb_a_day", "disk_tb_a_year"):
        assert getattr(two, name) == pytest.approx(2 * getattr(one, name))


def test_few_chats_have_two_processes_of_each_kind_so_that_one_may_go() -> None:
    found = need(0.1, Answer(5, 1), MEASURED)
    assert (found.web, found.agents, found.pooled) == (2, 2, 2)


def test_connections_go_by_processes_and_behind_a_pooler_by_what_is_busy() -> None:
    per = replace(ZERO, peak_connections=7.5, held_ms=30.0, held_chunk_ms=0.1)
    found = need(100, Answer(105, 20), per)
    assert found.connections == 30  # four processes
    assert found.pooled == 12  # 100 x 40 ms are four at once, and three times that


def test_a_day_and_a_year_are_as_long_as_they_are() -> None:
    per = replace(ZERO, wal_bytes=20_000.0, kept_bytes=10_000.0)
    found = need(10, Answer(200, 20), per)
    assert found.wal_gb_a_day == pytest.approx(17.28)
    assert found.disk_tb_a_year == pytest.approx(6.3072)


def test_every_figure_of_a_need_has_a_row() -> None:
    assert {"begun_per_s", *sizing.TITLES} == {each.name for each in fields(Need)}


def test_the_page_has_the_constants_and_what_comes_of_them() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| ([\d.,]+) \|", PAGE, re.MULTILINE))
    assert {name: float(value.replace(",", "")) for name, value in told.items()} == asdict(MEASURED)
    for needs in sizing.of_the_page():
        assert sizing.table(needs) in PAGE


def test_own_constants_come_from_a_file(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "own.json"
    file.write_text(sizing.as_json(replace(MEASURED, web_ms=12.5)))
    assert sizing.read(file).web_ms == 12.5


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "expected a file with a JSON object"),
        ("[]", "web_ms"),
        (json.dumps({**asdict(MEASURED), "wbe_ms": 1}), "wbe_ms"),
        (json.dumps({**asdict(MEASURED), "web_ms": -1}), "at least 0 for web_ms"),
        (json.dumps({**asdict(MEASURED), "web_ms": "1"}), "at least 0 for web_ms"),
        (json.dumps({**asdict(MEASURED), "web_ms": float("nan")}), "at least 0 for web_ms"),
    ],
)
def test_constants_that_cannot_be_meant_are_named(tmp_path: pathlib.Path, text: str, told: str) -> None:
    file = tmp_path / "own.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=told):
        sizing.read(file)


def test_the_command_refuses_an_answer_of_nothing() -> None:
    command = [sys.executable, "-m", "tests.bench.sizing", "--chunks", "0"]
    done = subprocess.run(command, cwd=environment.ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "above 0" in done.stderr


def test_servers_have_cores_of_their_own_where_there_are_enough() -> None:
    own = place([0, 1, 2, 3], 2)
    assert (own.servers, own.others, own.is_shared) == ([{0}, {1}], {2, 3}, False)
    shared = place([0, 1], 3)
    assert (shared.servers, shared.others, shared.is_shared) == ([{0}, {1}, {0}], {0, 1}, True)


def test_what_one_costs_is_beyond_what_the_time_costs_anyway() -> None:
    before, after = {"at": 10.0, "web_ms": 100.0}, {"at": 14.0, "web_ms": 300.0}
    assert counts.rate(before, after) == {"web_ms": 50.0}
    assert counts.each(before, after, {"web_ms": 10.0}, 16) == {"web_ms": 10.0}


def test_statements_are_counted_and_nothing_else() -> None:
    log = (
        "2026-01-01 UTC [7] LOG:  statement: BEGIN\n"
        "2026-01-01 UTC [7] LOG:  execute _pg3_0: SELECT 1\n"
        "2026-01-01 UTC [7] DETAIL:  Parameters: $1 = 'statement: x'\n"
        "2026-01-01 UTC [7] LOG:  execute <unnamed>: SELECT 2\n"
        "2026-01-01 UTC [7] LOG:  checkpoint starting: time\n"
        "2026-01-01 UTC [7] LOG:  statement: COMMIT\n"
    )
    assert counts.statements(log) == 4


def test_a_second_process_is_told_by_the_clock_and_by_cpu() -> None:
    loads = [
        Measured("1 web", SHORT.name, False, 1, 100.0, {"web_ms": 6.0, "bench_ms": 20.0}),
        Measured("2 web", SHORT.name, True, 1, 150.0, {"web_ms": 9.0, "bench_ms": 30.0}),
        Measured("1 web", PACED.name, False, 1, 25.0, {"web_ms": 6.0}),
        Measured("2 web", PACED.name, True, 1, 25.0, {"web_ms": 6.0}),
        Measured("1 web", LONG.name, False, 1, 25.0, {"web_ms": 6.0}),
    ]
    assert scale.factors(loads) == {"web, 5 chunks": (1.5, 2.0)}
