"""Python source. It is read and not run."""

import ast
import io
import tokenize
from typing import Any


def first_error(source: bytes) -> dict[str, Any] | None:
    """Where the source first breaks the language's rules: `{line, column, message}`, both from 1; None if nowhere."""
    try:
        ast.parse(_text(source))
    except SyntaxError as error:
        return _told(error.msg, error.lineno or 1, error.offset or 1)
    except ValueError as error:  # bytes that are no text, or a NUL in it
        return _told(str(error))
    except (RecursionError, MemoryError):
        return _told("nested too deeply")
    return None


def _text(source: bytes) -> str:
    """As text, because columns of bytes are counted in bytes."""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
    return source.decode(encoding)


def _told(message: str, line: int = 1, column: int = 1) -> dict[str, Any]:
    return {"line": line, "column": max(1, column), "message": message}
