"""The one way out: what it refuses to connect to, and what it refuses to take in."""

import asyncio
import gzip
import logging
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import own_certificate
from tests.environment import ROOT
from tests.tools.outside import CONNECTED, Names, Outside, Say, has_ipv6, listening
from tests.upstream import Upstream
from tools.checks import check_outward
from tools.errors import OutwardError
from tools.outward import fetch
from tools.outward.addresses import is_public

BOUNDS = {"OUTWARD_MAX_BYTES": 10_000, "OUTWARD_TIMEOUT_S": 1.0, "OUTWARD_CONNECT_TIMEOUT_S": 0.5}


def head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


def says(*pieces: bytes) -> Say:
    """An answer of these bytes, and the connection's end."""

    async def say(writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()

    return say


def says_on_and_on(first: bytes, piece: bytes, pause_s: float) -> Say:
    """An answer that does not end."""

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return say


HELLO = says(head("Content-Length: 5"), b"hello")
BOMB = gzip.compress(b"0" * 8_000_000)  # less than the bytes that are taken


@dataclass(frozen=True)
class Refused:
    """A URL, with PORT in the place of the listener's, and why nothing connects to it."""

    url: str
    code: str = "refused_address"
    names: dict[str, list[list[str]]] = field(default_factory=dict)


def at(host: str) -> Refused:
    return Refused(f"https://{host}:PORT/")


def named(*addresses: str) -> Refused:
    return Refused("https://innocent.example:PORT/", names={"innocent.example": [list(addresses)]})


def no_url(url: str) -> Refused:
    return Refused(url, "refused_url")


# The numbers are those of the cases in the list of attacks; each is refused before a socket is connected.
REFUSED = {
    # S01: every spelling of an address of our own
    "loopback": at("127.0.0.1"),
    "loopback, another": at("127.0.0.2"),
    "loopback, as its name": at("localhost"),
    "loopback, short": Refused("https://127.1:PORT/", "refused_url"),
    "loopback, decimal": Refused("https://2130706433:PORT/", "refused_url"),
    "loopback, octal": Refused("https://017700000001:PORT/", "refused_url"),
    "loopback, octal in parts": Refused("https://0177.0.0.01:PORT/", "refused_url"),
    "loopback, hexadecimal": at("0x7f.1"),
    "loopback, hexadecimal whole": at("0x7f000001"),
    "loopback, in circles": at("①②⑦.⓪.⓪.①"),
    "loopback, ideographic dots": at("127。0。0。1"),
    "loopback, wide digits": at("１２７.0.0.1"),
    "loopback, a dot at its end": Refused("https://127.0.0.1.:PORT/", "refused_url"),
    "unspecified": at("0.0.0.0"),
    "loopback 6": at("[::1]"),
    "loopback 6, whole": at("[0:0:0:0:0:0:0:1]"),
    "unspecified 6": at("[::]"),
    "mapped": at("[::ffff:127.0.0.1]"),
    "mapped, hexadecimal": at("[::ffff:7f00:1]"),
    "compatible": at("[::127.0.0.1]"),
    "metadata": at("169.254.169.254"),
    "metadata, mapped": at("[::ffff:a9fe:a9fe]"),
    "metadata, of Azure": at("168.63.129.16"),
    "private 10": at("10.0.0.1"),
    "private 172": at("172.31.255.255"),
    "private 192": at("192.168.1.1"),
    "shared": at("100.64.0.1"),
    "protocols": at("192.0.0.8"),
    "benchmarks": at("198.18.0.1"),
    "multicast": at("224.0.0.1"),
    "broadcast": at("255.255.255.255"),
    "multicast 6": at("[ff0e::1]"),
    "link local 6": at("[fe80::1]"),
    "link local 6, of an interface": at("[fe80::1%25lo]"),
    "site local 6": at("[fec0::1]"),
    "unique local 6": at("[fd00::1]"),
    "a part of IPv6 that nobody has": at("[4000::1]"),
    # S02: IPv4 inside of IPv6
    "NAT64": at("[64:ff9b::7f00:1]"),
    "NAT64, local": at("[64:ff9b:1::7f00:1]"),
    "6to4": at("[2002:7f00:1::]"),
    "6to4, of a public address": at("[2002:808:808::]"),
    "Teredo": at("[2001:0:7f00:1::]"),
    "documentation 6": at("[2001:db8::1]"),
    "a name": named("127.0.0.1"),
    "a name of several": named("127.0.0.1", "10.0.0.1", "::1"),
    "a name of NAT64": named("64:ff9b::7f00:1"),
    "a name of a mapped one": named("::ffff:127.0.0.1"),
    # S05: what readers of URLs disagree about
    "a backslash": no_url("https://allowed.example\\@127.0.0.1:PORT/"),
    "a fragment that looks like a host": Refused(
        "https://allowed.example:PORT#@127.0.0.1:PORT/", names={"allowed.example": [["127.0.0.1"]]}
    ),
    "a user": no_url("https://allowed.example@127.0.0.1:PORT/"),
    "a user and a password": no_url("https://user:secret@127.0.0.1:PORT/"),
    "no user but its @": no_url("https://@127.0.0.1:PORT/"),
    "a tab": no_url("https://127.0.0\t.1:PORT/"),
    "a line break": no_url("https://127.0.0.1:PORT/\r\nHost: x"),
    "a blank": no_url(" https://127.0.0.1:PORT/"),
    "a NUL": no_url("https://127.0.0.1:PORT/\0"),
    "too long": no_url("https://127.0.0.1:PORT/" + "a" * 8_000),
    "no host": no_url("https:///127.0.0.1"),
    "no slashes": no_url("https:127.0.0.1"),
    "no URL": no_url("127.0.0.1"),
    "a port that is none": no_url("https://127.0.0.1:99999/"),
    "port 0": no_url("https://127.0.0.1:0/"),
    # S03, S05, S08: other schemes, other ports
    "http": no_url("http://127.0.0.1:PORT/"),
    "another port": no_url("https://127.0.0.1:22/"),
    **{
        scheme: no_url(f"{scheme}://127.0.0.1:PORT/x")
        for scheme in ("file", "ftp", "gopher", "git", "ssh", "ws", "data")
    },
    "git's own": no_url("ext::sh -c true"),
}


@pytest.fixture(autouse=True)
def bounds(settings: Any) -> None:
    for name, value in BOUNDS.items():
        setattr(settings, name, value)


def open_to(settings: Any, outside: Outside, *allow: str) -> None:
    settings.OUTWARD_PORTS = [outside.port]
    settings.OUTWARD_ALLOW = [each.replace("PORT", str(outside.port)) for each in allow]


async def refusal(url: str, **options: Any) -> OutwardError:
    with pytest.raises(OutwardError) as told:
        await fetch(url, **options)
    return told.value


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
async def test_nothing_connects_to(case: Refused, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening(HELLO, "127.0.0.1", "127.0.0.2", *(["::1"] if has_ipv6() else [])) as outside:
        open_to(settings, outside)
        monkeypatch.setattr(socket, "getaddrinfo", Names(case.names))
        CONNECTED.clear()
        told = await refusal(case.url.replace("PORT", str(outside.port)))
        assert (told.code, CONNECTED, outside.connects) == (case.code, [], {})
        assert told.code == "refused_url" or "OUTWARD_ALLOW" in str(told)


async def test_the_same_listener_answers_where_its_host_is_meant(settings: Any) -> None:
    """The guard of the table above: its silence is the gate's doing."""
    async with listening(HELLO, "127.0.0.1", "127.0.0.2") as outside:
        open_to(settings, outside, "127.0.0.1:PORT")
        answer = await fetch(f"http://127.0.0.1:{outside.port}/path?q=1", headers={"X-Mine": "yes"})
        assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"hello", "5")
        assert outside.connects == {"127.0.0.1": 1}
        assert outside.heads[0].startswith("GET /path?q=1 HTTP/1.1\r\n") and "X-Mine: yes" in outside.heads[0]
        assert "Accept-Encoding: identity" in outside.heads[0]
        assert (await refusal(f"http://127.0.0.2:{outside.port}/")).code == "refused_url"


@dataclass(frozen=True)
class Hostile:
    """What a server that may be asked answers, and what the caller is told of it."""

    say: Say
    code: str
    longest_s: float = 0.9  # the deadline is 1 s


FLOOD = says_on_and_on(head("Content-Type: text/plain"), b"x" * 50_000, 0)
HOSTILE = {
    # S06: size, time, packing
    "more than is taken, said": Hostile(says(head("Content-Length: 10001"), b"x" * 10_001), "too_large"),
    "more than is taken, not said": Hostile(FLOOD, "too_large"),
    "in chunks without end": Hostile(
        says_on_and_on(head("Transfer-Encoding: chunked"), b"1000\r\n" + b"x" * 4096 + b"\r\n", 0), "too_large"
    ),
    "less than it said": Hostile(says(head("Content-Length: 9000"), b"short"), "bad_answer"),
    "a length that is none": Hostile(says(head("Content-Length: many"), b"short"), "bad_answer"),
    "two lengths": Hostile(says(head("Content-Length: 5", "Content-Length: 6"), b"hello!"), "bad_answer"),
    "packed": Hostile(says(head(f"Content-Length: {len(BOMB)}", "Content-Encoding: gzip"), BOMB), "bad_answer"),
    "packed, in other letters": Hostile(says(head("Content-Encoding: GZip"), BOMB), "bad_answer"),
    "no HTTP": Hostile(says(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), "bad_answer"),
    "nothing": Hostile(says(), "bad_answer"),
    "a line without end": Hostile(says_on_and_on(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 50_000, 0), "bad_answer"),
    "a body that drips": Hostile(says_on_and_on(head("Content-Length: 9000"), b"x", 0.05), "timeout", 1.5),
    "headers that drip": Hostile(says_on_and_on(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n", 0.05), "timeout", 1.5),
    "always to be continued": Hostile(says_on_and_on(b"", head(status="100 Continue"), 0.01), "timeout", 1.5),
}


@pytest.mark.parametrize("case", HOSTILE.values(), ids=HOSTILE.keys())
async def test_an_answer_is_bounded(case: Hostile, settings: Any) -> None:
    async with listening(case.say, "127.0.0.1") as outside:
        open_to(settings, outside, "127.0.0.1:PORT")
        began = time.monotonic()
        told = await refusal(f"http://127.0.0.1:{outside.port}/")
        assert told.code == case.code and outside.connects["127.0.0.1"]
        assert time.monotonic() - began < case.longest_s


@pytest.mark.parametrize("to", ["http://127.0.0.2:PORT/", "file:///etc/passwd", "gopher://127.0.0.2:PORT/", "/again"])
async def test_a_redirect_is_an_answer_and_nobody_goes_there(to: str, settings: Any) -> None:
    """S03, and S07: what goes with the request, such as a key, goes to one host only."""
    port = ""

    async def say(writer: asyncio.StreamWriter) -> None:
        await says(head(f"Location: {to.replace('PORT', port)}", "Content-Length: 0", status="302 Found"))(writer)

    async with listening(say, "127.0.0.1", "127.0.0.2") as outside:
        port = str(outside.port)
        open_to(settings, outside, "127.0.0.1:PORT", "127.0.0.2:PORT")
        answer = await fetch(f"http://127.0.0.1:{port}/", headers={"Authorization": "Bearer x"})
        assert (answer.status, outside.connects) == (302, {"127.0.0.1": 1})


async def test_a_name_that_changes_where_it_leads_is_judged_where_it_is_connected(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S04. Here 127.0.0.1 counts as public and 127.0.0.2 does not."""
    names = Names({"rebinding.example": [["127.0.0.1"], ["127.0.0.2"]]})
    monkeypatch.setattr(socket, "getaddrinfo", names)
    async with listening(HELLO, "127.0.0.1", "127.0.0.2") as outside:
        open_to(settings, outside, "127.0.0.1/32")
        first = await refusal(f"https://rebinding.example:{outside.port}/")
        assert first.code == "timeout", "the listener is reached, and speaks no TLS"
        assert outside.connects == {"127.0.0.1": 1}
        assert names.asked == ["rebinding.example"], "a second look-up may say something else"
        assert (await refusal(f"https://rebinding.example:{outside.port}/")).code == "refused_address"
        assert outside.connects == {"127.0.0.1": 1}


async def test_of_a_name_s_addresses_only_those_are_tried_that_may_be(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Names({"both.example": [["127.0.0.2", "127.0.0.1"]]}))
    async with listening(HELLO, "127.0.0.1", "127.0.0.2") as outside:
        open_to(settings, outside, "127.0.0.1/32")
        await refusal(f"https://both.example:{outside.port}/")
        assert outside.connects == {"127.0.0.1": 1}


async def test_proxies_of_the_environment_are_not_used(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening(HELLO, "127.0.0.1", "127.0.0.2") as outside:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.2:{outside.port}")
        open_to(settings, outside, "127.0.0.1:PORT")
        assert (await fetch(f"http://127.0.0.1:{outside.port}/")).body == b"hello"
        assert outside.connects == {"127.0.0.1": 1}


ASK = """
import asyncio, sys
from django.conf import settings
settings.configure(
    OUTWARD_ALLOW=[sys.argv[2]], OUTWARD_PORTS=[443], OUTWARD_MAX_BYTES=10_000, OUTWARD_TIMEOUT_S=10.0,
    OUTWARD_CONNECT_TIMEOUT_S=5.0,
)
from tools.errors import OutwardError
from tools.outward import fetch
try:
    print(asyncio.run(fetch(sys.argv[1])).status)
except OutwardError as error:
    print(error.code, error)
"""


@pytest.mark.parametrize(("is_trusted", "told"), [(True, "200"), (False, "unreachable The certificate of 127.0.0.1")])
def test_a_certificate_must_be_one_that_the_machine_trusts(is_trusted: bool, told: str, tmp_path: Path) -> None:
    upstream = Upstream(tls=own_certificate(tmp_path)).start()
    trusts = {"SSL_CERT_FILE": str(tmp_path / "server.pem")} if is_trusted else {}
    command = [sys.executable, "-c", ASK, f"{upstream.url}/models", f"127.0.0.1:{upstream.port}"]
    done = subprocess.run(command, env={"PATH": "", **trusts}, cwd=ROOT, capture_output=True, text=True)
    upstream.close()
    assert done.stdout.startswith(told), done.stderr


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("https://127.0.0.1:PORT/", {}),  # nobody listens there
        ("https://nobody.example:PORT/", {"nobody.example": [[]]}),
        (f"https://{'a' * 64}.example:PORT/", {}),
    ],
)
async def test_what_cannot_be_reached_says_so(
    url: str, names: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening(HELLO, "127.0.0.1") as outside:
        open_to(settings, outside, "127.0.0.1/32")
    monkeypatch.setattr(socket, "getaddrinfo", Names(names))
    assert (await refusal(url.replace("PORT", str(outside.port)))).code == "unreachable"


async def test_what_is_told_names_no_address_and_the_log_does(
    settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Names({"intranet.example": [["10.11.12.13"]]}))
    settings.OUTWARD_PORTS = [443]
    with caplog.at_level(logging.WARNING):
        told = await refusal("https://intranet.example/secret-path?token=abc")
    assert "intranet.example" in str(told) and "10.11" not in str(told)
    assert "10.11.12.13" in caplog.text and "secret-path" not in caplog.text + str(told)


async def test_bounds_of_a_call_count_before_those_of_the_settings(settings: Any) -> None:
    async with listening(says(head(), b"x" * 5_000), "127.0.0.1") as outside:
        open_to(settings, outside, "127.0.0.1:PORT")
        url = f"http://127.0.0.1:{outside.port}/"
        assert len((await fetch(url, max_bytes=5_000)).body) == 5_000
        assert (await refusal(url, max_bytes=4_999)).code == "too_large"
        assert (await refusal(url, timeout_s=0.0)).code == "timeout"


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"],
)
def test_a_public_address_is_one(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({}, []),
        ({"OUTWARD_ALLOW": ["git.example.internal", "x:8080", "[::1]:80", "10.2.0.0/16", "fd00::/8"]}, []),
        ({"OUTWARD_ALLOW": ["10.2.3.4/16"]}, ["tools.E001"]),
        ({"OUTWARD_ALLOW": ["https://git.example.internal"]}, ["tools.E001"]),
        ({"OUTWARD_ALLOW": ["user@host"]}, ["tools.E001"]),
        ({"OUTWARD_ALLOW": ["*.example.internal"]}, ["tools.E001"]),
        ({"OUTWARD_ALLOW": ["x:99999"]}, ["tools.E001"]),
        ({"OUTWARD_PORTS": [443, 0]}, ["tools.E002"]),
    ],
)
def test_a_setting_that_cannot_be_meant_stops_the_start(
    changes: dict[str, Any], ids: Sequence[str], settings: Any
) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)
    assert [each.id for each in check_outward()] == ids
