"""Colours for code: Pygments' short class names, which static/chat/code.css gives their colours."""

import re
import time
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from functools import lru_cache
from html import escape
from typing import Any, TypeVar

from django.conf import settings
from pygments import format as colour
from pygments.formatters import HtmlFormatter
from pygments.lexer import DelegatingLexer, Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES
from pygments.util import ClassNotFound

from chat.markdown import budget

T = TypeVar("T")
_end_s: ContextVar[float] = ContextVar("end_s")  # of the thread's processor time, for the code in hand
CLASSES = frozenset(each for each in STANDARD_TYPES.values() if each)
# Lexers look again and again at what goes on and on, and while they do, nothing else runs: a long line, many lines of
# nothing but words (or of nothing), texts in place that nobody ends.
COLOURED_LINE_MAX_CHARS = 500
_WORDS_ALONE = re.compile(r"""(?:^[^;(){}=:"'#+\n-]*\n){30}""", re.MULTILINE)
_IN_PLACE = re.compile("<<[-<~\"' ]*[A-Za-z]+$", re.MULTILINE)
_TEXTS_IN_PLACE = 20
# Named by whoever wrote the text, so only languages that people ask about are looked up.
LANGUAGES = frozenset(
    (
        *("bash", "c", "c#", "c++", "clojure", "cpp", "cs", "csharp", "css", "dart", "diff", "docker", "dockerfile"),
        *("elixir", "elm", "erlang", "fsharp", "go", "golang", "graphql", "groovy", "haskell", "hcl", "hs", "html"),
        *("html+django", "ini", "java", "javascript", "jinja", "js", "json", "jsx", "julia", "kotlin", "kt", "less"),
        *("lua", "make", "makefile", "nginx", "nix", "objective-c", "ocaml", "perl", "php", "pl", "postgresql"),
        *("powershell", "proto", "protobuf", "ps1", "py", "python", "python3", "r", "rb", "ruby", "rs", "rust"),
        *("scala", "scss", "sh", "shell", "sql", "svelte", "swift", "terraform", "tf", "toml", "ts", "tsx"),
        *("typescript", "vb", "vim", "vue", "xml", "yaml", "yml", "zig", "zsh"),
    )
)
# What models call a language, where Pygments calls it otherwise.
CALLED = {"kt": "kotlin", "vb": "vb.net", "svelte": "html"}


def highlight(code: str, language: str) -> str:
    """The code as HTML: each token a span with its class, or just escaped where nobody knows its language."""
    lexer = _lexer(language.lower()) if budget.is_left() and _may_be_coloured(code) else None
    tokens = _tokens(code, lexer) if lexer else None
    return str(colour(tokens, HtmlFormatter(nowrap=True))) if tokens else escape(code, quote=False)


def _tokens(code: str, lexer: Lexer) -> list[tuple[Any, str]] | None:
    """The code's tokens; None where they take longer than a block of code, its text or its request may."""
    begun = time.thread_time()
    token = _end_s.set(begun + min(settings.RENDER_CODE_S, budget.left_s()))
    try:
        return list(_in_time(lexer.get_tokens(code)))
    except TimeoutError:
        return None
    finally:
        _end_s.reset(token)
        budget.spend(time.thread_time() - begun)


def _in_time(tokens: Iterable[T]) -> Iterator[T]:
    """The tokens, as long as there is time for them. Raises TimeoutError."""
    for each in tokens:
        if time.thread_time() > _end_s.get():
            raise TimeoutError
        yield each


def _may_be_coloured(code: str) -> bool:
    """Longer code takes long to colour, and a browser long to show."""
    if len(code) > settings.RENDER_CODE_MAX_CHARS or len(_IN_PLACE.findall(code)) > _TEXTS_IN_PLACE:
        return False
    is_short = all(len(line) <= COLOURED_LINE_MAX_CHARS for line in code.splitlines())
    return is_short and not _WORDS_ALONE.search(code)


@lru_cache(maxsize=256)
def _lexer(name: str) -> Lexer | None:
    """The one that reads this language; None where there is none."""
    if name not in LANGUAGES:
        return None
    try:
        return _watched(get_lexer_by_name(CALLED.get(name, name), stripnl=False, ensurenl=False))
    except ClassNotFound:
        return None


def _watched(lexer: Lexer) -> Lexer:
    """The lexer. One of templates reads all the code in one language before it gives its first token: in time, too."""
    if isinstance(lexer, DelegatingLexer):
        read = lexer.language_lexer.get_tokens_unprocessed
        lexer.language_lexer.get_tokens_unprocessed = lambda text: _in_time(read(text))
    return lexer
