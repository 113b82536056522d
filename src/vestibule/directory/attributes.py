"""What an assertion says about a person, under the names that identity providers use for it. Pure; decides no access.

Everything here takes attributes of a *verified* assertion: a mapping from attribute name to its values, same names merged.
Names are compared without case. A name that a connection's mapping gives takes the place of these defaults.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from vestibule.directory.mapping import USUAL, AttributeMapping
from vestibule.kernel.text import clean_email, clean_name, has_unsafe_characters

Attributes: TypeAlias = Mapping[str, Sequence[str]]

# SAML core 2.0, 8.3: the formats that matter here.
FORMAT_EMAIL: Final = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
FORMAT_UNSPECIFIED: Final = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
FORMAT_TRANSIENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"

MAX_NAME_LENGTH: Final = 200
MAX_STABLE_ID_LENGTH: Final = 256

# In the order in which they are believed: names that say exactly what they mean come first.
EMAIL_NAMES: Final = (
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",  # Entra ID, AD FS
    "http://schemas.xmlsoap.org/claims/EmailAddress",  # AD FS towards AD FS 1.x partners
    "urn:oid:0.9.2342.19200300.100.1.3",  # mail: Shibboleth, SimpleSAMLphp, LemonLDAP::NG
    "urn:oid:1.2.840.113549.1.9.1",  # Keycloak's X500 email
    "urn:mace:dir:attribute-def:mail",
    "email",
    "mail",
    "emailAddress",
    "email_address",
    "e-mail",
    "user.email",  # OneLogin's and Okta's examples
    "primaryEmail",
)
FULL_NAME_NAMES: Final = (
    "http://schemas.microsoft.com/identity/claims/displayname",  # Entra ID
    "urn:oid:2.16.840.1.113730.3.1.241",  # displayName
    "urn:mace:dir:attribute-def:displayName",
    "displayName",
    "display_name",
    "fullName",
    "full_name",
    "user.displayName",
    "http://schemas.xmlsoap.org/claims/CommonName",  # AD FS
    "urn:oid:2.5.4.3",  # cn
    "cn",
    "name",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",  # a name at AD FS, the user principal name at Entra ID
)
GIVEN_NAME_NAMES: Final = (
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
    "urn:oid:2.5.4.42",
    "urn:mace:dir:attribute-def:givenName",
    "givenName",
    "given_name",
    "firstName",
    "first_name",
    "user.firstName",
)
FAMILY_NAME_NAMES: Final = (
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
    "urn:oid:2.5.4.4",
    "urn:mace:dir:attribute-def:sn",
    "sn",
    "surname",
    "familyName",
    "family_name",
    "lastName",
    "last_name",
    "user.lastName",
)
# Only what its definition never gives to a second person. Left out on purpose, because they may be given again:
# eduPersonPrincipalName, uid, user principal name, employee number, e-mail.
STABLE_ID_NAMES: Final = (
    "urn:oasis:names:tc:SAML:attribute:subject-id",  # SAML subject identifiers 1.0, 3.3
    "urn:oasis:names:tc:SAML:attribute:pairwise-id",  # and 3.4
    "http://schemas.microsoft.com/identity/claims/objectidentifier",  # Entra ID
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/primarysid",  # AD FS
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.13",  # eduPersonUniqueId
    "eduPersonUniqueId",
    "subject-id",
    "pairwise-id",
    "objectGUID",
    "entryUUID",
)
GROUPS_NAMES: Final = (
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",  # Entra ID: object ids
    "http://schemas.xmlsoap.org/claims/Group",  # AD FS
    "urn:oid:1.3.6.1.4.1.5923.1.5.1.1",  # isMemberOf
    "isMemberOf",
    "memberOf",
    "groups",
    "group",
    "Role",  # Keycloak, repeated once per value
)
# Entra ID sends one of these instead of the list when somebody is in more than 150 groups.
GROUPS_LINK_NAMES: Final = (
    "http://schemas.microsoft.com/claims/groups.link",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups.link",
)


def values_of(attributes: Attributes, names: Sequence[str]) -> tuple[str, ...]:
    """Return the non-empty values under any of the names, in the order of `names`, each once. Untouched otherwise."""
    return tuple(dict.fromkeys(_values(attributes, names)))


def _values(attributes: Attributes, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        folded = name.casefold()
        for given, values in attributes.items():
            if given.casefold() == folded:
                yield from (value for value in values if value.strip())


def email_from(
    name_id: str | None, name_id_format: str | None, attributes: Attributes, mapping: AttributeMapping = USUAL
) -> str | None:
    """Return the e-mail address of the person in canonical form, or None when the assertion has none.

    Where the connection names an attribute for it, that one alone counts. Otherwise:
    A NameID that says that it is an e-mail address (SAML core 8.3.2) comes first, then the attributes, then a NameID without
    a format or with `unspecified`, if it looks like an address (Okta). A persistent or transient NameID is never read as one.
    """
    if mapping.email:
        return _first_email(attributes, (mapping.email,))
    stated = clean_email(name_id or "") if name_id_format == FORMAT_EMAIL else None
    if stated is not None:
        return stated
    email = _first_email(attributes, EMAIL_NAMES)
    if email is not None:
        return email
    return clean_email(name_id or "") if name_id_format in {None, "", FORMAT_UNSPECIFIED} else None


def _first_email(attributes: Attributes, names: Sequence[str]) -> str | None:
    return next(filter(None, map(clean_email, values_of(attributes, names))), None)


def full_name_from(attributes: Attributes, mapping: AttributeMapping = USUAL) -> str | None:
    """Return the person's name: one attribute for all of it, else given and family name, else None.

    A value with an @ is not a name: Entra ID sends the user principal name under `…/claims/name`.
    """
    chosen = mapping.full_name or mapping.given_name or mapping.family_name
    whole = _first_name(attributes, _names(mapping.full_name, () if chosen else FULL_NAME_NAMES))
    if whole is not None:
        return whole
    pieces = (
        _first_name(attributes, _names(mapping.given_name, () if chosen else GIVEN_NAME_NAMES)),
        _first_name(attributes, _names(mapping.family_name, () if chosen else FAMILY_NAME_NAMES)),
    )
    joined = " ".join(piece for piece in pieces if piece)
    return joined if 0 < len(joined) <= MAX_NAME_LENGTH else None


def _names(chosen: str, usual: tuple[str, ...]) -> tuple[str, ...]:
    return (chosen,) if chosen else usual


def _first_name(attributes: Attributes, names: Sequence[str]) -> str | None:
    for value in values_of(attributes, names):
        name = clean_name(value)
        if len(name) <= MAX_NAME_LENGTH and "@" not in name and not has_unsafe_characters(name):
            return name
    return None


def stable_id_from(attributes: Attributes, mapping: AttributeMapping = USUAL) -> str | None:
    """Return the id that stays with the person for good, exactly as sent, or None.

    The first name that is present decides. Several different values under it are None: who somebody is must not be a guess.
    """
    for name in _names(mapping.stable_id, STABLE_ID_NAMES):
        values = values_of(attributes, (name,))
        if values:
            usable = (
                len(values) == 1 and len(values[0]) <= MAX_STABLE_ID_LENGTH and not has_unsafe_characters(values[0])
            )
            return values[0] if usable else None
    return None
