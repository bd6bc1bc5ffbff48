"""What a failed run has used: nothing where the provider took no request, an estimate where it began to answer."""

import pytest

from tests.engine.test_quota import TURN, budget, place
from tests.live import Server
from tests.streams import client, key
from tests.upstream import Turn, Upstream

pytestmark = pytest.mark.live
ERROR = '{"error": {"message": "no", "code": 500}}'


@pytest.fixture(scope="module")
def hasty(upstream: Upstream) -> object:
    server = Server(
        OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", AGENTS_MAX_ATTEMPTS="2", AGENTS_RETRY_MAX_S="0.1"
    )
    yield server.start()
    server.close()


@pytest.mark.parametrize(
    ("turn", "is_used"),
    [
        (Turn(fault="500"), False), (Turn(fault="429"), False), (Turn(fault="400"), False), (Turn(fault="401"), False),
        (Turn(raw=[ERROR]), False), (Turn(text="Begun. ", fault="cut"), True), (Turn(text="Begun.", raw=[]), True),
    ],
)  # fmt: skip
def test_only_what_was_asked_and_answered_is_counted(
    hasty: Server, upstream: Upstream, turn: Turn, is_used: bool
) -> None:
    alice, mark = client(hasty), key()
    where = place(alice, 3 * TURN)
    upstream.script(turn, turn, key=mark)
    chat = alice.chat(**where)
    run = alice.wait(alice.start(chat, f"[[key={mark}]] go {'x' * 4000}")["run"]["id"])
    assert (run["usage"]["total_tokens"] > 0) == is_used, run
    answer = alice.answer(chat)
    assert (answer["usage"]["input_tokens"] > 0) == is_used
    now = budget(alice, where)
    assert (now["reserved"], now["used"], now["left"]) == (
        0, run["usage"]["total_tokens"], 3 * TURN - run["usage"]["total_tokens"],
    )  # fmt: skip


def test_the_log_has_why_and_nothing_of_the_key(new_server: object, upstream: Upstream) -> None:
    secret = "sk-proj-A1b2C3d4E5f6G7h8"
    server = new_server(OPENAI_API_KEY=secret).start()  # type: ignore[operator]
    alice, mark = client(server), key()
    body = {
        "error": {"message": f"Incorrect API key: {secret[:12]}***{secret[-4:]}", "code": "bad_key", "param": "key"}
    }
    upstream.script(Turn(fault="400", body=body), key=mark)
    begun = alice.start(alice.chat(), f"[[key={mark}]] go")["run"]["id"]
    with alice.events(begun) as stream:
        frames = str(stream.frames())
    run = alice.get(f"/api/runs/{begun}/")
    assert run["provider_error"] == {
        "status": 400, "code": "bad_key", "param": "key", "message": "Incorrect API key: [removed]",
    }  # fmt: skip
    assert "upstream_auth" in server.log() and "bad_key" in server.log()
    assert "bad_key" not in frames and "Incorrect" not in frames
    for start in range(8, len(secret) - 3):
        assert secret[start : start + 4] not in server.log() + str(run) + frames
