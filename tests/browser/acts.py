"""One act in three ways: with a mouse on a wide screen, by tapping on a phone, by keys alone.

acts = Acts(open_page(server, **SCREENS[way])[0], way)
acts.press(page.get_by_role("button", name="Send"))
"""

from dataclasses import dataclass
from typing import Any, Literal

from playwright.sync_api import Locator, Page

Way = Literal["mouse", "tap", "keys"]
WAYS: tuple[Way, ...] = ("mouse", "tap", "keys")
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
SCREENS: dict[Way, dict[str, Any]] = {
    "mouse": {"viewport": WIDE},
    "tap": {"viewport": PHONE, "has_touch": True, "is_mobile": True},
    "keys": {"viewport": WIDE},
}
MOST_TABS = 150  # a page with more stops than this is none for keys
HAS_FOCUS = "each => each === document.activeElement"
# Whether it stands behind what has the focus: then Tab leads there, else Shift+Tab.
IS_BEHIND = "each => !!(document.activeElement.compareDocumentPosition(each) & Node.DOCUMENT_POSITION_FOLLOWING)"


@dataclass(frozen=True)
class Acts:
    """A person at a page who has one way of doing things."""

    page: Page
    way: Way

    def press(self, target: Locator, key: str = "Enter") -> None:
        """Press a button, a link or a summary; `key` is what the keyboard presses on it."""
        if self.way == "mouse":
            target.click()
        elif self.way == "tap":
            target.tap()
        else:
            self.reach(target)
            self.page.keyboard.press(key)

    def near(self, message: Locator) -> None:
        """Come near a message, as a mouse does before its buttons show; the other ways have nothing to do."""
        if self.way == "mouse":
            message.hover()

    def choose(self, target: Locator) -> None:
        """Choose a radio button: keys come to the group's chosen one, and step from there."""
        if self.way != "keys":
            return self.press(target)
        group = self.page.locator(f"[name='{target.get_attribute('name')}']")
        self.reach(group.and_(self.page.locator(":checked")))
        for _ in range(group.count()):
            if target.is_checked():
                return
            self.page.keyboard.press("ArrowDown")

    def write(self, target: Locator, text: str) -> None:
        """Write into a box in place of what is there."""
        if self.way == "keys":
            self.reach(target)
            self.page.keyboard.press("ControlOrMeta+a")
            self.page.keyboard.insert_text(text)
        else:
            self.press(target)
            target.fill(text)

    def send(self, text: str) -> None:
        """Send a message: by the button, or by Enter where there are only keys."""
        box = self.page.get_by_label("Message", exact=True)
        self.write(box, text)
        if self.way == "keys":
            self.page.keyboard.press("Enter")
        else:
            self.press(self.page.get_by_role("button", name="Send"))

    def reach(self, target: Locator) -> None:
        """Go to it by Tab, or by Shift+Tab where it stands before what has the focus."""
        target.wait_for(state="attached")
        key = "Tab" if target.evaluate(IS_BEHIND) else "Shift+Tab"
        for _ in range(MOST_TABS):
            if target.evaluate(HAS_FOCUS):
                return
            self.page.keyboard.press(key)
        raise AssertionError(f"no key leads to {target}")


def open_list(acts: Acts) -> None:
    """Show the list of chats: on a phone it is opened, on a wide screen it is there."""
    if acts.way == "tap":
        acts.press(acts.page.get_by_role("button", name="Open the list of chats"))
