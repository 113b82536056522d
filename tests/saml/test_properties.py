"""Whatever is done to a signed response, it gives exactly the signed values or is refused with a SamlError; nothing else."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.saml import forge
from tests.saml.forge import Attribute, Recipe, Signing
from tests.saml.forge_encryption import encrypt
from tests.saml.mutating import mutated
from tests.saml.test_encryption import KEYS
from tests.saml.verifying import verify
from vestibule.saml.errors import SamlError
from vestibule.saml.responses import VerifiedAssertion, decode_post, peek_response

SIGNED = {sign: forge.response(sign=sign) for sign in ("assertion", "response", "both")}
VERIFIED = {sign: verify(data) for sign, data in SIGNED.items()}
WAYS = st.sampled_from(sorted(SIGNED))
FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MANY = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def said(verified: VerifiedAssertion) -> tuple[Any, ...]:
    """Everything that a session is made of, without which of the signatures were there."""
    return (
        verified.assertion_id,
        verified.issuer,
        verified.name_id,
        verified.name_id_format,
        verified.name_qualifier,
        verified.sp_name_qualifier,
        verified.session_index,
        verified.session_not_on_or_after,
        verified.authn_instant,
        verified.authn_context_class_ref,
        verified.not_on_or_after,
        dict(verified.attributes),
    )


def holds(data: bytes, original: VerifiedAssertion) -> None:
    """The property itself. A message over which signatures were stripped may be accepted with the other one."""
    outcome = attempt(data)
    if isinstance(outcome, SamlError):
        assert [check.outcome for check in outcome.checks].count("failed") == 1
    else:
        assert said(outcome) == said(original)


def attempt(data: bytes) -> VerifiedAssertion | SamlError:
    try:
        return verify(data, decryption_keys=KEYS)
    except SamlError as error:
        return error


text = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"], exclude_characters="\ufffe\uffff"), max_size=40
)
name_ids = text.filter(lambda value: value and value == value.strip() and value.isprintable())
attributes = st.lists(
    st.builds(Attribute, text.filter(bool), st.lists(st.one_of(text, st.none()), max_size=3), typed=st.booleans()),
    max_size=4,
)
recipes = st.builds(
    Recipe,
    name_id=name_ids,
    attributes=attributes,
    saml_prefix=st.sampled_from(["saml", "", "x"]),
    samlp_prefix=st.sampled_from(["samlp", "q"]),
    pretty=st.booleans(),
    session_not_on_or_after=st.sampled_from([None, "2026-11-23T20:00:00Z"]),
    response_attributes=st.just(' xmlns:xs="http://www.w3.org/2001/XMLSchema"'),
)
signings = st.builds(
    Signing,
    prefix=st.sampled_from(["ds", ""]),
    inclusive_prefixes=st.sampled_from([None, "xs", "#default xs saml"]),
    pretty=st.booleans(),
    wrap_base64=st.booleans(),
)


@MANY
@given(recipes, signings, WAYS, st.data())
def test_a_legitimate_response_that_is_changed_says_what_was_signed_or_is_refused(
    recipe: Recipe, signing: Signing, sign: forge.SignWhat, data: st.DataObject
) -> None:
    original = forge.response(recipe, sign, signing)
    holds(mutated(original, lambda count: data.draw(st.integers(0, count - 1))), verify(original))


@FEW
@given(recipes, signings, st.data())
def test_an_assertion_that_is_changed_before_it_is_encrypted_says_what_was_signed_or_is_refused(
    recipe: Recipe, signing: Signing, data: st.DataObject
) -> None:
    signed = forge.sign_xml(recipe.assertion_xml(), recipe.assertion_id, signing)
    around = recipe.xml().partition(recipe.assertion_xml())

    def sealed(plaintext: bytes) -> bytes:
        return (around[0] + encrypt(plaintext) + around[2]).encode()

    original = verify(sealed(signed), decryption_keys=KEYS)
    holds(sealed(mutated(signed, lambda count: data.draw(st.integers(0, count - 1)))), original)


@FEW
@given(WAYS, st.data())
def test_any_edit_of_the_text_changes_no_value(sign: str, data: st.DataObject) -> None:
    original = SIGNED[sign]
    start = data.draw(st.integers(0, len(original)))
    end = data.draw(st.integers(start, min(len(original), start + 60)))
    middle = data.draw(
        st.one_of(
            st.binary(max_size=12), st.sampled_from([b"<!---->", b"<!--", b"<x/>", b"&#64;", b"&lt;", b"]]>", b"\r\n"])
        )
    )
    holds(original[:start] + middle + original[end:], VERIFIED[sign])


@FEW
@given(WAYS, st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 10_000))
def test_any_slice_repeated_elsewhere_changes_no_value(sign: str, start: int, length: int, at: int) -> None:
    original = SIGNED[sign]
    start, at = start % len(original), at % len(original)
    piece = original[start : start + length % 3000]
    holds(original[:at] + piece + original[at:], VERIFIED[sign])


@FEW
@given(
    name_ids,
    st.lists(st.tuples(text.filter(bool), st.lists(text, max_size=3)), max_size=4),
    st.sampled_from(["assertion", "response", "both"]),
    st.sampled_from(["saml", "", "x"]),
    st.booleans(),
)
def test_any_legitimate_value_comes_out_as_it_went_in(
    name_id: str, attributes: list[tuple[str, list[str]]], sign: forge.SignWhat, prefix: str, typed: bool
) -> None:
    recipe = Recipe(
        name_id=name_id,
        saml_prefix=prefix,
        attributes=tuple(Attribute(name, tuple(values), typed=typed) for name, values in attributes),
    )
    verified = verify(forge.response(recipe, sign=sign))
    expected: dict[str, tuple[str, ...]] = {}
    for name, values in attributes:
        expected[name] = expected.get(name, ()) + tuple(value for value in values if value.strip(" \t\r\n"))
    assert verified.name_id == name_id
    assert verified.attributes == expected


@FEW
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_arbitrary_bytes_raise_only_our_own_errors(data: bytes) -> None:
    for parse in (peek_response, decode_post):
        try:
            parse(data)
        except SamlError:
            continue
    outcome = attempt(data)
    assert isinstance(outcome, SamlError)
    assert outcome.checks
