"""Whatever is done to a signed response, it gives exactly the signed values or is refused with a SamlError; nothing else."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.saml import forge
from tests.saml.forge import Attribute, Recipe
from tests.saml.verifying import verify
from vestibule.saml.errors import SamlError
from vestibule.saml.responses import VerifiedAssertion, decode_post, peek_response

SIGNED = {sign: forge.response(sign=sign) for sign in ("assertion", "response", "both")}
VERIFIED = {sign: verify(data) for sign, data in SIGNED.items()}
WAYS = st.sampled_from(sorted(SIGNED))
EVIL_TEXT = st.sampled_from(["eve@evil.example", "", " ", forge.SP, forge.IDP, "_assertion1", "#_assertion1", "Owners"])
FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def said(verified: VerifiedAssertion) -> tuple[Any, ...]:
    """Everything that a session is made of, without which of the signatures were there."""
    return (
        verified.assertion_id,
        verified.issuer,
        verified.name_id,
        verified.name_id_format,
        verified.name_qualifier,
        verified.session_index,
        verified.authn_instant,
        verified.not_on_or_after,
        dict(verified.attributes),
    )


def holds(data: bytes, sign: str) -> None:
    """The property itself. A message over which signatures were stripped may be accepted with the other one."""
    outcome = attempt(data)
    if isinstance(outcome, SamlError):
        assert [check.outcome for check in outcome.checks].count("failed") == 1
    else:
        assert said(outcome) == said(VERIFIED[sign])


def attempt(data: bytes) -> VerifiedAssertion | SamlError:
    try:
        return verify(data)
    except SamlError as error:
        return error


@FEW
@given(WAYS, st.data())
def test_moving_copying_dropping_or_renaming_any_node_changes_no_value(sign: str, data: st.DataObject) -> None:
    root = etree.fromstring(SIGNED[sign])
    for _ in range(data.draw(st.integers(1, 3))):
        mutate(root, data)
    holds(etree.tostring(root), sign)


def mutate(root: Any, data: st.DataObject) -> None:
    nodes = list(root.iter(etree.Element))
    node = nodes[data.draw(st.integers(0, len(nodes) - 1))]
    target = nodes[data.draw(st.integers(0, len(nodes) - 1))]
    act = data.draw(
        st.sampled_from(["move", "copy", "drop", "rename", "text", "attribute", "comment", "unwrap", "tail"])
    )
    if act == "copy" or (act == "move" and node not in (root, *target.iterancestors(), target)):
        moved = copy.deepcopy(node) if act == "copy" else node
        target.insert(data.draw(st.integers(0, len(target))), moved)
    elif act == "drop" and node is not root:
        node.getparent().remove(node)
    elif act == "rename":
        node.tag = target.tag
    elif act == "text":
        node.text = data.draw(EVIL_TEXT)
    elif act == "tail" and node is not root:
        node.tail = data.draw(EVIL_TEXT)
    elif act == "attribute" and node.attrib:
        node.set(data.draw(st.sampled_from(sorted(node.attrib))), data.draw(EVIL_TEXT))
    elif act == "comment":
        node.insert(0, etree.Comment("x"))
    elif act == "unwrap" and node is not root:
        for child in list(node):
            node.addprevious(child)


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
    holds(original[:start] + middle + original[end:], sign)


@FEW
@given(WAYS, st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 10_000))
def test_any_slice_repeated_elsewhere_changes_no_value(sign: str, start: int, length: int, at: int) -> None:
    original = SIGNED[sign]
    start, at = start % len(original), at % len(original)
    piece = original[start : start + length % 3000]
    holds(original[:at] + piece + original[at:], sign)


text = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"], exclude_characters="\ufffe\uffff"), max_size=40
)
name_ids = text.filter(lambda value: value and value == value.strip() and value.isprintable())


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
