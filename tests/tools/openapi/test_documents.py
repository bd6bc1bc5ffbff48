"""What tools are made of an OpenAPI file, and what is said of a file that none can be made of."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tools
from tests.environment import ROOT
from tests.tools.openapi.shop import document, parameter
from tools.openapi.reading import DocumentRefused

SHOP = "https://shop.example/v1"
Change = Callable[[dict[str, Any]], Any]


def shop(change: Change = lambda file: None) -> dict[str, Any]:
    made = document("https://shop.example")
    change(made)
    return made


def written(folder: Path, text: str | bytes | dict[str, Any]) -> Path:
    file = folder / "shop.yaml"
    data = json.dumps(text) if isinstance(text, dict) else text
    file.write_bytes(data if isinstance(data, bytes) else data.encode())
    return file


def order(file: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = file["components"]["schemas"]["Order"]
    return found


def body(file: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = file["paths"]["/orders"]["post"]["requestBody"]
    return found


def wide(file: dict[str, Any]) -> None:
    """Each schema twice in the next: a few lines that would be a million."""
    schemas = file["components"]["schemas"]
    for number in range(20):
        ref = {"$ref": f"#/components/schemas/S{number + 1}"}
        schemas[f"S{number}"] = {"type": "object", "properties": {"a": ref, "b": ref}}
    schemas["S20"] = {"type": "string"}
    order(file)["properties"]["item"] = {"$ref": "#/components/schemas/S0"}


# What is wrong, and words of what is said of it.
BAD: dict[str, tuple[str | bytes | Change, str]] = {
    "nothing": ("", "says no `openapi` version"),
    "no text": (b"\xff\xfe\x00", "neither JSON nor YAML"),
    "broken JSON": ('{"openapi": "3.1.0",', "neither JSON nor YAML"),
    "broken YAML": ("openapi: [3.1.0", "neither JSON nor YAML"),
    "an object of Python": ("openapi: !!python/object/apply:os.system ['true']", "neither JSON nor YAML"),
    "an alias": ("openapi: 3.1.0\npaths: &a {}\nx: [*a, *a]", "alias *a"),
    "deep YAML": ("a: " + "[" * 5_000, "nested deeper than 100"),
    "deep JSON": ('{"a":' * 200 + "1" + "}" * 200, "nested deeper than 100"),
    "very deep JSON": ('{"a":' * 100_000, "nested too deeply"),
    "Swagger": ('{"swagger": "2.0"}', "says no `openapi` version"),
    "version 2": ("openapi: '2.0'", "'2.0'; OpenAPI 3.0 and 3.1"),
    "no paths": ("openapi: 3.1.0", "no `paths`"),
    "too long": ("#" * 5_000_001, "OPENAPI_MAX_BYTES"),
    "a reference to another file": (
        lambda file: body(file)["content"]["application/json"].update(schema={"$ref": "order.yaml#/Order"}),
        "addOrder POST /orders: $ref 'order.yaml#/Order' points out of the file",
    ),
    "a reference to a server": (
        lambda file: order(file)["properties"].update(item={"$ref": "https://evil.example/x.json"}),
        "$ref 'https://evil.example/x.json' points out of the file",
    ),
    "a reference to a file of the machine": (
        lambda file: order(file)["properties"].update(item={"$ref": "file:///etc/passwd"}),
        "'file:///etc/passwd' points out of the file",
    ),
    "a path that is elsewhere": (
        lambda file: file["paths"].update({"/x": {"$ref": "paths.yaml#/x"}}),
        "/x: $ref 'paths.yaml#/x' points out of the file",
    ),
    "a parameter that is elsewhere": (
        lambda file: file["paths"]["/orders"]["post"].update(parameters=[{"$ref": "common.yaml#/page"}]),
        "'common.yaml#/page' points out of the file",
    ),
    "a reference to nothing": (
        lambda file: order(file)["properties"].update(item={"$ref": "#/components/schemas/Item"}),
        "there is no '#/components/schemas/Item'",
    ),
    "references in a circle": (
        lambda file: file["paths"]["/orders"]["post"].update(requestBody={"$ref": "#/paths/~1orders/post/requestBody"}),
        "point to each other",
    ),
    "a schema that grows": (wide, "more than 3,000 parts"),
    "a schema that is none": (lambda file: order(file)["properties"].update(item=5), "expected a schema, found '5'"),
    "a type that is none": (
        lambda file: order(file)["properties"].update(item={"type": "text"}),
        "properties.item.type is no JSON Schema",
    ),
    "a form": (lambda file: body(file).update(content={"multipart/form-data": {}}), "it takes multipart/form-data"),
    "a cookie": (
        lambda file: file["paths"]["/orders"]["post"].update(parameters=[parameter("sid", "cookie", required=True)]),
        "needs the cookie 'sid'",
    ),
    "a path without its parameter": (
        lambda file: file["paths"].update({"/orders": {}, "/o/{id}": {"post": {"operationId": "addOrder"}}}),
        "the path names {id}",
    ),
    "two parameters of one name": (
        lambda file: file["paths"]["/orders"]["post"].update(parameters=[parameter("a"), parameter("a", "header")]),
        "two parameters would both be the argument 'a': query (a) and header (a)",
    ),
    "two operations of one id": (
        lambda file: file["paths"]["/orders"]["get"].update(operationId="addOrder"),
        "'addOrder' is both GET /orders and POST /orders",
    ),
    "another operation": (
        lambda file: file["paths"]["/orders"]["post"].update(operationId="addOrders"),
        "there is no operation 'addOrder'; there are addOrders, ",
    ),
    "no server": (lambda file: file.pop("servers"), "its first server: expected an address"),
    "a server without a host": (lambda file: file.update(servers=[{"url": "/v1"}]), "found '/v1'; say base_url=..."),
    "a server of a scheme": (lambda file: file.update(servers=[{"url": "file:///etc"}]), "found 'file:///etc'"),
    "a server with a name": (
        lambda file: file.update(servers=[{"url": "https://u:p@shop.example"}]), "expected an address",
    ),
    "a server with dots": (lambda file: file.update(servers=[{"url": "https://a.example/../"}]), "expected an address"),
    "a server of its own": (
        lambda file: file["paths"]["/orders"]["post"].update(servers=[{"url": "https://other.example"}]),
        "servers of its own",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD.values(), ids=BAD.keys())
def test_a_file_that_no_tools_can_be_made_of_is_refused_with_what_is_wrong(
    case: tuple[str | bytes | Change, str], tmp_path: Path
) -> None:
    given, told = case
    file = written(tmp_path, shop(given) if callable(given) else given)
    with pytest.raises(DocumentRefused) as refused:
        tools.from_openapi(file, ["addOrder"])
    said = str(refused.value)
    assert told.replace("addOrder POST", "POST") in said and str(file) in said and len(said) < 1_000


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"operations": []}, "name its operations"),
        ({"operations": "addOrder"}, "name its operations"),
        ({"operations": ["GET /nowhere"]}, "there is no operation 'GET /nowhere'; there are"),
        ({"operations": ["addOrder"], "prefix": "1_"}, "'1_addOrder' is no name of a tool"),
        ({"operations": ["addOrder"], "base_url": "shop.example"}, "base_url: expected an address"),
        ({"operations": ["addOrder"] * 129}, "at most 128"),
        ({"operations": ["addOrder", "listOrders"], "fixed": {"item": "x"}}, "GET /orders: fixed['item']: there is no"),
        ({"operations": ["addOrder"], "fixed": {"item": 7}}, "POST /orders: fixed['item']: 7 is not of type 'string'"),
    ],
)
def test_what_is_asked_for_must_be_there(options: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(DocumentRefused, match=".*" + re.escape(told)):
        tools.from_openapi(written(tmp_path, shop()), **options)


def test_a_secret_needs_a_header_to_go_in(tmp_path: Path) -> None:
    def by_query(file: dict[str, Any]) -> None:
        file["components"]["securitySchemes"]["key"] = {"type": "apiKey", "in": "query", "name": "key"}

    with pytest.raises(DocumentRefused, match="no secret can be sent by key"):
        tools.from_openapi(written(tmp_path, shop(by_query)), ["addOrder"], secret="shop")


def test_what_is_fixed_may_not_be_said_elsewhere_in_the_body(tmp_path: Path) -> None:
    def clash(file: dict[str, Any]) -> None:
        put = {"operationId": "put", "parameters": [parameter("item", "path")], "requestBody": body(file)}
        file["paths"]["/orders/{item}"] = {"put": put}

    file = written(tmp_path, shop(clash))
    with pytest.raises(DocumentRefused, match=r"fixed\['item'\]: the argument 'body' has a field of that name too"):
        tools.from_openapi(file, ["put"], fixed={"item": "7"})
    (put,) = tools.from_openapi(file, ["put"], fixed={"item": "7", "body": {"item": "x"}})
    assert put.schema["properties"] == {}


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(DocumentRefused, match=r"nowhere/shop\.json: it cannot be read: No such file"):
        tools.from_openapi("nowhere/shop.json", ["addOrder"])


def test_each_operation_is_a_tool(tmp_path: Path) -> None:
    file = written(tmp_path, shop())
    listed, added, deleted = tools.from_openapi(file, ["listOrders", "POST /orders", "delete-order"], prefix="shop_")
    assert (listed.name, listed.title, listed.description) == ("shop_listOrders", "My orders", "My orders")
    assert (listed.permission, listed.idempotent, listed.asks_first, listed.outward) == ("read", True, False, True)
    assert (added.permission, added.idempotent, added.asks_first, added.outward) == ("write", False, True, True)
    assert (listed.as_person, added.as_person) == (True, True)
    assert (deleted.name, deleted.description, deleted.asks_first) == (
        "shop_delete_order", "DELETE /orders/{order}", True,
    )  # fmt: skip
    # What the API fills in, who asks and for which host is not the model's to say.
    assert added.schema == {
        "type": "object",
        "properties": {"item": {"type": "string"}, "note": {"type": ["string", "null"]}},
        "required": ["item"],
        "additionalProperties": False,
    }
    assert list(listed.schema["properties"]) == ["q", "tags", "ids", "filter", "X_Trace"]


OURS = (
    *("Idempotency-Key", "idempotency_key", "X-Http-Method", "X-HTTP-Method-Override", "X-Method-Override"),
    *("X-Original-URL", "X-Rewrite-Url", "Host", "Content-Length", "Transfer-Encoding", "Connection", "Cookie"),
    *("Forwarded", "X-Forwarded-For", "X-Forwarded-Prefix", "X_Forwarded_User", "X-Real-IP", "Proxy-Connection"),
    *("X-Key", "x_key"),  # the file's own API key
)


def test_what_a_request_is_made_of_is_not_the_model_s_to_say(tmp_path: Path) -> None:
    def more(file: dict[str, Any]) -> None:
        headers = [parameter(each, "header") for each in (*OURS, "X-Trace")]
        file["paths"]["/orders"]["post"]["parameters"] = headers

    (added,) = tools.from_openapi(written(tmp_path, shop(more)), ["addOrder"])
    assert list(added.schema["properties"]) == ["X_Trace", "item", "note"]


def test_version_3_0_is_told_in_the_words_of_json_schema(tmp_path: Path) -> None:
    def older(file: dict[str, Any]) -> None:
        file["openapi"] = "3.0.3"
        order(file)["properties"] = {
            "item": {"type": "string", "nullable": True, "enum": ["a"], "example": "a", "xml": {}},
            "count": {
                "type": "integer",
                "minimum": 0,
                "exclusiveMinimum": True,
                "maximum": 9,
                "exclusiveMaximum": False,
            },
            "like": {"$ref": "#/components/schemas/Order"},
            "code": {"type": "string", "pattern": "^(a+)+$", "description": "Its code."},
        }

    (added,) = tools.from_openapi(written(tmp_path, shop(older)), ["addOrder"])
    properties = added.schema["properties"]
    assert properties["item"] == {"type": ["string", "null"], "enum": ["a", None]}
    assert properties["count"] == {"type": "integer", "exclusiveMinimum": 0, "maximum": 9}
    assert properties["like"] == {"description": "As Order, which it is part of."}
    assert properties["code"] == {"type": "string", "description": "Its code. (pattern: ^(a+)+$)"}


def test_a_body_with_a_parameter_s_name_is_one_argument(tmp_path: Path) -> None:
    def clash(file: dict[str, Any]) -> None:
        file["paths"]["/orders/{item}"] = {
            "put": {"operationId": "put", "parameters": [parameter("item", "path")], "requestBody": body(file)}
        }

    (put,) = tools.from_openapi(written(tmp_path, shop(clash)), ["put"])
    assert list(put.schema["properties"]) == ["item", "body"] and put.schema["required"] == ["item", "body"]
    assert list(put.schema["properties"]["body"]["properties"]) == ["item", "note"]


def test_yaml_says_what_json_would(tmp_path: Path) -> None:
    text = """
openapi: 3.1.0
servers: [{url: 'https://shop.example'}]
paths:
  /x:
    get:
      parameters: [{name: q, in: query, schema: {enum: [no, 2026-01-01, 010, 1, 1.5, true, null, ~]}}]
      responses: {200: {description: OK}}
"""
    (asked,) = tools.from_openapi(written(tmp_path, text), ["GET /x"])
    assert asked.name == "get_x"
    assert asked.schema["properties"]["q"]["enum"] == ["no", "2026-01-01", "010", 1, 1.5, True, None, None]


def test_tools_of_an_address_are_made_of_its_copy_and_nobody_is_asked_at_the_start(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tools.openapi import checks, kept

    settings.OPENAPI_FILES = tmp_path / "openapi"
    monkeypatch.setattr(kept, "MISSING", {})
    url = "https://shop.example/openapi.json"
    assert tools.from_openapi(url, ["addOrder"]) == ()
    (error,) = checks.check_openapi()
    assert error.id == "tools.E003" and f"fetch_openapi {url}" in (error.hint or "")
    with pytest.raises(DocumentRefused):
        kept.keep(url, b"not a file")
    assert tools.from_openapi(url, ["addOrder"]) == (), "what no tools can be made of was kept"
    kept.keep(url, json.dumps(shop()).encode())
    assert [each.name for each in tools.from_openapi(url, ["addOrder"])] == ["addOrder"]
    assert checks.check_openapi() == []
    kept.keep(url, json.dumps(shop(lambda file: file.update(servers=[{"url": "https://evil.example"}]))).encode())
    with pytest.raises(DocumentRefused, match="its server is on another host"):
        tools.from_openapi(url, ["addOrder"])
    assert tools.from_openapi(url, ["addOrder"], base_url=SHOP)


def test_naming_tools_needs_no_settings() -> None:
    code = "import sys, tools.base, tools; assert 'django' not in sys.modules and 'yaml' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
