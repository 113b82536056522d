"""The stop line: how many departures are too many, and how many people have to be counted to know."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vestibule.directory.scim import FEWEST_FOR_PERCENT, StopLine


def test_a_share_of_few_people_holds_nobody_before_there_are_enough_departures() -> None:
    line = StopLine(most_people=20, most_percent=10)
    assert not line.holds(FEWEST_FOR_PERCENT - 1, people=5)
    assert line.holds(FEWEST_FOR_PERCENT, people=FEWEST_FOR_PERCENT * 10 - 1)
    assert not line.holds(FEWEST_FOR_PERCENT, people=FEWEST_FOR_PERCENT * 10)
    assert line.holds(21, people=1_000_000)


@given(st.integers(1, 200), st.integers(1, 100), st.integers(1, 300), st.integers(0, 30_000))
def test_counting_people_no_further_than_matters_changes_no_answer(
    most_people: int, most_percent: int, departures: int, people: int
) -> None:
    line = StopLine(most_people, most_percent)
    counted = min(people, line.people_that_matter(departures))
    assert line.holds(departures, counted) == line.holds(departures, people)
    assert counted <= max(most_people, departures) * 100 + 1
