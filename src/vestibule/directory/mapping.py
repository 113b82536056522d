"""Which attributes of a connection's assertions say what: chosen by an admin, or the usual names (`attributes`). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import Final

from vestibule.kernel.errors import FieldError, Invalid
from vestibule.kernel.text import N_, has_unsafe_characters

MAX_ATTRIBUTE_NAME_LENGTH: Final = 256


@dataclass(frozen=True, slots=True)
class AttributeMapping:
    """The name of the attribute that says each thing. An empty name leaves it to the usual names.

    A name that is given is the only one that counts: an address under another name is not believed then, and neither is
    the NameID.
    """

    email: str = ""
    full_name: str = ""
    given_name: str = ""
    family_name: str = ""
    groups: str = ""
    stable_id: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return what was chosen, for storing."""
        return {name: value for name, value in asdict(self).items() if value}


USUAL: Final = AttributeMapping()
FIELDS: Final = tuple(field.name for field in fields(AttributeMapping))


def mapping_from(stored: Mapping[str, str]) -> AttributeMapping:
    """Return a mapping as it was stored; what a later release wrote and this one does not know is left out."""
    return AttributeMapping(**{name: stored[name] for name in FIELDS if name in stored})


def validate_mapping(typed: Mapping[str, str]) -> AttributeMapping:
    """Return a typed mapping in tidy form. Raises Invalid with every FieldError, under the fields' own names."""
    errors: list[FieldError] = []
    tidy: dict[str, str] = {}
    for name in FIELDS:
        value = typed.get(name, "").strip()
        if len(value) > MAX_ATTRIBUTE_NAME_LENGTH:
            sentence = N_("Use %(count)s characters or fewer.")
            errors.append(FieldError(name, sentence, count=str(MAX_ATTRIBUTE_NAME_LENGTH)))
        elif has_unsafe_characters(value):
            errors.append(FieldError(name, N_("Remove the invisible characters from this name.")))
        tidy[name] = value
    if errors:
        raise Invalid(*errors)
    return AttributeMapping(**tidy)


_CLAIMS: Final = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
_OKTA: Final = AttributeMapping("email", "", "firstName", "lastName", "groups")
# What each product sends when it is set up as its how-to page says. Where an admin names the attributes, the names are
# those that the how-to proposes.
PRESETS: Final[Mapping[str, AttributeMapping]] = MappingProxyType(
    {
        "okta": _OKTA,
        "entra": AttributeMapping(
            email=f"{_CLAIMS}/emailaddress",
            full_name="http://schemas.microsoft.com/identity/claims/displayname",
            given_name=f"{_CLAIMS}/givenname",
            family_name=f"{_CLAIMS}/surname",
            groups="http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
            stable_id="http://schemas.microsoft.com/identity/claims/objectidentifier",
        ),
        "google": _OKTA,
        "onelogin": AttributeMapping("User.email", "", "User.FirstName", "User.LastName", "memberOf"),
        "jumpcloud": AttributeMapping("email", "", "firstname", "lastname", "memberOf"),
        "pingone": AttributeMapping("email", "", "given_name", "family_name", "groups"),
        "adfs": AttributeMapping(
            email=f"{_CLAIMS}/emailaddress",
            given_name=f"{_CLAIMS}/givenname",
            family_name=f"{_CLAIMS}/surname",
            groups="http://schemas.xmlsoap.org/claims/Group",
        ),
        "keycloak": AttributeMapping("email", "", "firstName", "lastName", "Role"),
        "shibboleth": AttributeMapping(
            email="urn:oid:0.9.2342.19200300.100.1.3",
            full_name="urn:oid:2.16.840.1.113730.3.1.241",
            given_name="urn:oid:2.5.4.42",
            family_name="urn:oid:2.5.4.4",
            groups="urn:oid:1.3.6.1.4.1.5923.1.5.1.1",
            stable_id="urn:oasis:names:tc:SAML:attribute:subject-id",
        ),
        "generic": USUAL,
    }
)
