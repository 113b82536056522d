"""What a process remembers for a moment: how long, and how much."""

from __future__ import annotations

from vestibule.flows.parts.remembering import Memory


class Ticks:
    """A clock that the test moves."""

    now = 100.0

    def __call__(self) -> float:
        """Return the present."""
        return self.now


def test_a_value_is_forgotten_at_the_instant_of_its_end() -> None:
    ticks = Ticks()
    memory = Memory[str](0.5, 10, ticks)
    memory.put("key", "value", since=ticks.now)
    ticks.now = 100.499
    assert memory.get("key") == "value"
    ticks.now = 100.5
    assert memory.get("key") is None


def test_the_age_counts_from_before_it_was_read() -> None:
    ticks = Ticks()
    memory = Memory[str](0.5, 10, ticks)
    ticks.now = 100.4
    memory.put("slow", "value", since=100.0)
    assert memory.get("slow") == "value"
    ticks.now = 100.5
    assert memory.get("slow") is None


def test_a_value_may_end_sooner_but_not_later() -> None:
    ticks = Ticks()
    memory = Memory[str](0.5, 10, ticks)
    memory.put("short", "value", since=ticks.now, within=0.1)
    memory.put("long", "value", since=ticks.now, within=3600)
    memory.put("over", "value", since=ticks.now, within=-1)
    assert memory.get("over") is None
    ticks.now = 100.1
    assert (memory.get("short"), memory.get("long")) == (None, "value")
    ticks.now = 100.5
    assert memory.get("long") is None


def test_the_oldest_goes_first_when_there_are_too_many_and_the_ended_go_anyway() -> None:
    ticks = Ticks()
    memory = Memory[int](0.5, 3, ticks)
    for number in range(3):
        memory.put(number, number, since=ticks.now)
    memory.put(0, 10, since=ticks.now)
    memory.put(3, 3, since=ticks.now)
    assert [memory.get(number) for number in range(4)] == [10, None, 2, 3]
    ticks.now = 101.0
    memory.put(4, 4, since=ticks.now)
    assert len(memory) == 1
