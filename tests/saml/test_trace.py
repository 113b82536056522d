"""The trace of a verification, and the catalogue of reasons."""

from __future__ import annotations

import inspect
import re

import pytest

from tests.saml import forge
from tests.saml.verifying import refused, verify
from vestibule.saml import certificates, errors, metadata_errors
from vestibule.saml.errors import SamlError
from vestibule.saml.trace import CHECKS, Check, Trace, extend, showable


def every_error() -> list[type[SamlError]]:
    modules = (errors, certificates, metadata_errors)
    found = {each for module in modules for _, each in inspect.getmembers(module, inspect.isclass)}
    return [each for each in found if issubclass(each, SamlError)]


def test_each_reason_has_its_own_code_a_sentence_a_clause_and_a_known_check() -> None:
    codes = [error.code for error in every_error()]
    assert len(codes) == len(set(codes)) > 40
    known = {name for name, _ in CHECKS} | {"metadata"}
    for error in every_error():
        assert error.public.endswith((".", "?"))
        assert re.search(r"\d", error.spec)
        assert error.check in known
        assert error.__doc__


def test_checks_that_did_not_run_are_not_reached() -> None:
    error = refused(forge.response(audiences=(("https://other.example",),)), errors.AudienceMismatch)
    outcomes = {check.name: check.outcome for check in error.checks}
    assert outcomes.pop("audience") == "failed"
    for behind in ("session_not_on_or_after", "authn_instant", "authn_context"):
        assert outcomes.pop(behind) == "not_reached"
    assert set(outcomes.values()) == {"passed"}
    failed = next(check for check in error.checks if check.outcome == "failed")
    assert (failed.title, failed.expected, failed.received) == ("Audience", forge.SP, "https://other.example")


def test_a_confirmation_that_fails_late_shows_what_was_right() -> None:
    late = forge.Confirmation(not_on_or_after="2026-11-23T14:00:00Z")
    error = refused(forge.response(confirmations=(late,)), errors.Expired)
    outcomes = {check.name: check.outcome for check in error.checks}
    assert (outcomes["recipient"], outcomes["not_on_or_after"]) == ("passed", "failed")


def test_an_unreadable_message_fails_the_first_check() -> None:
    error = refused(b"<", errors.MalformedXml)
    assert error.checks[0].outcome == "failed"
    assert {check.outcome for check in error.checks[1:]} == {"not_reached"}


def test_the_door_adds_its_own_checks_behind() -> None:
    replay = Check("replay", "Used once", "passed", "First use", "First use")
    assert extend(verify(forge.response()).checks, replay)[-1] is replay
    trace = Trace((*CHECKS, ("replay", "Used once")))
    assert trace.checks()[-1].outcome == "not_reached"


def test_values_are_bounded_and_printable() -> None:
    assert showable("plain") == "plain"
    assert len(showable("x" * 10_000)) == 300
    assert showable("a\u202eb\x00\n").isprintable()


def test_no_sentence_for_strangers_repeats_what_the_message_said() -> None:
    for data in (forge.response(response_issuer="evil-issuer"), forge.response(name_id="evil\tname"), b"<evil"):
        with pytest.raises(SamlError) as caught:
            verify(data)
        assert "evil" not in str(caught.value)
