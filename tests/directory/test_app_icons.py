"""Icons: what is kept of a picture, and every file that is none."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pictures import SIGNATURE, chunk, head, pixels, png
from vestibule.directory.app_icons import MAX_BYTES, IconRefused, clean_png

END = chunk(b"IEND")
SECRET = b"<script>alert(1)</script>"


def idat(raw: bytes) -> bytes:
    return chunk(b"IDAT", zlib.compress(raw))


def chunks_of(file: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at < len(file):
        size = struct.unpack(">I", file[at : at + 4])[0]
        found.append((file[at + 4 : at + 8], file[at + 8 : at + 8 + size]))
        at += 12 + size
    return found


def test_a_picture_comes_back_with_its_pixels_and_is_the_same_the_second_time() -> None:
    cleaned = clean_png(png(64))
    kinds = dict(chunks_of(cleaned))
    assert list(kinds) == [b"IHDR", b"IDAT", b"IEND"]
    assert zlib.decompress(kinds[b"IDAT"]) == pixels(64)
    assert clean_png(cleaned) == cleaned


def test_nothing_is_kept_but_the_pixels() -> None:
    hidden = [chunk(kind, SECRET) for kind in (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"iCCP", b"acTL", b"prIv")]
    cleaned = clean_png(png(32, *hidden))
    assert SECRET not in cleaned
    assert [kind for kind, _ in chunks_of(cleaned)] == [b"IHDR", b"IDAT", b"IEND"]


def test_what_hides_in_the_packing_of_the_pixels_is_packed_anew() -> None:
    # Stored, not packed: the bytes of the pixels stand in the file as they are.
    raw = bytearray(pixels(32))
    raw[1 : 1 + len(SECRET)] = SECRET
    stored = zlib.compress(bytes(raw), 0)
    file = SIGNATURE + head(32, 32) + chunk(b"IDAT", stored) + END
    assert SECRET in file
    assert SECRET not in clean_png(file)


@pytest.mark.parametrize(
    ("kind", "depth", "line", "before"),
    [
        (0, 1, 4, b""),
        (0, 8, 32, chunk(b"tRNS", b"\0\1")),
        (2, 8, 96, chunk(b"tRNS", b"\0\1" * 3)),
        (2, 8, 96, chunk(b"PLTE", b"\1\2\3")),
        (2, 16, 192, b""),
        (3, 2, 8, chunk(b"PLTE", b"\1\2\3" * 4) + chunk(b"tRNS", b"\1\2")),
        (4, 8, 64, b""),
        (6, 16, 256, b""),
    ],
)
def test_every_kind_of_png_is_taken(kind: int, depth: int, line: int, before: bytes) -> None:
    file = SIGNATURE + head(32, 32, depth, kind) + before + idat((b"\4" + b"\0" * line) * 32) + END
    cleaned = clean_png(file)
    assert clean_png(cleaned) == cleaned


WHOLE = png(32)
HOSTILE = {
    "nothing": b"",
    "too large": SIGNATURE + b"\0" * MAX_BYTES,
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "JPEG": b"\xff\xd8\xff\xe0\0\x10JFIF",
    "GIF": b"GIF89a",
    "HTML with a PNG behind it": b"<html>" + WHOLE,
    "something behind the end": WHOLE + b"PK\3\4",
    "a second picture behind the end": WHOLE + WHOLE,
    "the signature alone": SIGNATURE,
    "cut off in its pixels": WHOLE[:-20],
    "cut off before the end": WHOLE[:-12],
    "a wrong sum": WHOLE[:40] + b"\0\0\0\0" + WHOLE[44:],
    "no header first": SIGNATURE + idat(pixels(32)) + head(32, 32) + END,
    "two headers": SIGNATURE + head(32, 32) + head(32, 32) + idat(pixels(32)) + END,
    "a header that is too long": SIGNATURE + chunk(b"IHDR", b"\0" * 14) + END,
    "no pixels": SIGNATURE + head(32, 32) + END,
    "an unknown critical chunk": png(32, chunk(b"EVIL", b"x")),
    "a chunk whose name is no name": png(32, chunk(b"a/b\0", b"x")),
    "a size beyond the file": SIGNATURE + struct.pack(">I", 2**31) + b"IHDR" + b"\0" * 64,
    "huge measures": SIGNATURE + head(2**31 - 1, 2**31 - 1) + idat(b"\0") + END,
    "no measures": SIGNATURE + head(0, 0) + idat(b"") + END,
    "too small": png(31),
    "not square": SIGNATURE + head(32, 33) + idat(pixels(33)) + END,
    "a bomb": SIGNATURE + head(512, 512) + idat(b"\0" * 40_000_000) + END,
    "too few pixels": SIGNATURE + head(33, 33) + idat(pixels(32)) + END,
    "pixels behind the pixels": SIGNATURE + head(32, 32) + chunk(b"IDAT", zlib.compress(pixels(32)) + SECRET) + END,
    "pixels that do not unpack": SIGNATURE + head(32, 32) + chunk(b"IDAT", b"nonsense") + END,
    "pixels that are cut off": SIGNATURE + head(32, 32) + chunk(b"IDAT", zlib.compress(pixels(32))[:-4]) + END,
    "a filter that there is not": SIGNATURE + head(32, 32) + idat(b"\5" + pixels(32)[1:]) + END,
    "interlaced": SIGNATURE + head(32, 32, 8, 6, 0, 0, 1) + idat(pixels(32)) + END,
    "another compression": SIGNATURE + head(32, 32, 8, 6, 1, 0, 0) + idat(pixels(32)) + END,
    "a colour type that there is not": SIGNATURE + head(32, 32, 8, 5) + idat(pixels(32)) + END,
    "a depth that does not fit": SIGNATURE + head(32, 32, 4, 6) + idat(pixels(32)) + END,
    "a palette that is missing": SIGNATURE + head(32, 32, 8, 3) + idat((b"\0" * 33) * 32) + END,
    "a palette that is too long": SIGNATURE
    + head(32, 32, 1, 3)
    + chunk(b"PLTE", b"\0" * 9)
    + idat((b"\0" * 5) * 32)
    + END,
    "two palettes": png(32, chunk(b"PLTE", b"abc"), chunk(b"PLTE", b"abc")),
    "transparency twice over": png(32, chunk(b"tRNS", b"\0\0")),
    "transparency without a palette": SIGNATURE
    + head(32, 32, 8, 3)
    + chunk(b"tRNS", b"\0")
    + idat((b"\0" * 33) * 32)
    + END,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_no_plain_picture_is_refused(name: str) -> None:
    with pytest.raises(IconRefused) as refused:
        clean_png(HOSTILE[name])
    assert str(refused.value)
    assert refused.value.reason


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_a_changed_byte_is_noticed_or_makes_no_difference_to_what_is_kept(at: int, byte: int) -> None:
    changed = bytearray(WHOLE)
    changed[at] = byte
    try:
        assert clean_png(bytes(changed)) == clean_png(WHOLE)
    except IconRefused:
        assert bytes(changed) != WHOLE


@given(st.binary(max_size=300))
def test_any_bytes_are_a_picture_or_refused(tail: bytes) -> None:
    for file in (tail, SIGNATURE + tail, SIGNATURE + head(32, 32) + tail):
        with pytest.raises(IconRefused):
            clean_png(file)
