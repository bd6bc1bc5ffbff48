"""What webhooks are sent, verified by the packages of npm that receivers use."""

import json

import pytest

from chat.webhooks.signing import headers, new_secret
from tests.clients.node import run_node_json

pytestmark = [pytest.mark.clients, pytest.mark.smoke]
BODY = json.dumps({"type": "run.completed", "timestamp": "2026-06-01T08:00:00Z", "data": {"run": "Ü"}})


def test_standardwebhooks_and_openai_of_npm_take_either_secret_and_no_other() -> None:
    new, old = new_secret(), new_secret()
    signed = {**headers("msg_1", BODY, [new, old]), "content-type": "application/json"}
    tried = [(new, BODY), (old, BODY), (new_secret(), BODY), (new, BODY.replace("completed", "failed"))]
    got = [{"secret": secret, "headers": signed, "body": body} for secret, body in tried]
    told = run_node_json("webhooks.mjs", env={"GOT": json.dumps(got)})
    assert told == [dict.fromkeys(("standardwebhooks", "openai"), taken) for taken in (True, True, False, False)]
