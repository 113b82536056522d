"""Icons of an app's own: PNG only, read whole and written anew, so that nothing of the file is kept but its picture.

PNG, third edition (W3C): the chunks are walked, each is checked, the pixels are unpacked and packed again. Comments, profiles and animation
are left behind, and what stands behind the end is refused. SVG is not taken: it can carry script.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from vestibule.kernel.errors import FieldError
from vestibule.kernel.text import N_

FIELD: Final = "picture"
MAX_BYTES: Final = 128 * 1024
SMALLEST, LARGEST = 32, 512
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
# How many samples a pixel has, and how many bits a sample may have, by colour type (11.2.1).
_KINDS: Final = {0: (1, {1, 2, 4, 8, 16}), 2: (3, {8, 16}), 3: (1, {1, 2, 4, 8}), 4: (2, {8, 16}), 6: (4, {8, 16})}
_PALETTE: Final = 3
_WITH_ALPHA: Final = {4, 6}
_HEADER: Final = struct.Struct(">IIBBBBB")
_LAST_FILTER: Final = 4


@dataclass(frozen=True, slots=True)
class _Header:
    width: int
    height: int
    depth: int
    kind: int

    @property
    def line(self) -> int:
        """Return how many bytes a line has, with the one that names its filter."""
        return 1 + (self.width * _KINDS[self.kind][0] * self.depth + 7) // 8


class IconRefused(FieldError):
    """The file is not a picture that is taken. The reason is for the log."""

    code = "icon_refused"

    def __init__(self, message: str, reason: str, **params: str) -> None:
        super().__init__(FIELD, message, **params)
        self.reason = reason


def clean_png(untrusted: bytes) -> bytes:
    """Return an uploaded picture, written anew from its pixels. Raises IconRefused."""
    if not untrusted:
        raise IconRefused(N_("Choose a file."), "nothing was sent")
    if len(untrusted) > MAX_BYTES:
        raise IconRefused(N_("The file is larger than 128 KB."), "too many bytes")
    if not untrusted.startswith(_SIGNATURE):
        raise IconRefused(N_("Choose a PNG file. Other kinds are not taken."), "no PNG signature")
    header, kept, packed = _read(untrusted)
    _require_palette(header, kept)
    pixels = _unpack(packed, header)
    palette = [(kind, kept[kind]) for kind in (b"PLTE", b"tRNS") if kind in kept]
    head = _HEADER.pack(header.width, header.height, header.depth, header.kind, 0, 0, 0)
    chunks = [(b"IHDR", head), *palette, (b"IDAT", zlib.compress(pixels, 9)), (b"IEND", b"")]
    return _SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def _read(untrusted: bytes) -> tuple[_Header, dict[bytes, bytes], bytes]:
    """Return what is kept of the chunks: the header, palette and transparency, and the pixels as they were packed."""
    chunks = _chunks(untrusted)
    kind, data = next(chunks)
    if kind != b"IHDR":
        raise _broken("it does not begin with IHDR")
    header, kept, packed = _read_header(data), dict[bytes, bytes](), list[bytes]()
    for kind, data in chunks:
        if kind == b"IDAT":
            packed.append(data)
        elif kind in {b"PLTE", b"tRNS"}:
            if kind in kept or packed:
                raise _broken(f"{kind!r} stands twice, or behind the pixels")
            kept[kind] = data
        elif not kind[0] & 0x20 and kind != b"IEND":
            raise _broken("a critical chunk that nobody knows")
    return header, kept, b"".join(packed)


def _chunks(untrusted: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield each chunk with its sum checked, up to an IEND with nothing behind it (5.3)."""
    at, kind = len(_SIGNATURE), b""
    while kind != b"IEND":
        head = untrusted[at : at + 8]
        if len(head) != 8:
            raise _broken("it ends before IEND")
        size, kind = int.from_bytes(head[:4]), head[4:]
        data, checksum = untrusted[at + 8 : at + 8 + size], untrusted[at + 8 + size : at + 12 + size]
        if len(checksum) != 4 or not kind.isalpha() or int.from_bytes(checksum) != zlib.crc32(kind + data):
            raise _broken("a chunk is cut off, or its sum is wrong")
        yield kind, data
        at += 12 + size
    if at != len(untrusted):
        raise _broken("something stands behind IEND")


def _read_header(data: bytes) -> _Header:
    if len(data) != _HEADER.size:
        raise _broken("IHDR is not of its size")
    width, height, depth, kind, compression, filtering, interlace = _HEADER.unpack(data)
    if kind not in _KINDS or depth not in _KINDS[kind][1] or compression or filtering:
        raise _broken("a combination that PNG does not have")
    if interlace:
        raise IconRefused(N_("Save the picture without interlacing."), "interlaced")
    if width != height or not SMALLEST <= width <= LARGEST:
        sentence = N_("The picture has %(width)s × %(height)s pixels. It has to be square, from 32 to 512.")
        raise IconRefused(sentence, "its measures", width=str(width), height=str(height))
    return _Header(width, height, depth, kind)


def _require_palette(header: _Header, kept: dict[bytes, bytes]) -> None:
    palette, alpha = kept.get(b"PLTE", b""), kept.get(b"tRNS")
    if header.kind == _PALETTE:
        most = 3 * 2**header.depth
        fits = palette and len(palette) % 3 == 0 and len(palette) <= most
        if not fits or (alpha is not None and len(alpha) > len(palette) // 3):
            raise _broken("its palette")
        return
    # A palette is only a hint for the other kinds.
    kept.pop(b"PLTE", None)
    if alpha is not None and (header.kind in _WITH_ALPHA or len(alpha) != 2 * _KINDS[header.kind][0]):
        raise _broken("its transparency")


def _unpack(packed: bytes, header: _Header) -> bytes:
    """Return the lines of a picture: as many bytes as its measures say, and no more are ever unpacked."""
    wanted = header.line * header.height
    unpacker = zlib.decompressobj()
    try:
        pixels = unpacker.decompress(packed, wanted + 1)
    except zlib.error as error:
        raise _broken("its pixels do not unpack") from error
    if len(pixels) != wanted or not unpacker.eof or unpacker.unused_data:
        raise _broken("more pixels or fewer than its measures say")
    if any(one > _LAST_FILTER for one in pixels[:: header.line]):
        raise _broken("a filter that PNG does not have")
    return pixels


def _chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def _broken(reason: str) -> IconRefused:
    return IconRefused(N_("The file is damaged, or is no plain PNG. Save it again with another program."), reason)
