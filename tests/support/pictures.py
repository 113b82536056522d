"""PNG files, written by hand: whole ones, and ones that are wrong in one way."""

from __future__ import annotations

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    """Return a chunk with its sum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def head(width: int, height: int, depth: int = 8, kind: int = 6, *rest: int) -> bytes:
    """Return an IHDR; RGB with transparency unless said otherwise."""
    compression, filtering, interlace = rest or (0, 0, 0)
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, compression, filtering, interlace))


def pixels(size: int) -> bytes:
    """Return the lines of a round picture in two colours, with transparency."""
    middle = (size - 1) / 2
    lines = []
    for y in range(size):
        line = b"".join(
            b"\xe0\xad\x4f\xff" if (x - middle) ** 2 + (y - middle) ** 2 < middle**2 else b"\x0c\x46\x50\x00"
            for x in range(size)
        )
        lines.append(b"\0" + line)
    return b"".join(lines)


def png(size: int = 32, *extra: bytes) -> bytes:
    """Return a whole picture; `extra` chunks stand before its pixels."""
    return SIGNATURE + head(size, size) + b"".join(extra) + chunk(b"IDAT", zlib.compress(pixels(size))) + chunk(b"IEND")
