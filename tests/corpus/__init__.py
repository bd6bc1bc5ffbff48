"""Markdown as models write it: a file for each family, a list of texts in each."""

import json
from pathlib import Path

FILES = sorted(Path(__file__).parent.glob("*.json"))


def snippets() -> dict[str, str]:
    """All of them, each by its family and number."""
    return {
        f"{path.stem}-{number}": text
        for path in FILES
        for number, text in enumerate(json.loads(path.read_text(encoding="utf-8")))
    }
