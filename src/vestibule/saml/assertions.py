"""Reading a saml:Assertion out of verified bytes, child by child (saml-core 2.3.3). Judges shape only; `rules` judges content."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple

from vestibule.saml import names, reading, tags, xml
from vestibule.saml.encoding import optional_instant, parse_instant
from vestibule.saml.envelopes import OURS, read_issuer, validate_version
from vestibule.saml.errors import AuthnStatementMissing, ConditionUnknown, EncryptedNotSupported, UnexpectedElement
from vestibule.saml.subjects import Opener, Subject, read_subject

_XSI: Final = f"{{{names.XSI}}}"
_ASSERTION: Final = frozenset({"ID", "Version", "IssueInstant", _XSI + "schemaLocation"})
_CONDITIONS: Final = frozenset({"NotBefore", "NotOnOrAfter"})
_AUTHN: Final = frozenset({"AuthnInstant", "SessionIndex", "SessionNotOnOrAfter"})
_LOCALITY: Final = frozenset({"Address", "DNSName"})
_COUNT: Final = frozenset({"Count"})
_ATTRIBUTE: Final = frozenset({"Name", "NameFormat", "FriendlyName"})
_NONE: Final[frozenset[str]] = frozenset()


class Conditions(NamedTuple):
    """The conditions under which an assertion is valid; `audiences` has one tuple for each AudienceRestriction."""

    not_before: datetime | None
    not_on_or_after: datetime | None
    audiences: tuple[tuple[str, ...], ...]


class Authn(NamedTuple):
    """What the first AuthnStatement says; `session_not_on_or_after` is the earliest of all statements."""

    authn_instant: datetime
    session_index: str | None
    session_not_on_or_after: datetime | None
    authn_context_class_ref: str | None


class Assertion(NamedTuple):
    """An assertion of the right shape. Read from verified bytes only."""

    assertion_id: str
    issue_instant: datetime
    issuer: str
    subject: Subject
    conditions: Conditions
    authn: Authn
    attributes: Mapping[str, tuple[str, ...]]


def read_assertion(element: xml.Element, open_id: Opener) -> Assertion:
    """Read an assertion whose signature has been verified and removed. Raises UnexpectedElement, MissingElement, InvalidTime, …"""
    if element.tag != tags.ASSERTION:
        raise UnexpectedElement("the signed element is not an assertion", received=str(element.tag))
    validate_version(element)
    reading.validate_attributes(element, _ASSERTION)
    children = reading.Children(element)
    issuer = read_issuer(children.required(tags.ISSUER))
    subject = read_subject(children.required(tags.SUBJECT), open_id)
    conditions = _read_conditions(children.optional(tags.CONDITIONS))
    advice = children.optional(tags.ADVICE)
    if advice is not None:
        reading.validate_foreign(advice, OURS)
    statements = children.several(tags.AUTHN_STATEMENT, tags.ATTRIBUTE_STATEMENT)
    children.end()
    return Assertion(
        assertion_id=reading.required_attribute(element, "ID"),
        issue_instant=parse_instant(
            reading.required_attribute(element, "IssueInstant"), "IssueInstant of the assertion"
        ),
        issuer=issuer,
        subject=subject,
        conditions=conditions,
        authn=_read_authn([statement for statement in statements if statement.tag == tags.AUTHN_STATEMENT]),
        attributes=_read_attributes([each for each in statements if each.tag == tags.ATTRIBUTE_STATEMENT]),
    )


def _read_conditions(element: xml.Element | None) -> Conditions:
    if element is None:
        return Conditions(None, None, ())
    reading.validate_attributes(element, _CONDITIONS)
    audiences = []
    for condition in reading.Children(element).rest():
        if condition.tag == tags.AUDIENCE_RESTRICTION:
            audiences.append(_read_audiences(condition))
        elif condition.tag in (tags.ONE_TIME_USE, tags.PROXY_RESTRICTION):
            _read_other_condition(condition)
        else:
            # A condition that we can't evaluate makes the validity of the assertion unknown (saml-core 2.5.1.1).
            raise ConditionUnknown("an unknown condition", received=str(condition.tag))
    return Conditions(
        optional_instant(element.get("NotBefore"), "NotBefore"),
        optional_instant(element.get("NotOnOrAfter"), "NotOnOrAfter"),
        tuple(audiences),
    )


def _read_audiences(element: xml.Element) -> tuple[str, ...]:
    reading.validate_attributes(element, _NONE)
    children = reading.Children(element)
    audiences = [children.required(tags.AUDIENCE), *children.several(tags.AUDIENCE)]
    children.end()
    for audience in audiences:
        reading.validate_own_attributes(audience)
    return tuple([reading.token_of(audience) for audience in audiences])


def _read_other_condition(element: xml.Element) -> None:
    # Both bind relying parties that re-use or pass on an assertion. We use each once and pass none on.
    reading.validate_attributes(element, _COUNT if element.tag == tags.PROXY_RESTRICTION else _NONE)
    children = reading.Children(element)
    if element.tag == tags.PROXY_RESTRICTION:
        for audience in children.several(tags.AUDIENCE):
            reading.text_of(audience)
    children.end()


def _read_authn(statements: list[xml.Element]) -> Authn:
    if not statements:
        raise AuthnStatementMissing("there is no AuthnStatement", expected="an AuthnStatement", received="none")
    read = [_read_authn_statement(statement) for statement in statements]
    if len(read) == 1:
        return read[0]
    ends = [authn.session_not_on_or_after for authn in read if authn.session_not_on_or_after is not None]
    return read[0]._replace(session_not_on_or_after=min(ends, default=None))


def _read_authn_statement(element: xml.Element) -> Authn:
    reading.validate_attributes(element, _AUTHN)
    children = reading.Children(element)
    locality = children.optional(tags.SUBJECT_LOCALITY)
    context = children.required(tags.AUTHN_CONTEXT)
    children.end()
    if locality is not None:
        reading.validate_attributes(locality, _LOCALITY)
        reading.validate_empty(locality)
    return Authn(
        authn_instant=parse_instant(reading.required_attribute(element, "AuthnInstant"), "AuthnInstant"),
        session_index=element.get("SessionIndex"),
        session_not_on_or_after=optional_instant(element.get("SessionNotOnOrAfter"), "SessionNotOnOrAfter"),
        authn_context_class_ref=_read_context(context),
    )


def _read_context(element: xml.Element) -> str | None:
    reading.validate_attributes(element, _NONE)
    children = reading.Children(element)
    class_ref = children.optional(tags.AUTHN_CONTEXT_CLASS_REF)
    declaration = children.optional(tags.AUTHN_CONTEXT_DECL)
    declaration_ref = children.optional(tags.AUTHN_CONTEXT_DECL_REF)
    authorities = children.several(tags.AUTHENTICATING_AUTHORITY)
    children.end()
    if declaration is not None:
        reading.validate_foreign(declaration, OURS)
    for leaf in (class_ref, declaration_ref, *authorities):
        if leaf is not None:
            reading.validate_own_attributes(leaf)
            reading.text_of(leaf)
    return None if class_ref is None else reading.token_of(class_ref)


def _read_attributes(statements: list[xml.Element]) -> Mapping[str, tuple[str, ...]]:
    # Keycloak repeats one attribute for each value, others write many values into one: both come out the same.
    merged: dict[str, list[str]] = {}
    for statement in statements:
        reading.validate_attributes(statement, _NONE)
        children = reading.Children(statement)
        attributes = children.several(tags.ATTRIBUTE, tags.ENCRYPTED_ATTRIBUTE)
        children.end()
        for attribute in attributes:
            if attribute.tag != tags.ATTRIBUTE:
                raise EncryptedNotSupported("an attribute is encrypted", received="EncryptedAttribute")
            if not _ATTRIBUTE.issuperset(attribute.keys()):
                reading.validate_own_attributes(attribute, _ATTRIBUTE)
            values = merged.setdefault(reading.required_attribute(attribute, "Name"), [])
            _read_values(attribute, values)
    return MappingProxyType({name: tuple(values) for name, values in merged.items()})


def _read_values(attribute: xml.Element, values: list[str]) -> None:
    # The longest loop of a sign-in, so it does without Children; the checks are the same. A nil value is an empty one.
    if attribute.text and attribute.text.strip(xml.SPACE):
        raise UnexpectedElement("Attribute has text", received=attribute.text)
    for value in attribute:
        if value.tag != tags.ATTRIBUTE_VALUE or ((tail := value.tail) and tail.strip(xml.SPACE)):
            raise UnexpectedElement("Attribute has something else than values", received=str(value.tag))
        text = (_read_element(value) if len(value) else value.text) or ""
        if text.strip(xml.SPACE) != text:
            text = reading.without_layout(text)
        if text:
            values.append(text)


def _read_element(value: xml.Element) -> str:
    # eduPersonTargetedID is the one value that is an element: a NameID.
    children = reading.Children(value)
    name_id = children.optional(tags.NAME_ID)
    children.end()
    return "" if name_id is None else reading.text_of(name_id)
