"""Reading a saml:Subject: who the assertion is about, and how that is confirmed (saml-core 2.4). Judges shape only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from vestibule.saml import names, reading, tags, xml
from vestibule.saml.encoding import optional_instant
from vestibule.saml.errors import SubjectInvalid, UnexpectedElement

_DS: Final = f"{{{names.DS}}}"
_NAME_ID: Final = frozenset({"Format", "NameQualifier", "SPNameQualifier", "SPProvidedID"})
_DATA: Final = frozenset({"NotBefore", "NotOnOrAfter", "Recipient", "InResponseTo", "Address"})
_METHOD_ONLY: Final = frozenset({"Method"})
_NONE: Final[frozenset[str]] = frozenset()
_MAX_NAME_ID_CHARACTERS: Final = 1024

Opener = Callable[[xml.Element], xml.Element]


class NameId(NamedTuple):
    """Who is meant, as the identity provider names them."""

    value: str
    format: str | None = None
    name_qualifier: str | None = None
    sp_name_qualifier: str | None = None


class Confirmation(NamedTuple):
    """One SubjectConfirmation; without SubjectConfirmationData all but `method` is None."""

    method: str
    recipient: str | None = None
    in_response_to: str | None = None
    not_before: datetime | None = None
    not_on_or_after: datetime | None = None


class Subject(NamedTuple):
    """The NameID as it was signed, and its confirmations."""

    name_id: str
    name_id_format: str | None
    name_qualifier: str | None
    sp_name_qualifier: str | None
    confirmations: tuple[Confirmation, ...]


def read_subject(element: xml.Element, open_id: Opener) -> Subject:
    """Read the subject of a verified assertion; `open_id` returns what is inside an EncryptedID, or raises.

    Raises SubjectInvalid, UnexpectedElement, InvalidTime.
    """
    reading.validate_attributes(element, _NONE)
    children = reading.Children(element)
    name_id = find_name_id(children, open_id)
    confirmations = children.several(tags.SUBJECT_CONFIRMATION)
    children.end()
    reading.validate_attributes(name_id, _NAME_ID)
    return Subject(
        name_id=_read_name_id(name_id),
        name_id_format=name_id.get("Format"),
        name_qualifier=name_id.get("NameQualifier"),
        sp_name_qualifier=name_id.get("SPNameQualifier"),
        confirmations=tuple([_read_confirmation(confirmation) for confirmation in confirmations]),
    )


def find_name_id(children: reading.Children, open_id: Opener) -> xml.Element:
    """Return the saml:NameID that comes next, opened where it is encrypted. Its content is unread. Raises SubjectInvalid."""
    name_id = children.optional(tags.NAME_ID)
    encrypted_id = children.optional(tags.ENCRYPTED_ID)
    if encrypted_id is not None:
        name_id = _open_name_id(encrypted_id, name_id, open_id)
    if name_id is None:
        raise SubjectInvalid("there is no NameID", expected="a NameID", received="none")
    return name_id


def read_name_id(element: xml.Element) -> NameId:
    """Return a NameID with its qualifiers. Raises SubjectInvalid, UnexpectedElement (saml-core 2.2.3)."""
    reading.validate_attributes(element, _NAME_ID)
    return NameId(
        _read_name_id(element), element.get("Format"), element.get("NameQualifier"), element.get("SPNameQualifier")
    )


def _open_name_id(encrypted_id: xml.Element, name_id: xml.Element | None, open_id: Opener) -> xml.Element:
    opened = open_id(encrypted_id)
    if name_id is not None or opened.tag != tags.NAME_ID:
        raise SubjectInvalid("there is not exactly one NameID", expected="a NameID", received=str(opened.tag))
    return opened


def _read_name_id(element: xml.Element) -> str:
    try:
        text = reading.without_layout(reading.text_of(element))
    except UnexpectedElement as error:
        raise SubjectInvalid(error.reason, received=error.received) from error
    # "ada " and "ada" may be two people there, and would look like one here; control characters have no business at all.
    if not text or text != text.strip() or not text.isprintable() or len(text) > _MAX_NAME_ID_CHARACTERS:
        raise SubjectInvalid("the NameID is empty, too long, or has white space or control characters", received=text)
    return text


def _read_confirmation(element: xml.Element) -> Confirmation:
    reading.validate_attributes(element, _METHOD_ONLY)
    method = reading.required_attribute(element, "Method")
    children = reading.Children(element)
    confirming = children.optional(tags.NAME_ID)
    data = children.optional(tags.SUBJECT_CONFIRMATION_DATA)
    children.end()
    if confirming is not None:
        # Nobody reads who confirms; nothing may hide there.
        reading.validate_attributes(confirming, _NAME_ID)
        reading.text_of(confirming)
    if data is None:
        return Confirmation(method)
    _validate_data(data, method)
    return Confirmation(
        method,
        data.get("Recipient"),
        data.get("InResponseTo"),
        optional_instant(data.get("NotBefore"), "NotBefore of the confirmation"),
        optional_instant(data.get("NotOnOrAfter"), "NotOnOrAfter of the confirmation"),
    )


def _validate_data(data: xml.Element, method: str) -> None:
    reading.validate_own_attributes(data, _DATA)
    # The schema allows anything inside; the bearer method needs nothing there. Holder-of-key has a ds:KeyInfo.
    if method == names.BEARER:
        reading.validate_empty(data)
    else:
        children = reading.Children(data)
        for key_info in children.several(_DS + "KeyInfo"):
            for descendant in key_info.iterdescendants():
                if reading.namespace(descendant) != names.DS or descendant.tag == _DS + "Signature":
                    raise UnexpectedElement("a confirmation's key holds something else", received=str(descendant.tag))
        children.end()
