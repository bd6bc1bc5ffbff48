"""The parsers there are, by name: each a function (bytes) -> JSON value, imported in the child only."""

PARSERS = {
    "python": "tools.parsing.python:first_error",
    "passages_markdown": "tools.knowledge.cutting:markdown",
    "passages_plain": "tools.knowledge.cutting:plain",
    **{f"component_{kind}": f"tools.parsing.components:{kind}" for kind in ("react", "html", "svelte", "python")},
}
