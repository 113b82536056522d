"""Where two texts differ, so that a page can mark just that."""

from __future__ import annotations

from typing import NamedTuple


class Difference(NamedTuple):
    """What two texts begin and end with in common, and what is different between."""

    start: str
    left: str
    right: str
    end: str


def difference(left: str, right: str) -> Difference:
    """Return the differing middle of two texts; all of it where they have nothing in common."""
    start = _common(left, right)
    rest_left, rest_right = left[start:], right[start:]
    end = _common(rest_left[::-1], rest_right[::-1])
    return Difference(
        left[:start],
        rest_left[: len(rest_left) - end],
        rest_right[: len(rest_right) - end],
        rest_left[len(rest_left) - end :],
    )


def _common(left: str, right: str) -> int:
    """Return how many characters two texts begin with in common."""
    pairs = enumerate(zip(left, right, strict=False))
    return next((index for index, (one, other) in pairs if one != other), min(len(left), len(right)))
