"""An accent that can be read on the page, in light and in dark. Pure. The measure is WCAG's contrast, 4.5 for text."""

TEXT = 4.5
LIGHT, DARK = "#f3f3ef", "#222220"  # the harder surface of each theme (static/chat/tokens.css)
BLACK, WHITE = "#000000", "#ffffff"
STEPS = 50

Rgb = tuple[float, float, float]


def on_light(accent: str) -> str:
    """The accent, darkened as far as it must be."""
    return _towards(accent, BLACK, LIGHT)


def on_dark(accent: str) -> str:
    """The accent, lightened as far as it must be."""
    return _towards(accent, WHITE, DARK)


def text_on(colour: str) -> str:
    """White or black, whichever can be read better on it."""
    return max(WHITE, BLACK, key=lambda each: contrast(each, colour))


def contrast(one: str, other: str) -> float:
    """From 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _towards(colour: str, end: str, surface: str) -> str:
    mixed = (_mix(colour, end, step / STEPS) for step in range(STEPS + 1))
    return next(each for each in mixed if contrast(each, surface) >= TEXT)


def _mix(one: str, other: str, share: float) -> str:
    pairs = zip(_rgb(one), _rgb(other), strict=True)
    return "#" + "".join(f"{round(255 * (a + (b - a) * share)):02x}" for a, b in pairs)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(each) for each in _rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(share: float) -> float:
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4


def _rgb(colour: str) -> Rgb:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue
