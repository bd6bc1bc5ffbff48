"""A run whose model asks the shop: as its person, and with an order only once the person has allowed it."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.live import OWNER, Server
from tests.streams import client, key
from tests.tools.openapi.shop import Shop, document
from tests.upstream import ScriptedCall, Turn, Upstream


def test_a_run_asks_another_api_as_its_person(
    new_server: Callable[..., Server], upstream: Upstream, tmp_path: Path
) -> None:
    servers: list[Server] = []
    shop = Shop(lambda: dict(servers[0].call("GET", "/.well-known/jwks.json").body))
    try:
        file = tmp_path / "shop.json"
        file.write_text(json.dumps(document(shop.url)))
        settings = {"DJANGO_SETTINGS_MODULE": "tests.tools.openapi.settings", "SHOP_FILE": str(file)}
        servers.append(new_server(**settings, OUTWARD_ALLOW=f"127.0.0.1:{shop.port}", LOG_LEVEL="INFO").start())
        _ask(servers[0], upstream, shop)
    finally:
        shop.close()


def _ask(server: Server, upstream: Upstream, shop: Shop) -> None:
    alice, mark = client(server), key()
    upstream.script(
        Turn(tool_calls=[ScriptedCall("shop_listOrders", {})]),
        Turn(tool_calls=[ScriptedCall("shop_addOrder", {"item": "pears"})]),
        Turn(text="Ordered."),
        key=mark,
    )
    run = alice.start(alice.chat(), f"[[key={mark}]] order pears")["run"]["id"]
    with alice.events(run) as stream:
        asked = stream.until("approval.requested")
    assert shop.orders[OWNER] == ["apples"], "it was ordered before the person had allowed it"
    alice.post(f"/api/runs/{run}/approvals/{asked[-1].json['call']}", {"decision": "allow"})
    assert alice.wait(run)["status"] == "succeeded"
    with alice.events(run) as stream:
        told = [each.json for each in stream]
    results = [each["result"] for each in told if each["type"] == "tool.returned"]
    assert results == [{"orders": ["apples"], "of": OWNER}, {"orders": ["apples", "pears"], "of": OWNER}]
    assert shop.orders == {OWNER: ["apples", "pears"], "bob@example.com": ["bananas"]}
    tokens = [each.headers["Authorization"].removeprefix("Bearer ") for each in shop.asked]
    assert len(set(tokens)) == 2
    asked_of_model = json.dumps([each.body for each in upstream.requests(mark)])
    for token in tokens:
        assert token not in json.dumps(told) + asked_of_model + server.log()
        assert server.call("GET", "/api/users/me/", token=token).status == 401
