"""The one door for pictures: page, command line and training all open them here.

What comes out is pixels and nothing else: RGB, upright, first frame, no EXIF, no ICC profile, no text chunks.
What comes in is not trusted: the format must be on the list, and bytes and pixels are counted before decoding.
"""

import io
import os
from pathlib import Path

from PIL import Image
from PIL.Image import Transpose

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 40_000_000
MIN_SIDE = 8

_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}


class PictureError(ValueError):
    """A picture that cannot be used. Its text is one sentence or two for the user, without paths or internals.

    Attributes:
        code: ``missing``, ``empty``, ``too_many_bytes``, ``unknown_format``, ``too_many_pixels``, ``too_small`` or
            ``damaged``.
    """

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


def open_picture(source: bytes | str | os.PathLike | Image.Image) -> Image.Image:
    """Opens a picture as plain upright RGB pixels.

    Args:
        source: the file's bytes, its path, or a picture that Pillow has already opened (which is left as it is).

    Returns:
        An RGB picture without any metadata: EXIF orientation applied, transparency laid over white, of an animation
        the first frame.

    Raises:
        PictureError: the picture cannot be used; the error says why and what to do.
        TypeError: ``source`` is none of the above.
    """
    if isinstance(source, Image.Image):
        picture = source
        if picture.format not in (None, "MPO", *FORMATS):  # not decoded yet: an EPS file would start Ghostscript
            raise _unknown_format()
    elif isinstance(source, (bytes, bytearray, memoryview)):
        picture = _read_header(bytes(source))
    elif isinstance(source, (str, os.PathLike)):
        picture = _read_header(_read_file(Path(source)))
    else:
        raise TypeError(f"a picture is given as bytes, a path or a PIL image, not as {type(source).__name__}")
    _check_size(*picture.size)
    try:
        return _plain_pixels(picture)
    except (
        Exception
    ) as error:  # Pillow's decoders raise a dozen unrelated types for damaged files, SyntaxError among them
        raise PictureError(
            "damaged", "This picture is damaged or incomplete and cannot be shown. Save it again and retry."
        ) from error


def _read_file(path: Path) -> bytes:
    if not path.is_file():  # a pipe or a device would be read forever
        raise PictureError("missing", f"There is no picture file named {path.name!r}.")
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _read_header(content: bytes) -> Image.Image:
    if not content:
        raise PictureError("empty", "This file is empty. Choose a JPEG, PNG, WebP or GIF picture.")
    if len(content) > MAX_BYTES:
        raise PictureError(
            "too_many_bytes",
            f"This file is larger than {MAX_BYTES // 1024**2} MB. Save the picture smaller and try again.",
        )
    try:
        return Image.open(io.BytesIO(content), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels() from error
    except Exception as error:  # as above: a damaged header raises whatever its parser stumbled over
        raise _unknown_format() from error


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise _too_many_pixels()
    if min(width, height) < MIN_SIDE:
        raise PictureError(
            "too_small", f"This picture is {width} x {height} pixels; it needs at least {MIN_SIDE} on either side."
        )


def _plain_pixels(picture: Image.Image) -> Image.Image:
    picture.load()
    orientation = _orientation(picture)
    if picture.mode.startswith("I"):  # 16 bits per pixel; Pillow's own conversion cuts at 255 instead of scaling
        picture = picture.convert("I").point(lambda value: value / 257 + 0.5).convert("L")
        picture.info.pop("transparency", None)  # a value in 16 bits
    clean = Image.new("RGB", picture.size, "white")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        clean.paste(picture, mask=picture)
    else:
        clean.paste(picture.convert("RGB"))  # a fresh image, since convert() carries the metadata along
    return clean.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else clean


def _orientation(picture: Image.Image) -> int:
    try:
        return picture.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # damaged EXIF beside sound pixels: as viewers do, take the picture to be upright
        return 1


def _unknown_format() -> PictureError:
    return PictureError(
        "unknown_format", "This is not a JPEG, PNG, WebP or GIF picture. Save it in one of these formats and try again."
    )


def _too_many_pixels() -> PictureError:
    return PictureError(
        "too_many_pixels",
        f"This picture has more than {MAX_PIXELS // 10**6} million pixels. Save it smaller and try again.",
    )
