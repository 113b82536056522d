"""A sentence with a few words in bold. Owns the one small notation for it; makes no markup itself.

`**words**` are bold, `%(name)s` is filled in. Bold is decided before anything is filled in, so that a value can never turn
into markup; the template escapes every piece.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

_MARK: Final = "**"
_PLACEHOLDER: Final = re.compile(r"%\((\w+)\)s")


class Part(NamedTuple):
    """A piece of a sentence. Unpacks as `(bold, text)`."""

    bold: bool
    text: str

    @property
    def is_path(self) -> bool:
        """Say whether this is a way through menus, which the console draws in its own style."""
        return self.bold and " → " in self.text


def fill(message: str, values: Mapping[str, str]) -> str:
    """Return a (translated) message with its placeholders filled in. Raises KeyError for a value that nobody gave."""
    return _PLACEHOLDER.sub(lambda found: values[found[1]], message)


def parts(message: str, values: Mapping[str, str] | None = None) -> tuple[Part, ...]:
    """Split a (translated) message into bold and plain pieces, then fill in the values. Pieces are not escaped.

    A message with an odd number of marks, which a translation may have lost, is shown plain rather than half bold.
    """
    pieces = message.split(_MARK)
    if len(pieces) % 2 == 0:
        pieces = ["".join(pieces)]
    return tuple(Part(index % 2 == 1, fill(piece, values or {})) for index, piece in enumerate(pieces) if piece)
