"""What takes longer is done less often, and never stops being done."""

from __future__ import annotations

import pytest

from vestibule.flows.parts.pacing import MOST_SECONDS, Pace


class Hands:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def taking(pace: Pace, hands: Hands, seconds: float) -> None:
    with pace.timed():
        hands.now += seconds


def test_it_is_time_at_first_and_again_after_twenty_times_as_long_as_it_took() -> None:
    hands = Hands()
    pace = Pace(hands)
    assert pace.is_due()
    taking(pace, hands, 0.25)
    hands.now += 4.75
    assert not pace.is_due()
    hands.now += 0.25
    assert pace.is_due(), "at the instant itself"


def test_what_takes_no_time_is_always_due() -> None:
    hands = Hands()
    pace = Pace(hands)
    taking(pace, hands, 0)
    assert pace.is_due()


def test_however_long_it_takes_it_is_done_again_within_half_a_minute() -> None:
    hands = Hands()
    pace = Pace(hands)
    taking(pace, hands, 3600)
    hands.now += MOST_SECONDS
    assert pace.is_due()


def failing(pace: Pace, hands: Hands) -> None:
    with pace.timed():
        hands.now += 1
        raise RuntimeError


def test_what_fails_is_paced_too() -> None:
    hands = Hands()
    pace = Pace(hands)
    with pytest.raises(RuntimeError):
        failing(pace, hands)
    assert not pace.is_due()
