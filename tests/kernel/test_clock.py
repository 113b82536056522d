"""Days as people read them: one form, wherever the instant was written down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from vestibule.kernel.clock import day_in_words


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (datetime(2026, 11, 27, 8, 2, tzinfo=UTC), "27 Nov 2026"),
        (datetime(2026, 9, 1, tzinfo=UTC), "1 Sept 2026"),
        (datetime(2026, 12, 31, 20, 0, tzinfo=timezone(timedelta(hours=-5))), "1 Jan 2027"),
    ],
)
def test_a_day_is_said_by_number_and_name_of_the_month_in_utc(at: datetime, said: str) -> None:
    assert day_in_words(at) == said
