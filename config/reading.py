"""How settings are read from the environment and a .env file: each by its kind, within its bounds, or not at all.

What cannot be meant stops the start with one sentence: which setting, what was expected, what to do. Never with the
value, which may be a secret that slipped into the wrong line.
"""

import builtins
import io
import ipaddress
import math
import re
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from chat.metering import gcra

TRUE, FALSE = ("true", "on", "yes", "y", "ok", "1"), ("false", "off", "no", "n", "0")
DEBUGGED = ("streaming", "providers", "tools")  # what CHAT_DEBUG may name: docs/logs.md
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
EXPECTED_DATABASE = "sqlite:///PATH or postgres://USER:PASSWORD@HOST:5432/NAME (in a password, %XX for / ? # and @)"
DATABASE_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
DATABASES = ("sqlite", "postgres", "postgresql", "psql", "pgsql")
REDIS = ("redis", "rediss", "unix")
MOST = 10**12  # of bytes, tokens, rows
MOST_S = 10 * 365 * 24 * 3600  # seconds: ten years, which a date can still be moved by
LABEL = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
ORIGIN = re.compile(rf"(https?)://({LABEL}(?:\.{LABEL})*)(?::([1-9][0-9]*))?")
USUAL_PORTS = {"http": "80", "https": "443"}
LINE = re.compile(r"\A(?:export )?[A-Za-z_0-9]+=.*\Z")
WHAT_TO_DO = "Change it in the environment or in .env; .env.example says what it means."


class BadSetting(ImproperlyConfigured):
    """A setting that cannot be meant; the text is for whoever starts Parley."""

    def __init__(self, name: str, expected: str, what_to_do: str = WHAT_TO_DO) -> None:
        super().__init__(f"{name}: expected {expected}. {what_to_do}")


class Env(environ.Env):  # type: ignore[misc]  # it comes without types
    """The environment. A setting that is not there has its default; a number or yes-or-no without a text too."""

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        """The setting's value. Raises BadSetting."""
        raw = self.ENVIRON.get(var, "")
        if raw.encode(errors="surrogateescape") != raw.encode(errors="replace"):
            raise BadSetting(var, "a text in UTF-8")
        if raw.startswith("$") and raw.lstrip("$") not in self.ENVIRON:
            told = "after $ the name of another variable, which is there"
            raise BadSetting(var, told, r"Write \$ for a value that begins with $.")
        value = super().get_value(var, *args, **kwargs)
        return value[1:] if isinstance(value, str) and value.startswith(r"\$") else value

    def int(
        self, var: str, default: builtins.int, *, least: builtins.int = 0, most: builtins.int | None = None
    ) -> builtins.int:
        """A whole number within the bounds."""
        return int(self._number(var, int, "a whole number", default, least, most))

    def float(
        self, var: str, default: builtins.float, *, least: builtins.float = 0, most: builtins.float | None = None
    ) -> builtins.float:
        """A number within the bounds."""
        return float(self._number(var, float, "a number", default, least, most))

    def bool(self, var: str, default: builtins.bool) -> builtins.bool:
        """Yes or no."""
        text = self.str(var, "").strip().lower()
        if text not in (*TRUE, *FALSE, ""):
            raise BadSetting(var, "true or false")
        return text in TRUE if text else default

    def choice(self, var: str, default: str, allowed: Sequence[str]) -> str:
        """One of these words."""
        text = self.str(var, "").strip() or default
        found = {each.lower(): each for each in allowed}.get(text.lower())
        if found is None:
            raise BadSetting(var, f"one of {', '.join(allowed)}")
        return found

    def list(self, var: str, default: Sequence[Any], each: Callable[[str], Any] = str, expected: str = "") -> Any:
        """Texts between commas, each made something of; `expected` says what it takes."""
        if var not in self.ENVIRON:
            return list(default)
        try:
            return [each(part.strip()) for part in self.str(var).split(",") if part.strip()]
        except ValueError as error:
            raise BadSetting(var, f"{expected}, with commas between") from error

    def made(self, var: str, default: str, make: Callable[[str], str], expected: str) -> str:
        """What `make` makes of the text; it raises ValueError for one that cannot be meant."""
        text = str(self.str(var, "")).strip()
        try:
            return make(text) if text else default
        except ValueError as error:
            raise BadSetting(var, expected) from error

    def object(self, var: str, default: dict[str, str]) -> dict[str, str]:
        """A JSON object of texts."""
        expected = 'a JSON object of texts, such as {"Name": "value"}'
        try:
            found = self.json(var, default=default)
        except ValueError as error:
            raise BadSetting(var, expected) from error
        if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
            raise BadSetting(var, expected)
        return found

    def address(self, var: str, default: str, schemes: Sequence[str], such_as: str) -> str:
        """An address with one of the schemes; empty where that is the default."""
        text = str(self.str(var, default)).strip()
        if text and not _is_address(text, schemes):
            raise BadSetting(var, f"an address such as {such_as}")
        if not text and default:
            raise BadSetting(var, f"an address such as {such_as}")
        return text

    def origin(self, var: str, default: str) -> str:
        """Where people reach Parley: scheme, host and perhaps port."""
        such_as = "https://chat.example.com"
        text = self.address(var, default, ("http", "https"), such_as).rstrip("/")
        if not is_origin(text):
            raise BadSetting(var, f"scheme and host alone, such as {such_as}")
        return text

    def database(self, var: str, default: str) -> dict[str, Any]:
        """Django's settings of the database."""
        text = str(self.str(var, default)).strip()
        try:
            found = self.db_url_config(text) if _is_database(text) else None
        except (ValueError, ImproperlyConfigured):
            found = None
        if found is None:
            raise BadSetting(var, EXPECTED_DATABASE)
        return dict(found)

    def databases(self, var: str) -> dict[str, dict[str, Any]]:
        """Django's settings of further databases, by name; of each, WRITES says whether its address has `write=1`."""
        found = {}
        for name, url in self.object(var, {}).items():
            if not DATABASE_NAME.fullmatch(name) or name == "default":
                told = "names of lower case letters, digits and _, a letter first, and not default"
                raise BadSetting(var, told)
            found[name] = self._extra(f"{var}, {name}", url.strip())
        return found

    def _extra(self, place: str, url: str) -> dict[str, Any]:
        address, _, query = url.partition("?")
        options = parse_qsl(query, keep_blank_values=True)
        writes = [value for option, value in options if option == "write"]
        rest = urlencode([each for each in options if each[0] != "write"])
        if len(writes) > 1 or any(value not in ("0", "1") for value in writes):
            raise BadSetting(place, "?write=1 where tools may change something, or nothing")
        try:
            found = self.db_url_config(f"{address}?{rest}" if rest else address) if _is_database(address) else None
        except (ValueError, ImproperlyConfigured):
            found = None
        if found is None:
            raise BadSetting(place, EXPECTED_DATABASE)
        return {**found, "WRITES": writes == ["1"]}

    def file(self, path: Path, *, is_named: builtins.bool) -> None:
        """Take what the file says and the environment does not. One that is not there: nothing, unless it was named."""
        try:
            text = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            if not is_named:
                return
            raise BadSetting("PARLEY_ENV_FILE", "a file that is there", f"There is no {path}.") from None
        except UnicodeDecodeError as error:
            line = path.read_bytes()[: error.start].count(b"\n") + 1
            raise BadSetting(str(path), f"a text in UTF-8, and line {line} is none", "Save it as UTF-8.") from None
        except OSError as error:
            told = f"It says: {error.strerror}. Make it a file that this user may read."
            raise BadSetting(str(path), "a file with settings that can be read", told) from None
        _check_lines(path, text)
        self.read_env(io.StringIO(text))

    def _number(self, var: str, cast: Callable[[str], Any], kind: str, default: Any, least: Any, most: Any) -> Any:
        most = most if most is not None else MOST_S if var.endswith("_S") else MOST
        text = self.str(var, "").strip()
        try:
            found = cast(text) if text else default
        except ValueError:
            found = math.nan
        if not least <= found <= most:  # nor is NaN
            unit = " of seconds" if var.endswith("_S") else ""
            raise BadSetting(var, f"{kind}{unit} from {least} to {most}")
        return found


def _check_lines(path: Path, text: str) -> None:
    """Each line is read or is a comment: one that is passed over would be a setting that does not count."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#") and not LINE.match(line):
            told = "Without spaces around the =; a # begins a comment."
            raise BadSetting(f"{path}, line {number}", "NAME=value", told)


def one_port(text: str) -> int:
    """The port. Raises ValueError."""
    port = int(text)
    if not 0 < port < 65_536:
        raise ValueError
    return port


def certificates(text: str) -> str:
    """The file's path, whole. Raises ValueError for one that holds no certificate, or cannot be read."""
    path = Path(text).absolute()
    try:
        ssl.create_default_context(cafile=str(path))
    except (OSError, ValueError) as error:
        raise ValueError from error
    return str(path)


def host_name(text: str) -> str:
    """A name or address as it stands in a Host header, without the port. Raises ValueError."""
    is_v6 = text.startswith("[") and text.endswith("]")
    if is_v6:
        ipaddress.IPv6Address(text[1:-1])
    elif re.search(r"[\s/:@?#]", text):
        raise ValueError
    return text


def web_origin(text: str) -> str:
    """Scheme, host and perhaps port; `*` is judged by a check that says why not. Raises ValueError."""
    if text != "*" and not is_origin(text):
        raise ValueError
    return text


def app_name(text: str) -> str:
    """The dotted name of a Django app or of its AppConfig. Raises ValueError."""
    if not all(part.isidentifier() for part in text.split(".")):
        raise ValueError
    return text


def listed_origin(text: str) -> str:
    """One origin and no other, as browsers write it and as a policy may name it: no IPv6. Raises ValueError."""
    found = ORIGIN.fullmatch(text.lower())
    if not found or not is_origin(text):
        raise ValueError
    scheme, host, port = found.groups()
    return f"{scheme}://{host}" if port in (None, USUAL_PORTS[scheme]) else f"{scheme}://{host}:{port}"


def role_level(text: str) -> tuple[str, int]:
    """A role and the level of documents that it reads up to. Raises ValueError."""
    role, _, level = (part.strip() for part in text.partition(":"))
    if role not in ("viewer", "editor", "admin", "owner") or level not in ("0", "1", "2", "3"):
        raise ValueError
    return role, int(level)


def rate(text: str) -> str:
    """How often something may be done, as chat.metering.gcra reads it. Raises ValueError."""
    gcra.read(text)
    return text


def debugged(text: str) -> str:
    """One of what can be logged. Raises ValueError."""
    if text not in DEBUGGED:
        raise ValueError
    return text


def debugged_in(text: str) -> frozenset[str]:
    """What a DEBUG such as `chat:streaming,chat:tools` or `chat:*` means; nothing of any other."""
    parts = [part.strip().partition(":") for part in text.split(",")]
    if not all(app == "chat" and (name in DEBUGGED or name == "*") for app, _, name in parts):
        return frozenset()
    return frozenset(DEBUGGED if ("chat", ":", "*") in parts else (name for _, _, name in parts))


def otlp_header(text: str) -> tuple[str, str]:
    """A header of OTEL_EXPORTER_OTLP_HEADERS, whose value is percent-encoded. Raises ValueError."""
    name, is_one, value = (part.strip() for part in text.partition("="))
    if not name or not is_one:
        raise ValueError
    return name.lower(), unquote(value)


def network(text: str) -> str:
    """An address, a network or `*`. Raises ValueError."""
    if text != "*":
        ipaddress.ip_network(text, strict=False)
    return text


def is_origin(text: str) -> bool:
    """Whether it is scheme, host and perhaps port, and no more."""
    if not _is_address(text, ("http", "https")):
        return False
    parts = urlsplit(text)
    return not (parts.path or parts.query or parts.fragment or parts.username is not None)


def _is_address(text: str, schemes: Sequence[str]) -> bool:
    try:
        parts = urlsplit(text)
        is_right = parts.port is None or parts.port > 0
    except ValueError:
        return False
    if parts.scheme not in schemes or re.search(r"\s", text):
        return False
    return bool(parts.path) if parts.scheme == "unix" else is_right and bool(parts.hostname) and _has_number(parts)


def _has_number(parts: SplitResult) -> bool:
    """Of a Redis: its database is a number."""
    return parts.scheme not in REDIS or parts.path in ("", "/") or parts.path[1:].isdecimal()


def _is_database(text: str) -> bool:
    scheme, colon, rest = text.partition("://")
    if not colon or scheme not in DATABASES:
        return False
    if scheme == "sqlite":
        return bool(rest.strip("/"))
    parts = urlsplit(text)
    return (parts.port is None or parts.port > 0) and bool(unquote(parts.path).strip("/") or "service=" in parts.query)
