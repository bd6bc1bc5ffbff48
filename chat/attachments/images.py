"""Images: made anew by the child, so that nothing is kept of a stranger's file but its picture. Sync."""

from dataclasses import dataclass

from django.conf import settings

from accounts.errors import refuse
from tools.errors import ParsingError
from tools.parsing.process import parse_now


@dataclass(frozen=True)
class Made:
    """An image as it is kept."""

    media_type: str
    width: int  # pixels
    height: int
    data: bytes
    thumbnail: bytes  # of the same media type


def made(data: bytes, field: str = "file") -> Made:
    """The image, upright and at most ATTACHMENT_IMAGE_SIDE_PX a side. Raises Invalid that says why there is none."""
    try:
        told = parse_now("image", b"%d\n%s" % (settings.ATTACHMENT_IMAGE_SIDE_PX, data))
    except ParsingError as error:
        if error.code == "timeout":
            raise refuse(field, "The image takes too long to be read. Save it anew, or make it smaller.") from error
        raise refuse(
            field, "The image cannot be read: it is damaged, or needs more than may be used for it."
        ) from error
    if fault := told.value.get("fault"):
        raise refuse(field, fault)
    size = told.value["bytes"]
    return Made(
        media_type=told.value["media_type"],
        width=told.value["width"],
        height=told.value["height"],
        data=told.data[:size],
        thumbnail=told.data[size:],
    )
