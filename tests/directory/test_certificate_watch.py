"""Certificates that end: when the console says something, and what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from vestibule.directory.certificate_watch import CertificateState, warning, watch
from vestibule.directory.connections import IdpCertificate

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def ending(**after: float) -> IdpCertificate:
    return IdpCertificate(b"", "CN=idp", str(after), NOW - timedelta(days=900), NOW + timedelta(**after))


def test_sixty_days_ahead_nothing_is_said_and_a_moment_later_it_is() -> None:
    assert warning([ending(days=60)], NOW) is None
    said = warning([ending(days=60, microseconds=-1)], NOW)
    assert said is not None
    assert (said.expired, said.days_left, said.next_is_here) == (False, 59, False)


def test_the_instant_of_expiry_is_expired() -> None:
    said = warning([ending()], NOW)
    assert said is not None
    assert said.expired
    almost = warning([ending(microseconds=1)], NOW)
    assert almost is not None
    assert not almost.expired
    assert almost.days_left == 0


def test_the_next_certificate_is_named_while_the_idp_rolls_over() -> None:
    said = warning([ending(days=1000), ending(days=23)], NOW)
    assert said is not None
    assert (said.days_left, said.next_is_here) == (23, True)


def test_an_old_certificate_beside_a_good_one_is_no_news() -> None:
    assert warning([ending(days=-1), ending(days=1000)], NOW) is None
    assert warning([], NOW) is None


def test_each_certificate_is_shown_with_how_it_stands() -> None:
    shown = watch([ending(days=-3), ending(days=5), ending(days=500)], NOW)
    assert [one.state for one in shown] == [CertificateState.EXPIRED, CertificateState.SOON, CertificateState.NEXT]
    assert [one.days_left for one in shown] == [-3, 5, 500]
    assert watch([ending(days=500)], NOW)[0].state is CertificateState.GOOD
