"""Texts of a server, cut where they are too long. Pure."""


def cut(text: str, max_bytes: int, mark: str = "…") -> str:
    """At most so many bytes of UTF-8, with the mark where something is left out."""
    data = text.encode("utf-8", "replace")
    if len(data) <= max_bytes:
        return text
    return data[: max_bytes - len(mark.encode())].decode("utf-8", "ignore") + mark
