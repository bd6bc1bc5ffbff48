"""The child: sets one part of a PDF, or joins the parts, and ends. It knows no database and no settings.

`python -m chat.exports.pdf.child MEMORY_BYTES TIMEOUT_S OUTPUT_BYTES`, by chat.exports.pdf.press. JSON comes in,
`{"do": "set", "to": PATH, ...}` or `{"do": "join", "to": PATH, "parts": [PATH, ...]}`, and JSON goes out.
"""

import json
import resource
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings

from chat.exports.pdf import glyphs
from chat.exports.pdf.blocks import Ink, as_code, is_rtl, markdown, plain

TEMPLATE = Path(__file__).with_name("chat.typ")
# In this order; what these do not have, typst looks for in all others.
FONTS = (
    *("Noto Sans", "DejaVu Sans", "Noto Sans Arabic", "Noto Naskh Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari"),
    *("Noto Sans Bengali", "Noto Sans Tamil", "Noto Sans Thai"),
)
HAN = ("Noto Sans CJK SC", "Noto Sans SC", "WenQuanYi Zen Hei")
KANA = ("Noto Sans CJK JP", "Noto Sans JP")
EMOJI = ("Noto Color Emoji", "Apple Color Emoji", "Twitter Color Emoji")
MONO = ("DejaVu Sans Mono", "Noto Sans Mono")


def limit(memory_bytes: int, timeout_s: int, output_bytes: int) -> None:
    """Bound this process for good."""
    bounds = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_CPU: timeout_s,
        resource.RLIMIT_FSIZE: output_bytes,
        resource.RLIMIT_CORE: 0,
    }
    for each, bound in bounds.items():
        resource.setrlimit(each, (bound, bound))
    signal.alarm(timeout_s + 1)  # should nobody be left who ends it


def main() -> None:
    """Do what comes."""
    limit(*map(int, sys.argv[1:]))
    asked = json.load(sys.stdin.buffer)
    do = {"set": set_part, "join": join}[asked["do"]]
    json.dump(do(asked), sys.stdout)


def set_part(asked: dict[str, Any]) -> dict[str, Any]:
    """Write the part; says how many pages it has, and which characters no font has."""
    import typst

    settings.configure(**asked["settings"])  # what the grammar of Markdown asks for
    fonts = typst.Fonts(include_system_fonts=not asked["fonts"], font_paths=[asked["fonts"]] if asked["fonts"] else [])
    known = set(fonts.families())
    left = glyphs.missing(_characters(asked), _sorted(fonts.fonts())) | set(asked["missing"])
    data = {
        **{name: asked[name] for name in ("title", "about", "page", "lang")},
        "turned": is_rtl(asked["title"]),
        "fonts": _families(known, HAN),
        "mono": [each for each in (*MONO, *FONTS, *HAN) if each in known] or ["DejaVu Sans Mono"],
        "messages": _messages(asked["messages"], known),
        "note": asked["note"].replace("NUMBER", str(len(left))) if asked["is_last"] and left else "",
    }
    with tempfile.TemporaryDirectory() as empty:
        pages = _compiled(asked["to"], data, fonts, empty)
    return {"pages": pages, "missing": "".join(sorted(left))}


def _compiled(to: str, data: dict[str, Any], fonts: Any, empty: str) -> int:
    """Set it: there is nothing that it could read, and nowhere that a package could come from."""
    import typst
    from pypdf import PdfReader

    compiler = typst.Compiler(
        TEMPLATE.read_bytes(), root=empty, font_paths=fonts, sys_inputs={"data": json.dumps(data)},
        package_path=empty, package_cache_path=empty,
    )  # fmt: skip
    compiler.compile(output=to, format="pdf", timestamp=0)
    return len(PdfReader(to).pages)


def join(asked: dict[str, Any]) -> dict[str, Any]:
    """Write the parts as one file."""
    from pypdf import PdfWriter

    with PdfWriter() as writer:
        for each in asked["parts"]:
            writer.append(each)
        writer.add_metadata({"/Title": asked["title"]})
        writer.write(asked["to"])
    return {}


# --- What it is set from ----------------------------------------------------------------------------------------------


def _messages(messages: list[dict[str, Any]], known: set[str]) -> list[dict[str, Any]]:
    ink = Ink()
    return [
        {
            **{name: each[name] for name in ("name", "about", "person")},
            "d": is_rtl(each["name"]),
            "fonts": _families(known, KANA) if _is_japanese(each) else None,
            "blocks": [block for part in each["parts"] for block in _blocks(part, ink)],
        }
        for each in messages
    ]


def _blocks(part: dict[str, Any], ink: Ink) -> list[dict[str, Any]]:
    match part["type"]:
        case "markdown":
            return markdown(part["text"], ink)
        case "code":
            return as_code(part["value"])
        case "label" | "note" as kind:
            return [{"t": kind, "c": [part["text"]]}]
        case _:
            return plain(part["text"])


def _is_japanese(message: dict[str, Any]) -> bool:
    """The same characters are drawn otherwise in Japan: where there are kana, they are meant."""
    return any("\u3041" <= each <= "\u30ff" for part in message["parts"] for each in str(part.get("text", "")))


def _families(known: set[str], han: tuple[str, ...]) -> list[Any]:
    signs = [{"name": each} for each in EMOJI if each in known]
    return [*signs, *(each for each in (*FONTS, *han) if each in known)] or ["Libertinus Serif"]


def _sorted(fonts: list[Any]) -> list[Any]:
    """Those first that are asked first: most characters are in these."""
    first = {name: place for place, name in enumerate((*FONTS, *HAN, *EMOJI))}
    return sorted(fonts, key=lambda each: first.get(each.family, len(first)))


def _characters(asked: dict[str, Any]) -> set[str]:
    return set(json.dumps([asked["title"], asked["messages"]], ensure_ascii=False))


if __name__ == "__main__":
    main()
