"""An installation's own name, logo and accent: taken at the start, used everywhere, and the usual name nowhere."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core import mail
from django.test import Client

from accounts.look import colours
from accounts.look.views import style_sheet
from accounts.models import IdentityProvider, Role, User
from accounts.organizations.invitations import invite
from accounts.organizations.mail import mail_invitation
from accounts.sign_in.mail import send
from accounts.sign_in.resetting import mail_link
from config import look
from config.reading import BadSetting, Env, listed_origin
from tests import environment

ROOT = environment.ROOT
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><script>alert(1)</script></svg>'
NAMED = re.compile(r"\bParley\b")
# The module's class and file, and the name of a header: what programs call it.
OF_PROGRAMS = re.compile(
    r"new Parley\(|import \{[^}]*Parley[^}]*\}|class Parley\b|Parley-Branch|^\s*(?://|\*|/\*).*", re.MULTILINE
)
PAGES = ["/login/", "/", "/nothing-here/", "/self-test/", "/invitation/", "/admin/login/", "/api/docs/"]
PAGES += ["/reset/", "/account/", "/sso/acme/callback"]  # the last one is refused: nothing was begun


def test_no_page_script_or_sentence_says_the_usual_name() -> None:
    files = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "static").rglob("*.js"), *(ROOT / "locale").rglob("*.po")]
    files += (ROOT / "agents" / "prompts").glob("*.md")
    assert len(files) > 100, "a test of nothing"
    said = {str(each): NAMED.findall(OF_PROGRAMS.sub("", each.read_text())) for each in files}
    assert not {path: found for path, found in said.items() if found}


def test_no_template_shows_the_usual_icon() -> None:
    """Where a logo is, it is the installation's own: {% logo_url %}."""
    files = [*(ROOT / "templates").rglob("*.html")]
    assert len(files) > 20, "a test of nothing"
    assert not [str(each) for each in files if "chat/icon.svg" in each.read_text()]


def test_no_code_says_it_to_people() -> None:
    """Operators go on reading it, where it is the software that is meant."""
    files = [each for app in ("accounts", "agents", "chat", "tools") for each in (ROOT / app).rglob("*.py")]
    named = {str(each.relative_to(ROOT)) for each in files if any(NAMED.search(text) for text in texts_of(each))}
    assert {each for each in named if not FOR_OPERATORS.match(each)} == OF_THE_WIRE


FOR_OPERATORS = re.compile(r"(\w+/)?management/|chat/management/|chat/ops/|accounts/db/faults\.py|agents/checks\.py")
OF_THE_WIRE = {  # names of headers, and what is in them
    "agents/providers/listing.py",
    "chat/doors/views.py",
    "chat/page/views.py",
    "tools/git/remote/address.py",
    "tools/mcp/session.py",
    "tools/outward/fetching.py",
    "tools/outward/streaming.py",
}


def texts_of(path: Path) -> list[str]:
    """The texts in a file's code, without those that describe it."""
    tree = ast.parse(path.read_text())
    described = {id(each.body[0].value) for each in ast.walk(tree) if has_docstring(each)}
    return [
        each.value
        for each in ast.walk(tree)
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and id(each) not in described
    ]


def has_docstring(node: Any) -> bool:
    body = getattr(node, "body", None)
    is_described = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    return is_described and bool(body) and isinstance(body[0], ast.Expr)


@pytest.mark.django_db
@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_the_installations_name_and_shows_its_look(path: str, alice: User, settings: Any) -> None:
    organization = alice.memberships.get().organization
    IdentityProvider.objects.create(organization=organization, slug="acme", name="Acme", issuer="acme", client_id="x")
    settings.PARLEY_NAME, settings.PARLEY_ACCENT, settings.IS_DEVELOPMENT = "Hér & Nú", "#c00000", True
    client = Client()
    if path in ("/", "/self-test/", "/account/"):
        client.force_login(alice)
    page = client.get(path).content.decode()
    title = re.search(r"<title>(.*?)</title>", page, re.DOTALL)
    assert title and ("Hér &amp; Nú" in title[1] or path == "/admin/login/")  # the admin's is made at the start
    assert re.search(r'<link rel="icon" href="/logo\?v=[0-9a-f]{12}" type="image/svg\+xml">', page)
    assert ("/look.css?v=" in page) == (path != "/api/docs/")
    assert not NAMED.search(OF_PROGRAMS.sub("", page)) or path == "/admin/login/"
    assert "icon.svg" not in page, "the usual logo"


@pytest.mark.django_db
def test_a_mail_says_it_too(alice: User, settings: Any) -> None:
    settings.PARLEY_NAME, settings.EMAIL_URL = "Hark", "smtp://127.0.0.1:1"
    organization = alice.memberships.get().organization
    mail_invitation(invite(actor=alice, organization=organization, email="new@example.com", role=Role.VIEWER))
    mail_link(alice)
    for sent in mail.outbox:
        assert "on Hark." in sent.body and not NAMED.search(f"{sent.subject} {sent.body}")
        assert sent.message()["From"] == "Hark <parley@localhost>"
    assert [each.subject for each in mail.outbox][1:] == ["A new password for Hark"]


@pytest.mark.parametrize(
    ("name", "given", "seen"),
    [
        ("Hark", "chat@example.com", "Hark <chat@example.com>"),
        ("Hark", "<chat@example.com>", "Hark <chat@example.com>"),
        ("Hark, now", "chat@example.com", '"Hark, now" <chat@example.com>'),
        ("Hark", "Support <chat@example.com>", "Support <chat@example.com>"),
        ("Hér & Nú", "chat@example.com", "=?utf-8?b?SMOpciAmIE7Dug==?= <chat@example.com>"),
        ("Hark", "chat@exämple.com", "chat@xn--exmple-cua.com"),
    ],
)
def test_mail_is_from_the_installations_name_where_its_address_has_none(
    name: str, given: str, seen: str, settings: Any
) -> None:
    settings.PARLEY_NAME, settings.EMAIL_FROM, settings.EMAIL_URL = name, given, "smtp://127.0.0.1:1"
    assert send("Hello", ("Hello.",), "new@example.com")
    assert mail.outbox[0].message()["From"] == seen


@pytest.mark.parametrize(("content", "type_"), [(PNG, "image/png"), (SVG, "image/svg+xml")])
def test_the_logo_is_served_as_what_it_is_and_runs_nothing(
    content: bytes, type_: str, settings: Any, tmp_path: Path
) -> None:
    file = tmp_path / "logo"
    file.write_bytes(content)
    settings.PARLEY_LOGO = str(file)
    for path in ("/logo", "/favicon.ico"):
        answer = Client().get(path)
        assert (answer.content, answer["Content-Type"]) == (content, type_)
        assert answer["X-Content-Type-Options"] == "nosniff" and "sandbox" in answer["Content-Security-Policy"]


def test_a_logo_whose_file_is_gone_is_still_served(settings: Any, tmp_path: Path) -> None:
    file = tmp_path / "logo.png"
    file.write_bytes(PNG)
    settings.PARLEY_LOGO = str(file)
    apps.get_app_config("accounts").ready()  # what a start does
    file.unlink()
    assert Client().get("/logo").content == PNG


@pytest.mark.django_db
def test_an_address_with_the_version_is_kept_for_good(settings: Any) -> None:
    settings.PARLEY_ACCENT = "#c00000"
    page = Client().get("/login/").content.decode()
    for path in re.findall(r'href="(/(?:logo|look\.css)\?v=[0-9a-f]+)"', page):
        assert "immutable" in Client().get(path)["Cache-Control"]
        assert "immutable" not in Client().get(path.partition("?")[0])["Cache-Control"]
    assert b"#c00000" in Client().get("/logo").content, "the usual logo is in the accent"


@pytest.mark.parametrize("accent", ["#1f5fa8", "#ffffff", "#000000", "#ffee00", "#ff0000", "#777777", "#00ff88"])
def test_what_is_written_in_an_accent_and_on_it_can_be_read(accent: str) -> None:
    light, dark = colours.on_light(accent), colours.on_dark(accent)
    for colour, surface in ((light, colours.LIGHT), (light, "#fcfcfa"), (dark, colours.DARK), (dark, "#171716")):
        assert colours.contrast(colour, surface) >= colours.TEXT
    for colour in (light, dark):
        assert colours.contrast(colours.text_on(colour), colour) >= colours.TEXT
    assert light in style_sheet(accent) and dark in style_sheet(accent)


def test_the_button_of_who_embeds_takes_no_name_that_its_page_may_have() -> None:
    """A page's own --accent reaches into the button's shadow: only names of ours are set and read there."""
    (host,) = re.findall(r":host \{(.*?)\}", style_sheet("#c00000"))
    assert set(re.findall(r"--[a-z-]+(?=:)", host)) == {"--parley-own", "--parley-on-own"}
    read = set(re.findall(r"var\((--[a-z-]+)", (ROOT / "static" / "embed.js").read_text()))
    assert {"--parley-own", "--parley-on-own"} < read
    assert all(each.startswith("--parley-") for each in read - {"--asked"})


def test_the_usual_accent_needs_no_change_in_light() -> None:
    assert colours.on_light("#1f5fa8") == "#1f5fa8" and style_sheet("") == ""


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PARLEY_NAME", "x" * 41, "at most 40 characters"),
        ("PARLEY_NAME", "<b>", "without < >"),
        ("PARLEY_NAME", "a\u202eb", "without < >"),
        ("PARLEY_ACCENT", "red", "#1f5fa8"),
        ("PARLEY_ACCENT", "#12345", "#1f5fa8"),
        ("PARLEY_ACCENT", "#fff;}", "#1f5fa8"),
        ("PARLEY_LOGO", "/nowhere.svg", "which may be read"),
        ("PARLEY_LOGO", __file__, "SVG, PNG or WebP"),
        ("EMBED_ORIGINS", "*", "https://app.example.com"),
        ("EMBED_ORIGINS", "https://*.example.com", "https://app.example.com"),
        ("EMBED_ORIGINS", "https://app.example.com/path", "https://app.example.com"),
        ("EMBED_ORIGINS", "app.example.com", "https://app.example.com"),
        ("EMBED_ORIGINS", "https://a.example;script-src", "https://app.example.com"),
        ("EMBED_ORIGINS", "null", "https://app.example.com"),
        ("EMBED_ORIGINS", "http://[::1]:3000", "https://app.example.com"),
        ("EMBED_ORIGINS", "https://app.example.com:08443", "https://app.example.com"),
        ("EMBED_ORIGINS", "https://app.example.com:65536", "https://app.example.com"),
        ("EMBED_ORIGINS", "https://a..example", "https://app.example.com"),
        ("EMBED_ORIGINS", "https://a.example.", "https://app.example.com"),
        ("EMBED_ORIGINS", "https://-a.example", "https://app.example.com"),
    ],
)
def test_a_setting_that_cannot_be_meant_stops_the_start(name: str, value: str, expected: str) -> None:
    with pytest.raises(BadSetting) as told:
        READ[name](environment_with(**{name: value}), name)
    assert str(told.value).startswith(f"{name}: expected ") and expected in str(told.value)


def test_a_logo_that_is_too_large_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(PNG + b"\0" * look.LOGO_MAX_BYTES)
    with pytest.raises(BadSetting, match="at most 256,000 bytes"):
        READ["PARLEY_LOGO"](environment_with(PARLEY_LOGO=str(tmp_path / "logo.png")), "PARLEY_LOGO")


def test_what_can_be_meant_is_taken() -> None:
    given = {"PARLEY_NAME": "  Hér  & Nú ", "PARLEY_ACCENT": "#FA0", "PARLEY_LOGO": str(look_icon())}
    found = {name: READ[name](environment_with(**given), name) for name in given}
    assert found == {"PARLEY_NAME": "Hér & Nú", "PARLEY_ACCENT": "#ffaa00", "PARLEY_LOGO": str(look_icon())}
    assert {name: READ[name](environment_with(), name) for name in given} == {
        "PARLEY_NAME": "Parley", "PARLEY_ACCENT": "", "PARLEY_LOGO": "",
    }  # fmt: skip
    listed = "https://App.example:8443, https://b.example:443, http://c.example:80, http://d.example:443"
    origins = environment_with(EMBED_ORIGINS=listed)
    assert READ["EMBED_ORIGINS"](origins, "EMBED_ORIGINS") == [
        "https://app.example:8443", "https://b.example", "http://c.example", "http://d.example:443",
    ]  # fmt: skip


def look_icon() -> Path:
    return ROOT / "static" / "chat" / "icon.svg"


READ: dict[str, Any] = {
    "PARLEY_NAME": lambda env, name: env.made(name, "Parley", look.name, look.A_NAME),
    "PARLEY_ACCENT": lambda env, name: env.made(name, "", look.accent, look.A_COLOUR),
    "PARLEY_LOGO": lambda env, name: env.made(name, "", look.logo, look.A_LOGO),
    "EMBED_ORIGINS": lambda env, name: env.list(name, [], listed_origin, "origins such as https://app.example.com"),
}


def environment_with(**values: str) -> Env:
    env = Env()
    env.ENVIRON = values  # of this one alone
    return env
