"""Files as a person brings them to the page, and the server that keeps them waiting."""

from collections.abc import Callable
from dataclasses import dataclass, field

from playwright.sync_api import FilePayload, Locator, Page, Route, expect

UPLOADS = "**/api/attachments/?*"
# A picture of `width` by `height`, its left half red; noise, so that it is not small. `name` is what it is called.
PICTURE = """async ({ width, height, type, clear }) => {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const pen = canvas.getContext("2d");
  const noise = pen.createImageData(width, height);
  for (let at = 0; at < noise.data.length; at += 65536) crypto.getRandomValues(noise.data.subarray(at, at + 65536));
  for (let at = 3; at < noise.data.length; at += 4) noise.data[at] = 255;
  pen.putImageData(noise, 0, 0);
  pen.fillStyle = "red";
  pen.fillRect(0, 0, width / 2, height);
  if (clear) pen.clearRect(0, 0, 10, 10);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, type, 0.95));
  return [...new Uint8Array(await blob.arrayBuffer())];
}"""
BRING = """([way, files]) => {
  const data = new DataTransfer();
  for (const { name, type, bytes } of files) data.items.add(new File([new Uint8Array(bytes)], name, { type }));
  const box = document.getElementById("text");
  const given = { bubbles: true, cancelable: true };
  if (way === "paste") return box.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, ...given }));
  for (const each of ["dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(each, { dataTransfer: data, ...given }));
  }
}"""


def file(name: str, data: bytes = b"The word is lighthouse.", type: str = "text/plain") -> FilePayload:
    return {"name": name, "mimeType": type, "buffer": data}


def choose(page: Page, *files: FilePayload) -> None:
    page.get_by_label("Attach files").set_input_files(list(files))


def bring(page: Page, way: str, *files: FilePayload) -> None:
    """By drop or by paste."""
    given = [{"name": each["name"], "type": each["mimeType"], "bytes": list(each["buffer"])} for each in files]
    page.evaluate(BRING, [way, given])


def picture(page: Page, width: int, height: int, *, type: str = "image/jpeg", clear: bool = False) -> bytes:
    return bytes(page.evaluate(PICTURE, {"width": width, "height": height, "type": type, "clear": clear}))


def chips(page: Page) -> Locator:
    return page.locator("#composer .files").get_by_role("listitem")


def stored(page: Page, count: int) -> None:
    """So many are there, and none is on its way."""
    expect(chips(page)).to_have_count(count)
    expect(page.locator("#composer .files progress:visible")).to_have_count(0)


@dataclass
class Held:
    """Uploads that the network holds until a test lets them go, in the order in which they came."""

    page: Page
    routes: list[Route] = field(default_factory=list)
    is_open: bool = False

    def __post_init__(self) -> None:
        self.page.route(UPLOADS, lambda route: route.continue_() if self.is_open else self.routes.append(route))

    def wait(self, count: int) -> None:
        """Until so many have come."""
        while len(self.routes) < count:
            self.page.wait_for_timeout(20)

    def go(self, end: Callable[[Route], None] = lambda route: route.continue_()) -> None:
        """Let the first that waits go on; `end` does something else with it."""
        self.wait(1)
        end(self.routes.pop(0))

    def open(self) -> None:
        """Hold nothing any more."""
        self.is_open = True
        while self.routes:
            self.go()


def refused(message: str, field: str = "file", status: int = 400) -> Callable[[Route], None]:
    error = {"code": "invalid", "message": "The request is not valid.", "fields": {field: [message]}}
    return lambda route: route.fulfill(status=status, json={"error": error})
