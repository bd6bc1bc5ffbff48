"""Images of strangers: what is kept of them is a picture, upright, of a bounded size, and nothing else."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from PIL import Image, ImageCms

from tests import photos
from tests.pictures import HEIC, gif, png
from tools.parsing import images
from tools.parsing.images import MOST_BYTES, THUMBNAIL_PX
from tools.parsing.parsers import PARSERS
from tools.parsing.process import ROOT, Parsed, parse_now


def made(data: bytes, side: int = 2_048) -> Parsed:
    return parse_now("image", b"%d\n%s" % (side, data))


def kept(data: bytes, side: int = 2_048) -> tuple[dict[str, Any], Image.Image, Image.Image]:
    told = made(data, side)
    size = told.value["bytes"]
    image, thumbnail = photos.opened(told.data[:size]), photos.opened(told.data[size:])
    assert (image.width, image.height) == (told.value["width"], told.value["height"])
    assert told.value["media_type"] == f"image/{image.format.lower()}" == f"image/{thumbnail.format.lower()}"
    return told.value, image, thumbnail


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP", "AVIF"])
def test_each_format_becomes_a_jpeg_with_a_thumbnail(form: str) -> None:
    told, image, thumbnail = kept(photos.photo(1_000, 500, form))
    assert told["media_type"] == "image/jpeg" and image.size == (1_000, 500)
    assert thumbnail.size == (THUMBNAIL_PX, THUMBNAIL_PX // 2)
    assert [photos.corner(each, 3, 3) for each in (image, thumbnail)] == ["blue", "blue"]
    assert photos.corner(image, 900, 400) == "red"


# Where the blue corner, which a camera has stored at the upper left, is to be seen.
TURNED = {1: (0, 0), 2: (1, 0), 3: (1, 1), 4: (0, 1), 5: (0, 0), 6: (1, 0), 7: (1, 1), 8: (0, 1)}


@pytest.mark.parametrize(("orientation", "place"), TURNED.items())
def test_it_is_upright_and_says_nothing_of_its_place(orientation: int, place: tuple[int, int]) -> None:
    source = photos.with_place(orientation)
    assert photos.opened(source).getexif().get_ifd(photos.GPS)
    told = made(source)
    image = photos.opened(told.data[: told.value["bytes"]])
    assert image.size == ((300, 200) if orientation < 5 else (200, 300))
    found = {
        (x, y): photos.corner(image, x * (image.width - 1), y * (image.height - 1)) for x in (0, 1) for y in (0, 1)
    }
    assert [each for each, colour in found.items() if colour == "blue"] == [place]
    assert not dict(image.getexif()) and not {"exif", "comment", "icc_profile", "xmp"} & set(image.info)
    assert b"secret" not in told.data and b"Exif" not in told.data


def test_text_in_a_png_and_bytes_behind_an_image_are_gone() -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Description", "secret garden")
    info.add_itxt("XML:com.adobe.xmp", "<x>secret</x>")
    source = photos.photo(form="PNG", pnginfo=info) + b"<script>secret()</script>"
    assert source.count(b"secret") == 3
    assert b"secret" not in made(source).data


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"])
def test_each_kind_of_pixels_becomes_one_that_browsers_show(mode: str) -> None:
    form = "TIFF" if mode == "F" else "JPEG" if mode == "CMYK" else "PNG"
    source = photos.encoded(Image.new(mode, (40, 30)), form)
    told = made(source)
    if mode == "F":  # of no format that is taken
        assert "fault" in told.value
        return
    assert photos.opened(told.data[: told.value["bytes"]]).mode in ("RGB", "RGBA")


def test_what_is_transparent_stays_so_and_what_only_could_be_does_not() -> None:
    told, image, thumbnail = kept(photos.see_through())
    assert told["media_type"] == "image/png" and image.getpixel((5, 5)) == thumbnail.getpixel((5, 5)) == (
        10,
        200,
        10,
        90,
    )
    opaque = photos.encoded(Image.new("RGBA", (20, 20), (1, 2, 3, 255)), "PNG")
    assert made(opaque).value["media_type"] == "image/jpeg"


def test_sixteen_bits_of_grey_are_the_same_grey() -> None:
    _, image, _ = kept(photos.encoded(Image.new("I;16", (20, 20), 40_000), "PNG"))
    assert abs(image.convert("L").getpixel((5, 5)) - 156) <= 2  # type: ignore[operator]


def test_colours_of_a_profile_are_those_of_srgb() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    _, image, _ = kept(photos.photo(icc_profile=lab, quality=95))
    assert photos.corner(image, 3, 3) == "blue"
    assert "fault" not in made(photos.photo(icc_profile=b"no profile at all")).value


@pytest.mark.parametrize(
    ("size", "side", "kept_as"),
    [
        ((4_000, 1_000), 2_048, (2_048, 512)),
        ((60, 90), 2_048, (60, 90)),
        ((500, 500), 100, (100, 100)),
        ((12_000, 20), 2_048, (2_048, 3)),
    ],
)
def test_its_longest_side_is_bounded(size: tuple[int, int], side: int, kept_as: tuple[int, int]) -> None:
    _, image, _ = kept(photos.photo(*size), side)
    assert image.size == kept_as


def test_what_has_too_many_bytes_becomes_smaller_until_it_fits() -> None:
    told = made(photos.noise(1_500))
    assert told.value["bytes"] <= MOST_BYTES and told.value["width"] < 1_500
    assert photos.opened(told.data[: told.value["bytes"]]).size == (told.value["width"], told.value["height"])


REFUSED = {
    "a bomb": (photos.bomb(), "9,000 x 9,000 pixels"),
    "a long line": (photos.photo(12_001, 1, "PNG"), "12,001 x 1 pixels"),
    "a header alone": (png(100, 100), "cannot be read"),
    "a header that lies": (gif(100, 100) + b"\x00" * 10, "cannot be read"),
    "half a JPEG": (photos.photo(2_000, 2_000)[:9_000], "cannot be read"),
    "half a WEBP": (photos.noise(50)[:3_000], "cannot be read"),
    "a script that begins as a GIF": (b"GIF89a/*" + b"\x00" * 50 + b"*/=1;alert(1)", "cannot be read"),
    "another format": (photos.encoded(Image.new("RGB", (9, 9)), "BMP"), "cannot be read"),
    "HEIC": (HEIC, "cannot be read"),
    "nothing": (b"", "cannot be read"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_image_that_may_be_kept_says_so_in_a_sentence(name: str) -> None:
    data, what = REFUSED[name]
    told = made(data)
    assert set(told.value) == {"fault"} and what in told.value["fault"] and told.value["fault"].endswith(".")
    assert told.data == b""


def test_a_bomb_is_refused_before_it_is_decoded(settings: Any) -> None:
    """With memory for a tenth of its pixels."""
    assert len(photos.bomb()) < 20_000
    settings.PARSING_MEMORY_BYTES = 200_000_000
    assert "pixels" in made(photos.bomb()).value["fault"]


AS_ANOTHER = """
import copy, os
from PIL import Image
from tools.parsing import child, images
Image.init()  # what is imported later may be nobody else's to read
os.setgid(65534)
os.setuid(65534)
child.main()
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP", "AVIF"])
def test_each_format_is_read_by_a_user_who_may_start_nothing(form: str) -> None:
    """The limit of processes, which counts threads too, does not hold for root."""
    bounds = map(str, (1_000_000_000, 10, 10, 30_000_000))
    source = b"2048\n" + photos.photo(form=form)
    asked = [sys.executable, "-sEB", "-c", AS_ANOTHER, PARSERS["image"], *bounds]
    found = subprocess.run(asked, cwd=ROOT, env={}, input=source, capture_output=True, timeout=20, check=False)
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout.partition(b"\n")[0]).get("media_type") == "image/jpeg", found.stdout[:200]


def test_an_error_of_a_decoder_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: Any) -> None:
        raise RuntimeError("Failed to decode frame 0: out of memory")

    monkeypatch.setattr(images, "_kept", fails)
    assert images.made(b"100\n" + photos.photo())[0]["fault"].startswith("The image cannot be read")
