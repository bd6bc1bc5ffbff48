"""How many tokens something is, about: for limits, reservations, and usage that no provider has counted. Pure.

An estimate by script, as tokenizers of today (o200k, Llama 3, Qwen) come out on plain text, rather a little too much
than too little: docs/decisions/0060-how-tokens-are-estimated.md. Never by the size of what is stored.
"""

import base64
import binascii
import functools
import re
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

import msgspec

from agents.media import wav_bytes_per_second
from agents.messages import AssistantMessage, File, Image, Message, SystemMessage, ToolMessage, ToolSpec, UserMessage
from tools.pictures import size_of

MESSAGE_TOKENS = 4  # what frames each message
PIXELS_PER_TOKEN = 750  # https://docs.anthropic.com/en/docs/build-with-claude/vision#evaluate-image-size
IMAGE_LONGEST_PX = 1568  # a larger picture is scaled down to this by the servers
IMAGE_MIN_TOKENS = 85  # OpenAI's least, for any picture
IMAGE_UNKNOWN_TOKENS = 1_600  # of a picture at an address, or without a size in its header: the most that one costs
# A PDF is counted by its bytes: how many pages it has, nobody knows without parsing it. Servers charge each page for
# its text and its picture, about 3,000 tokens, and a page of text with a drawing has some 30 KB.
# https://platform.claude.com/docs/en/build-with-claude/pdf-support
PDF_BYTES_PER_TOKEN = 10
PDF_MIN_TOKENS = 1_600  # one page
AUDIO_TOKENS_PER_SECOND = 32  # https://ai.google.dev/gemini-api/docs/audio
MP3_BYTES_PER_SECOND = 8_000  # speech, 64 kbit/s: more than that is counted too high
HEADER_BYTES = 65_536  # of a picture that are read for its size: in front of it there may be a thumbnail

LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ \n"
# Tokens a character, in quarters.
LETTER, SIGN, OTHER = 1, 2, 8
# Latin with marks, Greek, Cyrillic, Hebrew, Arabic, Indic, Thai and the other scripts of letters; and lines and blocks.
ALPHABETS = re.compile("[\u0080-\u10ff\u1200-\u137f\u13a0-\u13ff\u1e00-\u1fff\u2000-\u206f\u2500-\u259f]")
ALPHABET = 2
# Khmer, Mongolian, Yi, and signs: arrows, mathematics, shapes.
SYMBOLS = re.compile("[\u1780-\u18af\u2070-\u24ff\u25a0-\u2bff\ua000-\ua4cf]")
SYMBOL = 4
# Chinese, Japanese, Korean, and their signs and full width forms.
IDEOGRAPHS = re.compile(
    "[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff]"
)
IDEOGRAPH = 5
# Long runs without a space that are no words: base64, hashes, keys. Their letters cost what their digits do.
RUN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9+/_-]{32,}")
RUN_CHARS_PER_DIGIT = 16  # a run of words has fewer digits; base64 has one in six
DIGITS = b"0123456789"
_encode = msgspec.json.Encoder().encode


def of_text(text: str) -> int:
    """Tokens of a text; 0 for none."""
    return (_quarters(text) + sum(map(_run_quarters, RUN.findall(text))) + 3) // 4


def of_texts(texts: Iterable[str]) -> int:
    """Tokens of pieces of one text."""
    return of_text("".join(texts))


def of_image(image: Image) -> int:
    """Tokens of a picture: by its width and height, however many bytes it has."""
    return _of_picture(image.url) if image.url.startswith("data:") else IMAGE_UNKNOWN_TOKENS


def of_file(file: File) -> int:
    """Tokens of a PDF or a sound, by its bytes: a guess."""
    size = len(file.data) * 3 // 4
    if file.kind == "pdf":
        return max(PDF_MIN_TOKENS, size // PDF_BYTES_PER_TOKEN)
    rate = wav_bytes_per_second(_head(file.url)) if file.media_type == "audio/wav" else MP3_BYTES_PER_SECOND
    return max(AUDIO_TOKENS_PER_SECOND, round(size / rate * AUDIO_TOKENS_PER_SECOND))


def of_message(message: Message) -> int:
    """Tokens of a message with all that is in it."""
    match message:
        case UserMessage(text=text, images=images, files=files):
            return MESSAGE_TOKENS + of_text(text) + sum(map(of_image, images)) + sum(map(of_file, files))
        case AssistantMessage(text=text, calls=calls):
            asked = sum(MESSAGE_TOKENS + of_text(each.name) + of_text(each.arguments) for each in calls)
            return MESSAGE_TOKENS + of_text(text) + asked
        case ToolMessage(content=content, images=images):
            return MESSAGE_TOKENS + of_text(content) + sum(map(of_image, images))
        case SystemMessage(text=text):
            return MESSAGE_TOKENS + of_text(text)


def of_messages(messages: Iterable[Message]) -> int:
    """Tokens of a conversation."""
    return sum(map(of_message, messages))


def of_tools(tools: Iterable[ToolSpec]) -> int:
    """Tokens of what a model is told of its tools."""
    return sum(MESSAGE_TOKENS + _of_told(_encode((each.name, each.description, each.schema))) for each in tools)


@functools.lru_cache(maxsize=256)
def _of_told(data: bytes) -> int:
    """Tokens of a tool as JSON. Kept, as each turn tells of the same ones."""
    return of_text(data.decode())


def _quarters(text: str) -> int:
    if text.isascii():
        return _ascii_quarters(text)
    rest = IDEOGRAPHS.sub("", text)
    found = (len(text) - len(rest)) * IDEOGRAPH
    others = ALPHABETS.sub("", rest)
    found += (len(rest) - len(others)) * ALPHABET
    last = SYMBOLS.sub("", others)
    found += (len(others) - len(last)) * SYMBOL
    plain = last.encode("ascii", "ignore").decode("ascii")
    return found + (len(last) - len(plain)) * OTHER + _ascii_quarters(plain)


def _ascii_quarters(text: str) -> int:
    """Letters and spaces are four to a token; digits, and the signs that code is full of, two."""
    signs = len(text.encode().translate(None, LETTERS))
    return (len(text) - signs) * LETTER + signs * SIGN


def _run_quarters(run: str) -> int:
    """What a run costs beyond what its characters do; 0 for one of words."""
    data = run.encode()
    digits = len(data) - len(data.translate(None, DIGITS))
    signs = len(data.translate(None, LETTERS))
    return (len(data) - signs) * (SIGN - LETTER) if digits * RUN_CHARS_PER_DIGIT >= len(data) else 0


def _of_picture(url: str) -> int:
    size = size_of(_head(url))
    if size is None:
        return IMAGE_UNKNOWN_TOKENS
    width, height = size
    scale = min(1.0, IMAGE_LONGEST_PX / max(width, height))
    pixels = width * scale * height * scale
    return min(max(IMAGE_MIN_TOKENS, round(pixels / PIXELS_PER_TOKEN)), 2 * IMAGE_UNKNOWN_TOKENS)


def _head(url: str) -> bytes:
    """The first bytes of a data: URL."""
    kind, _, data = url[: HEADER_BYTES * 4 // 3 + 100].partition(",")
    if not kind.endswith(";base64"):
        return unquote_to_bytes(data)
    try:
        return base64.b64decode(data[: len(data) // 4 * 4])
    except (ValueError, binascii.Error):
        return b""
