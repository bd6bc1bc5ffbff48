"""The parsers there are, by name: each (bytes) -> JSON value or (value, bytes), imported in the child only."""

PARSERS = {
    "python": "tools.parsing.python:first_error",
    "image": "tools.parsing.images:made",
    "document": "tools.parsing.documents:read",
    "page": "tools.parsing.documents:read_page",
    "web_page": "tools.parsing.page:text",
    "passages_markdown": "tools.knowledge.cutting:markdown",
    "passages_plain": "tools.knowledge.cutting:plain",
    **{f"component_{kind}": f"tools.parsing.components:{kind}" for kind in ("react", "html", "svelte", "python")},
}
