"""An image as it is kept: upright, of a bounded size, without whatever else its file held. In the child only.

Its size is looked at before anything is decoded: 10 kB can hold 80 million pixels, which take 400 MB and some seconds.
Of what moves, the first picture. Colours of another profile become those of sRGB, as the profile goes with the rest.
"""

import contextlib
import io
from typing import Any

from PIL import AvifImagePlugin, Image, ImageCms, ImageOps, UnidentifiedImageError

AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # else one more for each core, and the child may start none

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF")
MOST_PIXELS = 40_000_000
MOST_SIDE_PX = 12_000
MOST_BYTES = 3_500_000  # of what is kept
THUMBNAIL_PX = 320
QUALITY, THUMBNAIL_QUALITY = 85, 80
SMALLER = 0.75  # of the side, where it has too many bytes
# Whatever a decoder stumbles over.
FAULTS = (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, RuntimeError)
Made = tuple[dict[str, Any], bytes]


def made(source: bytes) -> Made:
    """`{media_type, width, height, bytes}`, and the image of so many bytes with its thumbnail behind it.

    `{fault}` says in a sentence why there is none. The first line of the source is the longest side to be kept.
    """
    side, _, data = source.partition(b"\n")
    Image.MAX_IMAGE_PIXELS = None  # ours are looked at below: Pillow's own limit is 179 million
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return _refused(image.width, image.height) or _kept(image, int(side))
    except UnidentifiedImageError:
        return _fault("The image cannot be read: it is damaged, or its header is cut off.")
    except FAULTS:
        return _fault("The image cannot be read: it is damaged or cut off.")


def _fault(sentence: str) -> Made:
    return {"fault": sentence}, b""


def _refused(width: int, height: int) -> Made | None:
    if width * height <= MOST_PIXELS and max(width, height) <= MOST_SIDE_PX:
        return None
    most = f"at most {MOST_PIXELS // 1_000_000} million pixels and {MOST_SIDE_PX:,} a side are taken"
    return _fault(f"The image has {width:,} x {height:,} pixels; {most}. Make it smaller first.")


def _kept(image: Image.Image, side: int) -> Made:
    image.draft(None, (side, side))  # a JPEG can be decoded at an eighth of its size
    image.load()
    upright = ImageOps.exif_transpose(_plain(image, side))
    data, shown = _encoded(upright)
    small = upright.copy()
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    thumbnail = _written(small, THUMBNAIL_QUALITY)
    told = {"media_type": _media_type(upright), "width": shown.width, "height": shown.height, "bytes": len(data)}
    return told, data + thumbnail


def _plain(image: Image.Image, side: int) -> Image.Image:
    """The first picture in RGB or RGBA, its sides no longer than that; how it is to be turned stays with it."""
    orientation = image.getexif().get(ORIENTATION)
    has_alpha = image.has_transparency_data
    # Colours of a palette cannot be mixed, nor those behind nothing.
    plain = image.convert("RGBA") if image.mode == "P" or has_alpha else image
    plain.thumbnail((side, side), Image.Resampling.LANCZOS)
    plain = _in_srgb(plain, image.info.get("icc_profile"))
    if plain.mode == "RGBA" and plain.getchannel("A").getextrema()[0] == 255:
        plain = plain.convert("RGB")
    clean = Image.new(plain.mode, plain.size)  # what else a file says hangs on its image, and not on this one
    clean.paste(plain)
    if orientation is not None:
        clean.getexif()[ORIENTATION] = orientation
    return clean


ORIENTATION = 0x0112


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    target = "RGBA" if "A" in image.mode else "RGB"
    if profile:
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):  # a profile that is none
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            found = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=target)
            if found is not None:
                return found
    if image.mode in ("I;16", "I;16B", "I;16L", "I"):  # of 16 bits: the upper eight
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    return image.convert(target)


def _encoded(image: Image.Image) -> tuple[bytes, Image.Image]:
    """The bytes, and the image that they are of: smaller where it has too many."""
    while len(data := _written(image, QUALITY)) > MOST_BYTES:
        size = (max(1, int(image.width * SMALLER)), max(1, int(image.height * SMALLER)))
        image = image.resize(size, Image.Resampling.LANCZOS)
    return data, image


def _written(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    if image.mode == "RGBA":
        image.save(out, "PNG")
    else:
        image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def _media_type(image: Image.Image) -> str:
    return "image/png" if image.mode == "RGBA" else "image/jpeg"
