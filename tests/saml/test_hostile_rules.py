"""Correctly signed responses that must not be accepted: each rule of the profile, one step outside of its boundary."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from tests.saml import forge
from tests.saml.forge import Attribute, Confirmation, Raw, Recipe
from tests.saml.verifying import refused, verify
from vestibule.saml import errors

SKEW = timedelta(seconds=120)
SECOND = timedelta(seconds=1)
STATUS = "urn:oasis:names:tc:SAML:2.0:status:"
EVERY_WAY = pytest.mark.parametrize("sign", ["assertion", "response", "both"])


def confirmed(**changes: object) -> bytes:
    return forge.response(confirmations=(Confirmation(**changes),))  # type: ignore[arg-type] # each test names one field


def signed(xml: str) -> bytes:
    return forge.sign_xml(xml, "_assertion1")


# Status


@pytest.mark.parametrize("status", ["Requester", "Responder", "success", "Success ", "SuccessX", ""])
@EVERY_WAY
def test_any_status_but_success_is_refused(status: str, sign: forge.SignWhat) -> None:
    refused(forge.response(sign=sign, status=STATUS + status), errors.StatusNotSuccess)


def test_a_refusal_of_the_identity_provider_is_told_with_its_reason() -> None:
    xml = Recipe(status=STATUS + "Responder", status_inner=STATUS + "AuthnFailed", status_message="locked out").xml()
    xml = xml[: xml.index("<saml:Assertion")] + "</samlp:Response>"
    error = refused(xml.encode(), errors.StatusNotSuccess)
    assert error.received == "Responder / AuthnFailed: locked out"
    assert "locked out" not in str(error)


def test_a_success_with_a_second_level_is_refused() -> None:
    refused(forge.response(status_inner=STATUS + "AuthnFailed"), errors.StatusNotSuccess)


def test_a_success_below_a_failure_is_refused() -> None:
    refused(forge.response(status=STATUS + "Responder", status_inner=STATUS + "Success"), errors.StatusNotSuccess)


def test_two_statuses_are_refused() -> None:
    second = f'<samlp:Status><samlp:StatusCode Value="{STATUS}Success"/></samlp:Status>'
    refused(forge.response(after_status=second), errors.UnexpectedElement)


# To which request


@EVERY_WAY
def test_an_answer_to_another_request_is_refused(sign: forge.SignWhat) -> None:
    refused(forge.response(sign=sign, in_response_to="_other"), errors.InResponseToMismatch)
    refused(
        forge.response(sign=sign, confirmations=(Confirmation(in_response_to="_other"),)), errors.InResponseToMismatch
    )


def test_an_unsolicited_response_is_refused() -> None:
    refused(forge.response(in_response_to=None), errors.Unsolicited)
    refused(forge.response(in_response_to=None, confirmations=(Confirmation(in_response_to=None),)), errors.Unsolicited)
    refused(forge.response(), errors.Unsolicited, in_response_to=None)


def test_an_assertion_of_an_unsolicited_sign_in_is_no_answer() -> None:
    # The response around it is unsigned, so an attacker could write our request's ID there.
    refused(confirmed(in_response_to=None), errors.InResponseToMismatch)


# From whom, to whom


@pytest.mark.parametrize(
    "issuer", ["https://evil.example", forge.IDP.upper(), forge.IDP + "/", forge.IDP + "\u200b", ""]
)
@EVERY_WAY
def test_another_issuer_is_refused(issuer: str, sign: forge.SignWhat) -> None:
    refused(forge.response(sign=sign, response_issuer=issuer), errors.IssuerMismatch)
    refused(forge.response(sign=sign, assertion_issuer=issuer), errors.IssuerMismatch)


def test_an_assertion_without_issuer_is_refused() -> None:
    with pytest.raises(errors.SamlError):
        verify(forge.response(assertion_issuer=None))
    refused(forge.response(assertion_issuer=None, sign="response"), errors.MissingElement)


def test_a_signed_response_without_issuer_is_refused() -> None:
    refused(forge.response(sign="response", response_issuer=None), errors.IssuerMissing)


def test_an_issuer_that_is_not_an_entity_is_refused() -> None:
    xml = Recipe().xml().replace("<saml:Issuer>", f'<saml:Issuer Format="{forge.EMAIL_FORMAT}">')
    refused(signed(xml), errors.UnexpectedElement)


@pytest.mark.parametrize(
    "other", ["https://other.example/acs", forge.ACS + "/", forge.ACS + "?x", forge.ACS.upper(), ""]
)
@EVERY_WAY
def test_another_destination_is_refused(other: str, sign: forge.SignWhat) -> None:
    refused(forge.response(sign=sign, destination=other), errors.DestinationMismatch)


@pytest.mark.parametrize("sign", ["response", "both"])
def test_a_signed_response_without_destination_is_refused(sign: forge.SignWhat) -> None:
    refused(forge.response(sign=sign, destination=None), errors.DestinationMissing)


@pytest.mark.parametrize("other", ["https://other.example/acs", forge.ACS + "/", " " + forge.ACS, "", None])
def test_another_recipient_is_refused(other: str | None) -> None:
    error = refused(confirmed(recipient=other), errors.RecipientMismatch)
    assert error.expected == forge.ACS


@pytest.mark.parametrize(
    "audiences",
    [
        (("https://other.example",),),
        ((forge.SP + "/",),),
        ((forge.SP.upper(),),),
        (("",),),
        (),
        ((forge.SP,), ("https://other.example",)),
        (("https://other.example",), (forge.SP,)),
        ((forge.ACS,),),
    ],
)
@EVERY_WAY
def test_another_audience_is_refused(audiences: tuple[tuple[str, ...], ...], sign: forge.SignWhat) -> None:
    refused(forge.response(sign=sign, audiences=audiences), errors.AudienceMismatch)


def test_no_conditions_are_refused() -> None:
    refused(forge.response(conditions=False), errors.AudienceMismatch)


def test_an_empty_audience_restriction_is_refused() -> None:
    refused(forge.response(extra_conditions="<saml:AudienceRestriction/>"), errors.MissingElement)


@pytest.mark.parametrize(
    "condition",
    [
        '<x:Condition xmlns:x="urn:x"/>',
        "<saml:Condition/>",
        '<del:Delegate xmlns:del="urn:oasis:names:tc:SAML:2.0:conditions:delegation"/>',
    ],
)
def test_an_unknown_condition_is_refused(condition: str) -> None:
    refused(forge.response(extra_conditions=condition), errors.ConditionUnknown)


# When


def test_the_instant_of_expiry_is_expired() -> None:
    for now, end in ((forge.NOW, forge.NOW - SKEW), (forge.NOW + SKEW, forge.NOW)):
        text = forge.instant(end)
        recent = Recipe(issue_instant=text, assertion_issue_instant=text)
        refused(forge.response(recent, confirmations=(Confirmation(not_on_or_after=text),)), errors.Expired, now=now)
        later = forge.instant(now + timedelta(minutes=5))
        data = forge.response(recent, not_on_or_after=text, confirmations=(Confirmation(not_on_or_after=later),))
        refused(data, errors.Expired, now=now)


def test_the_last_second_before_expiry_is_accepted() -> None:
    end = forge.instant(forge.NOW - SKEW + SECOND)
    data = forge.response(not_on_or_after=end, confirmations=(Confirmation(not_on_or_after=end),))
    assert verify(data).not_on_or_after == forge.NOW + SECOND


def test_without_skew_the_boundary_is_exact() -> None:
    end = forge.instant(forge.NOW)
    refused(confirmed(not_on_or_after=end), errors.Expired, clock_skew_seconds=0)
    assert verify(confirmed(not_on_or_after=end), now=forge.NOW - SECOND, clock_skew_seconds=60).name_id


def test_not_before_is_accepted_at_its_instant_and_refused_a_second_earlier() -> None:
    assert verify(forge.response(not_before=forge.instant(forge.NOW + SKEW))).name_id
    refused(forge.response(not_before=forge.instant(forge.NOW + SKEW + SECOND)), errors.NotYetValid)


def test_conditions_that_end_before_they_begin_are_refused() -> None:
    same = forge.instant(forge.NOW)
    refused(forge.response(not_before=same, not_on_or_after=same), errors.InvalidValue)


def test_a_bearer_without_not_on_or_after_is_refused() -> None:
    refused(confirmed(not_on_or_after=None), errors.SubjectConfirmationInvalid)


def test_a_bearer_with_not_before_is_refused() -> None:
    refused(confirmed(not_before=forge.instant(forge.NOW)), errors.SubjectConfirmationInvalid)


def test_a_response_or_assertion_from_the_future_or_long_ago_is_refused() -> None:
    future, past = forge.instant(forge.NOW + SKEW + SECOND), forge.instant(forge.NOW - timedelta(days=1) - SECOND)
    refused(forge.response(issue_instant=future), errors.IssuedInFuture)
    refused(forge.response(assertion_issue_instant=future), errors.IssuedInFuture)
    refused(forge.response(issue_instant=past), errors.IssuedLongAgo)
    refused(forge.response(assertion_issue_instant=past), errors.IssuedLongAgo)


def test_a_sign_in_from_the_future_is_refused() -> None:
    refused(forge.response(authn_instant=forge.instant(forge.NOW + SKEW + SECOND)), errors.IssuedInFuture)


def test_a_session_that_has_ended_is_refused() -> None:
    refused(forge.response(session_not_on_or_after=forge.instant(forge.NOW - SKEW)), errors.SessionEnded)
    assert verify(forge.response(session_not_on_or_after=forge.instant(forge.NOW - SKEW + SECOND))).name_id


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-23T14:18:07",
        "2026-11-23T14:18:07+00:00",
        "2026-11-23T14:18:07z",
        "2026-11-23 14:18:07Z",
        "2026-11-23T14:18Z",
        "2026-11-23",
        "2026-11-31T14:18:07Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T14:18:60Z",
        "0000-11-23T14:18:07Z",
        "-2026-11-23T14:18:07Z",
        "12026-11-23T14:18:07Z",
        "2026-W48-1T14:18:07Z",
        "２０２６-11-23T14:18:07Z",
        "",
        "soon",
    ],
)
@pytest.mark.parametrize(
    "name",
    [
        "issue_instant",
        "assertion_issue_instant",
        "not_before",
        "not_on_or_after",
        "authn_instant",
        "session_not_on_or_after",
    ],
)
def test_a_time_of_another_form_is_refused(time: str, name: str) -> None:
    changed: dict[str, Any] = {name: time}
    refused(forge.response(**changed), errors.InvalidTime)


# Whom


@pytest.mark.parametrize(
    "name_id",
    [
        "",
        " ",
        "\n",
        "ada ",
        " ada",
        "a\tb",
        "a\u202eb",
        "ada\u00a0",
        "\u200bada",
        "x" * 1025,
        Raw("a&#13;b"),
        Raw("a&#10;b"),
    ],
)
def test_a_name_id_that_is_no_plain_text_is_refused(name_id: str | Raw) -> None:
    refused(forge.response(name_id=name_id), errors.SubjectInvalid)


def test_a_missing_name_id_is_refused() -> None:
    refused(forge.response(name_id=None), errors.SubjectInvalid)


def test_a_missing_subject_is_refused() -> None:
    xml = re.sub(r"<saml:Subject>.*</saml:Subject>", "", Recipe().xml())
    refused(signed(xml), errors.MissingElement)


def test_two_name_ids_are_refused() -> None:
    refused(forge.response(subject_extra="<saml:NameID>eve</saml:NameID>"), errors.UnexpectedElement)


def test_a_base_id_is_refused() -> None:
    refused(forge.response(name_id=None, subject_extra="<saml:BaseID/>"), errors.SubjectInvalid)


@pytest.mark.parametrize("method", ["holder-of-key", "sender-vouches", "Bearer", ""])
def test_a_confirmation_that_is_not_bearer_is_refused(method: str) -> None:
    refused(confirmed(method=f"urn:oasis:names:tc:SAML:2.0:cm:{method}"), errors.SubjectConfirmationInvalid)


def test_no_confirmation_is_refused() -> None:
    refused(forge.response(confirmations=()), errors.SubjectConfirmationInvalid)
    refused(confirmed(data=False), errors.SubjectConfirmationInvalid)


def test_anything_inside_a_bearer_confirmation_is_refused() -> None:
    refused(confirmed(inner='<x:any xmlns:x="urn:x"/>'), errors.UnexpectedElement)
    refused(confirmed(inner="text"), errors.UnexpectedElement)


def test_an_assertion_without_authn_statement_is_refused() -> None:
    refused(forge.response(authn=False), errors.AuthnStatementMissing)


# Shape


@pytest.mark.parametrize("version", ["1.1", "2.00", "", "3.0"])
def test_another_version_is_refused(version: str) -> None:
    refused(forge.response(version=version), errors.VersionUnsupported)
    refused(forge.response(assertion_version=version), errors.VersionUnsupported)


@pytest.mark.parametrize("name", ["ID", "IssueInstant", "Version"])
def test_a_response_without_its_attributes_is_refused(name: str) -> None:
    with pytest.raises(errors.SamlError):
        verify(signed(re.sub(rf' {name}="[^"]*"', "", Recipe().xml(), count=1)))


@pytest.mark.parametrize(
    "element", ["Response", "Assertion", "Subject", "Conditions", "AuthnStatement", "NameID", "Status"]
)
def test_an_unknown_attribute_is_refused(element: str) -> None:
    xml = re.sub(rf"<(samlp?:{element})\b", r'<\1 Evil="1"', Recipe().xml(), count=1)
    refused(signed(xml), errors.UnexpectedElement)


@pytest.mark.parametrize(
    "element",
    [
        "Response",
        "Status",
        "StatusCode",
        "Assertion",
        "Subject",
        "Conditions",
        "AttributeStatement",
        "Attribute",
        "AuthnStatement",
    ],
)
@pytest.mark.parametrize("content", ['<x:any xmlns:x="urn:x"/>', "text", "<saml:Issuer>x</saml:Issuer>"])
def test_an_unknown_child_or_text_is_refused(element: str, content: str) -> None:
    xml = re.sub(rf"</(samlp?:{element})>", rf"{content}</\1>", Recipe().xml(), count=1)
    assert content in xml
    with pytest.raises(errors.SamlError):
        verify(
            forge.sign_xml(xml.replace("<saml:Issuer>x", f'<saml:Issuer xmlns:saml="{forge.SAML}">x'), "_assertion1")
        )


def test_children_in_another_order_are_refused() -> None:
    xml = Recipe().xml()
    conditions = re.search(r"<saml:Conditions .*</saml:Conditions>", xml)
    assert conditions
    moved = xml.replace(conditions[0], "").replace("<saml:Subject>", conditions[0] + "<saml:Subject>")
    refused(signed(moved), errors.MissingElement)


@pytest.mark.parametrize("statement", ["AuthzDecisionStatement", "Statement"])
def test_a_statement_of_another_kind_is_refused(statement: str) -> None:
    refused(forge.response(end_of_assertion=f"<saml:{statement}/>"), errors.UnexpectedElement)


def test_an_attribute_without_name_is_refused() -> None:
    statement = "<saml:AttributeStatement><saml:Attribute/></saml:AttributeStatement>"
    refused(forge.response(end_of_assertion=statement, attributes=(Attribute("x", ("y",)),)), errors.MissingElement)


def test_elements_without_namespace_or_of_a_look_alike_are_refused() -> None:
    for alike in (forge.SAML + "#", forge.SAML.upper(), "urn:oasis:names:tc:SAML:1.0:assertion"):
        with pytest.raises(errors.SamlError):
            verify(signed(Recipe().xml().replace(forge.SAML, alike)))
    bare = Recipe(saml_prefix="").xml().replace(f' xmlns="{forge.SAML}"', "")
    with pytest.raises(errors.SamlError):
        verify(signed(bare))
