"""The parsers there are, by name: each a function (bytes) -> JSON value, imported in the child only."""

PARSERS = {
    "python": "tools.parsing.python:first_error",
    "page": "tools.parsing.page:text",
    **{f"component_{kind}": f"tools.parsing.components:{kind}" for kind in ("react", "html", "svelte", "python")},
}
