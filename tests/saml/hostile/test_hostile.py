"""Every hostile message is refused for exactly its reason, touches nothing, costs little, and can be looked at safely."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.saml.hostile.corpus import Hostile
from tests.saml.hostile.families import CORPUS, FAMILIES, JUDGES
from tests.saml.hostile.watching import counted, nothing_touched, safe_to_show
from tests.saml.test_encryption import KEYS
from tests.saml.verifying import verify
from vestibule.saml.errors import SamlError

# Some for each of 10,000 elements and one for each word of namespaces, which are bounded; an honest sign-in has some 600.
MOST_CALLS = 60_000
# Message, plaintext, and the verified bytes of response and assertion, once each.
MOST_PARSES = 5
# Canonical form writes a namespace again at each element that uses it.
MOST_GROWTH = 32
EVERY = pytest.mark.parametrize("message", CORPUS, ids=str)


def judge(message: Hostile) -> SamlError:
    with pytest.raises(SamlError) as caught:
        JUDGES[message.family](message.data, **{"decryption_keys": KEYS, **message.overrides})
    return caught.value


@EVERY
def test_a_hostile_message_is_refused_for_its_reason_and_safely(
    message: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = judge(message)
    assert type(error) is message.error, f"{error!r}: {error.reason}"
    assert error.spec
    failed = [check.name for check in error.checks if check.outcome == "failed"]
    assert failed == [error.check] if JUDGES[message.family] is verify else len(failed) == bool(error.checks)
    safe_to_show(error)
    with nothing_touched():
        again = judge(message)
    with counted(monkeypatch) as work:
        judge(message)
    assert (str(again), again.reason, again.checks) == (str(error), error.reason, error.checks)
    assert work.calls <= MOST_CALLS
    assert work.parses <= MOST_PARSES
    assert work.parsed <= 4 * len(message.data)
    assert work.canonical <= MOST_GROWTH * len(message.data)


def test_the_corpus_is_as_large_as_promised_and_has_no_message_twice() -> None:
    assert len(CORPUS) >= 200
    assert all(len(family.messages) >= 20 for family in FAMILIES)
    names = Counter(str(message) for message in CORPUS)
    assert [name for name, times in names.items() if times > 1] == []
    same = Counter(
        (JUDGES[message.family], message.data, repr(sorted(message.overrides.items()))) for message in CORPUS
    )
    assert max(same.values()) == 1


@pytest.mark.parametrize(
    "cve",
    [
        "CVE-2024-45409", "CVE-2025-25291", "CVE-2025-25292", "CVE-2025-29774", "CVE-2025-29775", "CVE-2025-47949",
        "CVE-2025-66567", "CVE-2025-66568", "CVE-2026-47201",
    ],
)  # fmt: skip
def test_each_published_hole_is_among_them(cve: str) -> None:
    assert sum(cve in message.source for message in CORPUS) >= 3
