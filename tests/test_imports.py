"""Who may import whom: the contracts of pyproject.toml, and what they cannot say."""

import pathlib
import subprocess
import sys

import grimp

from tests.environment import ROOT

PACKAGES = ("accounts", "agents", "chat", "config", "tools")
SHARED = {
    "chat.run_request",
    *(
        f"chat.doors.{name}"
        for name in ("asking", "base", "blocks", "citing", "fields", "inline", "openai.errors", "sse", "stored")
    ),
}
VOCABULARY = {
    "accounts.errors",
    "agents.errors",
    "agents.events",
    "agents.media",
    "agents.messages",
    "agents.options",
    "agents.output",
    "agents.usage",
    "chat.money",
}


def test_imports_go_one_way() -> None:
    lint = pathlib.Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_dialect_sees_the_vocabulary_and_its_own_package_only() -> None:
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    dialects = {name for name in graph.modules if name.startswith("chat.doors.") and ".dialect" in name} | SHARED
    assert len(dialects) > 20, "nothing is called dialect: this test has lost its meaning"
    imported = {name for module in dialects for name in graph.find_modules_directly_imported_by(module)}
    assert imported - dialects <= VOCABULARY


def test_only_the_eventlog_the_admin_and_the_export_touch_its_rows() -> None:
    users = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "chat").rglob("*.py")
        if "RunEvent" in path.read_text() and "migrations" not in path.parts
    }
    allowed = ("chat/eventlog/", "chat/models/", "chat/admin", "chat/transfer/", "chat/services/stores.py")
    # An export takes rows as they are, what goes with a person is counted, and `fill` stores many runs' at once.
    allowed += ("chat/ops/filling/logs.py",)
    assert users, "nobody names RunEvent: this test has lost its meaning"
    assert {name for name in users if not name.startswith(allowed)} == set()
