"""The words of an HTML page: what a reader would see, about, without what is made to be hidden. Runs in the child.

Beside web_page.py, which keeps headings and lists: lexbor's time grows with the square of how deep elements are nested,
and here somebody else's server says how deep that is.
"""

from html.parser import HTMLParser

TITLE_CHARS = 300


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


LEFT_OUT = _names("script style noscript template svg math iframe object canvas select nav footer")  # no text of a page
BLOCKS = _names(
    "address article aside blockquote br dd div dl dt fieldset figcaption figure form h1 h2 h3 h4 h5 h6 header hr li "
    "main ol p pre section table td th tr ul"
)
VOID = _names("area base br col embed hr img input link meta source track wbr")


def text(data: bytes) -> dict[str, str]:
    """The title and the text of a page in UTF-8, one line for each block."""
    page = _Page()
    page.feed(data.decode(errors="replace"))
    page.close()
    lines = (" ".join(line.split()) for line in "".join(page.texts).split("\n"))
    title = " ".join("".join(page.titles).split())
    return {"title": title[:TITLE_CHARS], "text": "\n".join(line for line in lines if line)}


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.titles: list[str] = []
        self.texts: list[str] = []
        self._in_title = False
        self._hidden: list[str] = []  # open elements from the one that hides what is in it

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "title":
            self._in_title = not self.titles
        if tag in BLOCKS and not self._hidden:
            self.texts.append("\n")
        if tag not in VOID and (self._hidden or tag in LEFT_OUT or _is_hidden(dict(attrs))):
            self._hidden.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        if tag in self._hidden:
            while self._hidden.pop() != tag:
                pass
        elif tag in BLOCKS and not self._hidden:
            self.texts.append("\n")

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.titles.append(data)
        elif not self._hidden:
            self.texts.append(data)


def _is_hidden(attributes: dict[str, str | None]) -> bool:
    style = (attributes.get("style") or "").replace(" ", "").lower()
    return "hidden" in attributes or "display:none" in style or "visibility:hidden" in style
