"""The one door for pictures: what it lets in, what it keeps out, and what it takes off."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from artgpt4.images import MAX_BYTES, PictureError, open_picture

WIDTH, HEIGHT = 24, 16


def gradient(mode: str = "RGB") -> Image.Image:
    x, y = np.meshgrid(np.linspace(0, 255, WIDTH), np.linspace(0, 255, HEIGHT))
    return Image.fromarray(np.stack([x, y, 255 - x], -1).astype(np.uint8)).convert(mode)


def saved(picture: Image.Image, format: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def refusal(source) -> PictureError:
    with pytest.raises(PictureError) as caught:
        open_picture(source)
    message = str(caught.value)
    assert message.endswith(".") and "0x" not in message and os.sep not in message
    return caught.value


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture).astype(int)


@pytest.mark.parametrize(
    ("format", "options"), [("JPEG", {"quality": 95}), ("PNG", {}), ("WEBP", {"lossless": True}), ("GIF", {})]
)
def test_each_allowed_format_opens_as_the_same_rgb_pixels(format, options):
    opened = open_picture(saved(gradient(), format, **options))
    assert opened.mode == "RGB" and opened.size == (WIDTH, HEIGHT)
    # JPEG halves the colour resolution and GIF has 256 colours
    assert np.abs(pixels(opened) - pixels(gradient())).mean() < 16


def test_bytes_path_and_pil_give_the_same_pixels(tmp_path):
    content = saved(gradient(), "PNG")
    (tmp_path / "picture.png").write_bytes(content)
    for source in (content, bytearray(content), tmp_path / "picture.png", str(tmp_path / "picture.png"), gradient()):
        np.testing.assert_array_equal(pixels(open_picture(source)), pixels(gradient()))


def test_a_picture_given_open_is_left_as_it_was():
    given_picture = Image.open(io.BytesIO(saved(gradient(), "PNG", pnginfo=None)))
    given_picture.info["note"] = "kept"
    opened = open_picture(given_picture)
    opened.paste("black", (0, 0, WIDTH, HEIGHT))
    assert given_picture.info["note"] == "kept"
    np.testing.assert_array_equal(pixels(given_picture), pixels(gradient()))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_as_pillow_does(format, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = saved(gradient(), format, exif=exif)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")
    np.testing.assert_array_equal(pixels(open_picture(content)), pixels(expected))


def test_position_and_all_other_metadata_are_gone():
    exif = Image.Exif()
    exif[0x010F] = "camera"
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 30.0)  # GPSLatitude
    source = Image.open(io.BytesIO(saved(gradient(), "JPEG", exif=exif, icc_profile=b"profile", comment=b"studio")))
    assert source.getexif().get_ifd(0x8825)  # the picture does carry a position
    for given_source in (source, saved(source, "JPEG", exif=exif)):
        opened = open_picture(given_source)
        assert not opened.info and not opened.getexif() and not opened.getexif().get_ifd(0x8825)
        rewritten = saved(opened, "JPEG")
        assert b"Exif" not in rewritten and b"camera" not in rewritten and b"studio" not in rewritten


@pytest.mark.parametrize(("mode", "format"), [("RGBA", "PNG"), ("RGBA", "WEBP"), ("LA", "PNG")])
def test_transparency_lies_over_white(mode, format):
    opened = open_picture(saved(Image.new("RGBA", (16, 16), (0, 0, 0, 0)).convert(mode), format))
    assert opened.getcolors() == [(256, (255, 255, 255))]
    half = open_picture(saved(Image.new("RGBA", (16, 16), (0, 0, 0, 128)).convert(mode), "PNG"))
    assert half.getpixel((3, 3)) == (127, 127, 127)


def test_transparent_palette_colour_lies_over_white():
    palette = Image.new("P", (16, 16), 0)
    palette.putpalette([0, 0, 0, 200, 30, 30])
    palette.putpixel((5, 5), 1)
    for format in ("PNG", "GIF"):
        opened = open_picture(saved(palette, format, transparency=0))
        assert opened.getpixel((0, 0)) == (255, 255, 255)
        assert opened.getpixel((5, 5)) == (200, 30, 30)


def test_cmyk_jpeg_shows_its_colours():
    opened = open_picture(saved(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95))
    red, green, blue = opened.getpixel((8, 8))
    assert red > 240 and green < 15 and blue < 15


def test_sixteen_bits_are_scaled_not_cut():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    opened = open_picture(saved(Image.fromarray(ramp), "PNG"))
    np.testing.assert_allclose(pixels(opened)[..., 0].ravel(), np.arange(256), atol=1)


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_taken(format):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "lime")]
    content = saved(frames[0], format, save_all=True, append_images=frames[1:], duration=50)
    assert Image.open(io.BytesIO(content)).n_frames == 3
    red, _, blue = open_picture(content).getpixel((8, 8))
    assert red > 240 and blue < 15


def test_what_is_appended_to_a_picture_does_not_come_through():
    content = saved(gradient(), "PNG")
    polyglot = content + b"PK\x03\x04<script>alert(1)</script>"
    np.testing.assert_array_equal(pixels(open_picture(polyglot)), pixels(gradient()))
    assert b"script" not in saved(open_picture(polyglot), "PNG")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_bomb_is_refused_before_it_is_decoded(monkeypatch):
    side = 13_000
    header = b"\x89PNG\r\n\x1a\n"
    for kind, chunk in ((b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)), (b"IDAT", b""), (b"IEND", b"")):
        header += struct.pack(">I", len(chunk)) + kind + chunk + struct.pack(">I", zlib.crc32(kind + chunk))
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    assert refusal(header).code == "too_many_pixels"
    assert refusal(header.replace(struct.pack(">II", side, side), struct.pack(">II", 60_000, 60_000))).code in (
        "too_many_pixels",
        "unknown_format",  # the checksum of the header no longer fits
    )


def test_too_many_pixels_are_refused_for_open_pictures_too():
    assert refusal(Image.new("1", (8_000, 5_001))).code == "too_many_pixels"


@pytest.mark.filterwarnings("error::PIL.Image.DecompressionBombWarning")
def test_pillows_own_bomb_warning_becomes_the_same_refusal():
    assert refusal(saved(Image.new("1", (10_000, 9_000)), "PNG")).code == "too_many_pixels"


@pytest.mark.parametrize("size", [(1, 400), (400, 1), (1, 1), (7, 7)])
def test_a_picture_too_thin_to_show_anything_is_refused(size):
    assert refusal(saved(Image.new("RGB", size), "PNG")).code == "too_small"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"\xff\xd8" + bytes(MAX_BYTES), "too_many_bytes"),
        (b"hello, this is not a picture at all", "unknown_format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unknown_format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 16 16\n", "unknown_format"),
        (b"GIF89a", "unknown_format"),
        (saved(gradient(), "BMP"), "unknown_format"),
        (saved(gradient(), "TIFF"), "unknown_format"),
    ],
    ids=["empty", "large", "text", "svg", "eps", "gif-header-only", "bmp", "tiff"],
)
def test_what_is_not_an_allowed_picture_is_refused_with_its_reason(content, code):
    assert refusal(content).code == code


def test_an_open_picture_of_another_format_is_refused_before_it_is_decoded():
    assert refusal(Image.open(io.BytesIO(saved(gradient(), "TIFF")))).code == "unknown_format"


def test_missing_files_folders_and_devices_are_refused(tmp_path):
    assert refusal(tmp_path / "nothing.png").code == "missing"
    assert refusal(tmp_path).code == "missing"
    assert refusal("/dev/zero").code == "missing"


def test_what_is_no_source_at_all_is_a_type_error():
    with pytest.raises(TypeError, match="not as int"):
        open_picture(3)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_truncated_picture_is_refused(format):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    content = saved(noise, format)
    assert refusal(content[: len(content) // 2]).code in ("damaged", "unknown_format")


SAMPLES = {format: saved(gradient(), format) for format in ("JPEG", "PNG", "WEBP", "GIF")}


@settings(max_examples=300, deadline=None)
@given(
    format=st.sampled_from(sorted(SAMPLES)),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.binary(min_size=1, max_size=4)), min_size=1, max_size=4),
)
def test_damaged_bytes_give_a_plain_picture_or_a_picture_error(format, changes):
    content = bytearray(SAMPLES[format])
    for place, patch in changes:
        start = int(place * len(content))
        content[start : start + len(patch)] = patch
    try:
        opened = open_picture(bytes(content))
    except PictureError as error:
        assert error.code in ("damaged", "unknown_format", "too_many_pixels", "too_small")
    else:
        assert opened.mode == "RGB" and not opened.info


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=200))
def test_arbitrary_bytes_never_open(content):
    with pytest.raises(PictureError):
        open_picture(content)
