"""Calls of a shop's API: what reaches it, as whom, and what the model is told of its answers."""

import asyncio
import io
import json
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from asgiref.sync import sync_to_async
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

import tools
from accounts.db import db
from accounts.models import Organization, Project, User
from accounts.organizations.secrets import add_secret
from accounts.secrets import seal
from accounts.sign_in import acting
from tests.tools.contexts import context
from tests.tools.openapi.shop import Asked, Shop, document
from tools.base import Tool, ToolContext
from tools.executor import ToolOutcome, execute

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "s3cret-of-the-shop"


@pytest.fixture
def shop(settings: Any) -> Iterator[Shop]:
    """The shop, whose host the operator means."""
    shop = Shop(lambda: {"keys": acting.public_keys()})
    settings.OUTWARD_ALLOW = [f"127.0.0.1:{shop.port}"]
    yield shop
    shop.close()


@pytest.fixture
def made(shop: Shop, tmp_path: Path) -> Callable[..., Tool]:
    """`made("getOrder")` is the tool of that operation."""
    file = tmp_path / "shop.json"
    file.write_text(json.dumps(document(shop.url)))

    def make(operation: str, **options: Any) -> Tool:
        (tool,) = tools.from_openapi(file, [operation], **options)
        return tool

    return make


def run_of(user: User, project: Project | None = None) -> ToolContext:
    project_id = project.pk if project else None
    return context(user_id=user.pk, run_id=uuid.uuid4(), call_id="call_1", project_id=project_id)


async def call(tool: Tool, ctx: ToolContext, /, **arguments: Any) -> ToolOutcome:
    return await execute(tool, ctx, arguments)


async def test_each_run_gets_the_rows_of_its_own_person(
    shop: Shop, made: Callable[..., Tool], alice: User, bob: User, charlie: User
) -> None:
    listed = made("listOrders")
    for user, orders in ((alice, ["apples"]), (bob, ["bananas"]), (charlie, []), (alice, ["apples"])):
        done = await call(listed, run_of(user))
        assert done.result == {"orders": orders, "of": user.email}, done
    tokens = [each.headers["Authorization"].removeprefix("Bearer ") for each in shop.asked]
    told = [jwt.decode(each, options={"verify_signature": False}) for each in tokens]
    assert [each["sub"] for each in told] == [str(user.pk) for user in (alice, bob, charlie, alice)]
    assert len({each["jti"] for each in told}) == 4, "a token was used twice"
    assert all(each["exp"] - each["iat"] == 60 and each["aud"] == f"{shop.url}/v1" for each in told)


async def test_a_token_holds_for_a_minute_and_for_its_audience_alone(
    shop: Shop, made: Callable[..., Tool], alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    for age_s, status in ((55, "returned"), (61, "failed")):
        monkeypatch.setattr(acting.time, "time", lambda age_s=age_s: now - age_s)
        done = await call(made("listOrders"), run_of(alice))
        assert done.outcome == status, done
    assert "401" in (done.error or "") and "expired" in (done.error or "")
    monkeypatch.undo()
    done = await call(made("listOrders", audience="https://other.example"), run_of(alice))
    assert done.outcome == "failed" and "Audience" in (done.error or "")


async def test_who_is_gone_or_a_guest_or_nobody_has_no_token(
    shop: Shop, made: Callable[..., Tool], alice: User, bob: User
) -> None:
    await db(lambda: User.objects.filter(pk=alice.pk).update(is_active=False))
    await db(lambda: User.objects.filter(pk=bob.pk).update(is_guest=True))
    nobody = User(id=uuid.uuid4())
    for user in (alice, bob, nobody):
        done = await call(made("listOrders"), run_of(user))
        assert done.outcome == "failed" and "Only a person who is signed in" in (done.error or "")
    assert shop.asked == []


async def test_our_own_api_refuses_such_a_token(alice: User) -> None:
    def statuses() -> list[int]:
        found = []
        for audience in ("parley", "https://shop.example"):
            token = acting.token_for(alice.pk, audience, {"token_type": "access", "user_id": str(alice.pk), "ver": "0"})
            client = APIClient()
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
            found.append(client.get("/api/users/me/").status_code)
            client = APIClient()
            client.cookies["access_token"] = token
            found.append(client.get("/api/users/me/").status_code)
            found.append(client.post("/api/auth/token/refresh", {"refresh": token}, format="json").status_code)
        return found

    assert await sync_to_async(statuses)() == [401] * 6


async def test_what_is_not_said_is_not_sent_and_what_is_said_arrives_as_it_is(
    shop: Shop, made: Callable[..., Tool], alice: User
) -> None:
    done = await call(
        made("listOrders"), run_of(alice), q="a&b=c+d /?#%2e ü", tags=["x,y", "z"], ids=[1, 2],
        filter={"from": "1", "is": True}, X_Trace="one line",
    )  # fmt: skip
    assert done.outcome == "returned", done
    (asked,) = shop.asked
    assert asked.query == [
        ("q", "a&b=c+d /?#%2e ü"), ("tags", "x,y"), ("tags", "z"), ("ids", "1,2"), ("filter[from]", "1"),
        ("filter[is]", "true"),
    ]  # fmt: skip
    assert (asked.headers["X-Trace"], asked.headers["Host"]) == ("one line", f"127.0.0.1:{shop.port}")
    assert "Idempotency-Key" not in asked.headers and "Content-Type" not in asked.headers
    await call(made("addOrder"), run := run_of(alice), item='pears "and" </more>')
    posted = shop.asked[-1]
    assert posted.body == {"item": 'pears "and" </more>'} and posted.headers["Content-Type"] == "application/json"
    assert posted.headers["Idempotency-Key"] == str(uuid.uuid5(run.run_id, "call_1"))
    await call(made("touchOrders"), run_of(alice))
    assert shop.asked[-1].body == {} and shop.asked[-1].headers["Content-Type"] == "application/json"
    await call(made("open"), run_of(alice))
    assert "Authorization" not in shop.asked[-1].headers, "an operation that wants no token got one"


# What a model may try as the id of an order: the path that arrives, or None where nothing is asked.
HOSTILE = {
    "plain": ("7", "/v1/orders/7"),
    "dots": ("..", None),
    "dot": (".", None),
    "up": ("../../admin", None),
    "up, escaped": ("%2e%2e%2fadmin", "/v1/orders/%252e%252e%252fadmin"),
    "up, half": ("..%2fadmin", "/v1/orders/..%252fadmin"),
    "another route": ("7/delete", None),
    "a backslash": ("..\\admin", None),
    "an address": ("https://evil.example/", None),
    "an address without a scheme": ("//evil.example", None),
    "a name and a host": ("@evil.example", "/v1/orders/%40evil.example"),
    "a query": ("7?admin=1", "/v1/orders/7%3Fadmin%3D1"),
    "a fragment": ("7#x", "/v1/orders/7%23x"),
    "parameters": ("7;admin=1&x=2", "/v1/orders/7%3Badmin%3D1%26x%3D2"),
    "a template": ("{order}", "/v1/orders/%7Border%7D"),
    "nothing": ("", None),
    "a line break": ("7\r\nX-Admin: 1", None),
    "a NUL": ("7\x00", "/v1/orders/7%EF%BF%BD"),
    "another line": ("7\u2028x", None),
    "a blank": ("7 HTTP/1.1", "/v1/orders/7%20HTTP%2F1.1"),
    "huge": ("7" * 20_000, None),
}


@pytest.mark.parametrize("case", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_hostile_argument_changes_neither_host_nor_route(
    case: tuple[str, str | None], shop: Shop, made: Callable[..., Tool], alice: User
) -> None:
    order, path = case
    if "/" in order and path:
        path = None  # a slash is refused wherever it stands
    done = await call(made("getOrder"), run_of(alice), order=order)
    if path is None:
        assert done.outcome in ("failed", "refused") and shop.asked == [], done
    else:
        assert [plainly(each) for each in shop.asked] == [plainly(path)], done


def plainly(asked: Asked | str) -> str:
    """A path whose signs that need no escape are not escaped, which is the same path."""
    text = asked if isinstance(asked, str) else asked.path
    return text.replace("%40", "@").replace("%3D", "=").replace("%26", "&").replace("%3B", ";").lower()


async def test_a_header_takes_one_line_and_no_unknown_argument_goes_anywhere(
    shop: Shop, made: Callable[..., Tool], alice: User
) -> None:
    listed = made("listOrders")
    for arguments in (
        {"X_Trace": "a\r\nX-Admin: 1"}, {"X_Trace": "ü"}, {"Host": "evil.example"}, {"Authorization": "Bearer x"},
        {"X_Key": "k"}, {"user": "bob@example.com"}, {"q": {"a": 1}}, {"ids": "1"}, {"tags": [{"a": 1}]},
    ):  # fmt: skip
        done = await call(listed, run_of(alice), **arguments)
        assert done.outcome in ("failed", "refused") and done.retry, (arguments, done)
    assert shop.asked == []


ANSWERS = {
    "404": ("failed", True, 'The API answered 404: {"detail": "No such order."}'),
    "500": ("failed", False, "The API answered 500: Traceback: password=[credential]"),
    "302": ("failed", False, "The API answered 302: it is elsewhere, and a redirect is not followed."),
    "204": ("returned", False, "Done (204): the API said nothing more."),
    "text": ("returned", False, "Grüße"),
    "broken": ("failed", False, "The API's answer says that it is JSON, and it is not."),
    "deep": ("failed", False, "The API's answer says that it is JSON, and it is not."),
    "picture": ("returned", False, "Done (200): 4 bytes of image/png, which is no text."),
}


@pytest.mark.parametrize("kind", ANSWERS)
async def test_the_model_is_told_what_came_of_it(kind: str, shop: Shop, made: Callable[..., Tool], alice: User) -> None:
    done = await call(made("answers"), run_of(alice), kind=kind)
    assert (done.outcome, done.retry, done.result or done.error) == ANSWERS[kind]


async def test_an_answer_is_bounded(shop: Shop, made: Callable[..., Tool], alice: User, settings: Any) -> None:
    done = await call(made("answers"), run_of(alice), kind="huge")
    assert done.truncated and len(done.result) <= 64_000
    settings.OUTWARD_MAX_BYTES = 100_000
    done = await call(made("answers"), run_of(alice), kind="huge")
    assert done.outcome == "failed" and "longer than the 100,000 bytes" in (done.error or "")


ECHOES = ("echo", "echo-refused", "echo-php", "echo-php-refused", "echo-php-text", "echo-name", "echo-html")
SIGNS = "sk/AbC+d==\"<&'\\0123456789"  # a secret of signs that JSON and HTML may write in several ways


@pytest.mark.parametrize("value", [SECRET, SIGNS], ids=["plain", "signs"])
@pytest.mark.parametrize("kind", ECHOES)
async def test_a_credential_that_comes_back_is_not_told(
    kind: str,
    value: str,
    shop: Shop,
    made: Callable[..., Tool],
    alice: User,
    project: Project,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(0)
    await db(add_secret, actor=alice, project=project, name="shop", value=seal(value))
    for options in ({}, {"secret": "shop"}):
        done = await call(made("answers", **options), run_of(alice, project), kind=kind)
        (sent,) = {shop.asked[-1].headers.get("X-Key") or shop.asked[-1].headers["Authorization"].split()[-1]}
        assert len(sent) > 15 and "[credential]" in str(done)
        assert sent not in caplog.text
        for each in (sent, sent[:6], sent[-9:]):  # nor a part of it
            assert each not in f"{done.result}{done.error}" and json.dumps(each)[1:-1] not in f"{done.result}"


async def test_a_project_s_secret_goes_where_the_file_says_and_to_that_project_alone(
    shop: Shop, made: Callable[..., Tool], alice: User, charlie: User, project: Project, elsewhere: Organization
) -> None:
    theirs = await db(Project.objects.create, organization=elsewhere, name="Theirs")
    added = made("addOrder", secret="shop")
    for place in (project, theirs, None):
        done = await call(added, run_of(alice, place), item="x")
        assert done.outcome == "failed" and "has no secret named 'shop'" in (done.error or "")
    assert shop.asked == []
    await db(add_secret, actor=alice, project=project, name="shop", value=seal(SECRET))
    done = await call(added, run_of(alice, project), item="x")
    assert done.outcome == "returned" and shop.asked[-1].headers["X-Key"] == SECRET
    assert "Authorization" not in shop.asked[-1].headers
    done = await call(added, run_of(charlie, theirs), item="x")
    assert done.outcome == "failed" and len(shop.asked) == 1


async def test_a_host_that_the_operator_does_not_mean_is_not_asked(
    shop: Shop, made: Callable[..., Tool], alice: User, settings: Any
) -> None:
    settings.OUTWARD_ALLOW = []
    done = await call(made("listOrders"), run_of(alice))
    assert done.outcome == "failed" and "OUTWARD_ALLOW" in (done.error or "") and shop.asked == []


async def test_a_file_is_fetched_by_its_command_and_kept(shop: Shop, settings: Any, tmp_path: Path) -> None:
    settings.OPENAPI_FILES = tmp_path / "openapi"

    async def fetched(path: str) -> str:
        told = io.StringIO()
        try:
            await asyncio.to_thread(call_command, "fetch_openapi", f"{shop.url}{path}", stdout=told)
        except CommandError as error:
            return str(error)
        return told.getvalue()

    assert await fetched("/openapi.json") == "Kept: Shop, 4 paths. Restart Parley to use it.\n"
    (listed,) = tools.from_openapi(f"{shop.url}/openapi.json", ["listOrders"])
    assert listed.name == "listOrders" and (tmp_path / "openapi").stat().st_mode & 0o077 == 0
    assert "answered 404, not 200" in await fetched("/v1/answers/404")
    assert "neither JSON nor YAML" in await fetched("/v1/answers/broken")
    settings.OPENAPI_MAX_BYTES = 100
    assert "longer than the 100 bytes" in await fetched("/openapi.json")
    settings.OUTWARD_ALLOW = []
    assert "OUTWARD_ALLOW" in await fetched("/openapi.json")
    assert len(list((tmp_path / "openapi").iterdir())) == 1


@pytest.mark.parametrize("name", ["ctx", "self", "project_id"])
async def test_an_api_may_name_its_arguments_as_it_likes(name: str, shop: Shop, alice: User, tmp_path: Path) -> None:
    file = tmp_path / "shop.json"
    file.write_text(json.dumps(document(shop.url)).replace('"item"', f'"{name}"'))
    (added,) = tools.from_openapi(file, ["addOrder"], base_url=f"{shop.url}/v1")
    await call(added, run_of(alice), **{name: "x"})
    assert shop.asked[-1].body == {name: "x"}


async def test_what_is_fixed_is_sent_so_and_no_model_can_say_otherwise(
    shop: Shop, made: Callable[..., Tool], alice: User
) -> None:
    listed = made("listOrders", fixed={"q": "mine", "ids": [7], "X-Trace": "fixed"})
    assert list(listed.schema["properties"]) == ["tags", "filter"]
    assert (await call(listed, run_of(alice), tags=["a"])).outcome == "returned"
    asked = shop.asked.pop()
    assert asked.query == [("q", "mine"), ("tags", "a"), ("ids", "7")] and asked.headers["X-Trace"] == "fixed"
    for name, value in {"q": "theirs", "ids": [8], "X_Trace": "x", "X-Trace": "x"}.items():
        done = await call(listed, run_of(alice), **{name: value})
        assert done.outcome == "refused" and shop.asked == [], done
    assert (await call(made("getOrder", fixed={"order": "7"}), run_of(alice))).outcome == "returned"
    assert shop.asked[-1].path == "/v1/orders/7"
    assert (await call(made("addOrder", fixed={"note": "fixed"}), run_of(alice), item="x")).outcome == "returned"
    assert shop.asked[-1].body == {"note": "fixed", "item": "x"}
