"""Colours for code: Pygments' short class names, which static/chat/code.css gives their colours."""

from html import escape

from pygments import highlight as colour
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES

# Longer code stays plain: colouring it takes long, and a browser long to show it.
COLOURED_MAX_CHARS = 20_000
CLASSES = frozenset(each for each in STANDARD_TYPES.values() if each)
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


def highlight(code: str, language: str, attributes: str = "") -> str:
    """The code as HTML: each token a span with its class, or just escaped where nobody knows its language."""
    name = language.lower()
    if name not in LANGUAGES or len(code) > COLOURED_MAX_CHARS:
        return escape(code, quote=False)
    lexer = get_lexer_by_name(name, stripnl=False, ensurenl=False)
    return str(colour(code, lexer, HtmlFormatter(nowrap=True)))
