"""SAML metadata: reading an identity provider's, writing ours (saml-metadata-2.0-os). Fetches nothing.

Metadata is trusted for what it says because an admin chose it; its form is as untrusted as any message's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from vestibule.saml import names, reading, xml
from vestibule.saml.certificates import Certificate, CertificateInvalid, parse_certificate
from vestibule.saml.encoding import format_instant, parse_duration, parse_instant
from vestibule.saml.errors import (
    ForbiddenXml,
    InvalidTime,
    InvalidValue,
    MalformedXml,
    SamlError,
    SignatureInvalid,
    TooLarge,
    UnexpectedElement,
)
from vestibule.saml.metadata_errors import (
    EntityNotFound,
    MetadataEmpty,
    MetadataExpired,
    MetadataForbiddenXml,
    MetadataInvalid,
    MetadataIsAnAddress,
    MetadataIsHtml,
    MetadataIsJson,
    MetadataNotXml,
    MetadataOfServiceProvider,
    MetadataOfSeveral,
    MetadataSignatureInvalid,
    MetadataTooLarge,
    MetadataUnsigned,
    MetadataUrlInvalid,
    MetadataWithoutCertificate,
    MetadataWithoutSaml2,
    MetadataWithoutSignOn,
)
from vestibule.saml.signatures import find_signature, verify_enveloped
from vestibule.saml.sp_metadata import sp_metadata

__all__ = ["IdpMetadata", "parse_idp_metadata", "sp_metadata", "validate_url"]

_M: Final = f"{{{names.MD}}}"
_DS: Final = f"{{{names.DS}}}"
_UI: Final = f"{{{names.MDUI}}}"
_LANG: Final = f"{{{names.XML}}}lang"
_PLAIN_URL: Final = re.compile(r"https?://[!-~]+", re.ASCII)
# What an XHTML page begins with before it says that it is one.
_DECLARATION: Final = re.compile(rb"\A<\?xml[^<>]*\?>\s*(?=<!doctype\s+html)")
_MAX_URL: Final = 2048
_MAX_ENTITY_ID: Final = 1024
_MAX_CERTIFICATES: Final = 16
_MAX_DEPTH_OF_GROUPS: Final = 4


@dataclass(frozen=True, slots=True)
class IdpMetadata:
    """What an identity provider says about itself. Every address is an absolute http or https URL; names are untrusted text."""

    entity_id: str
    sso_redirect_url: str | None
    sso_post_url: str | None
    slo_redirect_url: str | None
    slo_redirect_response_url: str | None
    slo_post_url: str | None
    slo_post_response_url: str | None
    certificates: tuple[Certificate, ...]
    want_authn_requests_signed: bool
    name_id_formats: tuple[str, ...]
    valid_until: datetime | None
    cache_duration: timedelta | None
    display_name: str | None


def parse_idp_metadata(
    data: bytes, entity_id: str | None = None, *, now: datetime, signed_by: Sequence[Certificate] = ()
) -> IdpMetadata:
    """Return what untrusted metadata says of one identity provider: the only one in it, or the one called `entity_id`.

    With `signed_by` the whole document must carry a signature of one of those certificates, and only what that covers is
    read (saml-metadata-2.0-os 3). Without, signatures are passed over: a key that comes with the document proves nothing.
    Raises MetadataInvalid, or CertificateInvalid when a certificate for signatures is unusable.
    """
    root = _parse(data)
    if signed_by:
        root = _verified(root, signed_by)
    try:
        return _read(root, entity_id, now)
    except (UnexpectedElement, InvalidValue) as error:
        raise MetadataInvalid(error.reason, expected=error.expected, received=error.received) from error


def _verified(root: xml.Element, signed_by: Sequence[Certificate]) -> xml.Element:
    try:
        if find_signature(root, None) is None:
            raise MetadataUnsigned("the root is not signed", expected="a signature", received="none")
        return xml.parse_canonical(verify_enveloped(root, signed_by, leading=None).canonical)
    except (SignatureInvalid, MalformedXml) as error:
        raise MetadataSignatureInvalid(error.reason, expected=error.expected, received=error.received) from error


def _read(root: xml.Element, entity_id: str | None, now: datetime) -> IdpMetadata:
    _valid_until(root, now)
    entity = _choose(root, entity_id)
    role = _idp_role(entity)
    # What is around an element bounds it, too (saml-metadata 2.3.1).
    bounding = [role, *role.iterancestors()]
    ends = [end for end in (_valid_until(each, now) for each in bounding) if end is not None]
    durations = [each.get("cacheDuration") for each in bounding]
    single_sign_on = _endpoints(role, "SingleSignOnService")
    single_logout = _endpoints(role, "SingleLogoutService")
    if not single_sign_on.keys() & {names.HTTP_REDIRECT, names.HTTP_POST}:
        raise MetadataWithoutSignOn("no SingleSignOnService for a browser")
    redirect, post = single_logout.get(names.HTTP_REDIRECT), single_logout.get(names.HTTP_POST)
    return IdpMetadata(
        entity_id=_entity_id(entity),
        sso_redirect_url=single_sign_on[names.HTTP_REDIRECT][0] if names.HTTP_REDIRECT in single_sign_on else None,
        sso_post_url=single_sign_on[names.HTTP_POST][0] if names.HTTP_POST in single_sign_on else None,
        slo_redirect_url=redirect[0] if redirect else None,
        slo_redirect_response_url=redirect[1] if redirect else None,
        slo_post_url=post[0] if post else None,
        slo_post_response_url=post[1] if post else None,
        certificates=_certificates(role),
        want_authn_requests_signed=reading.boolean_attribute(role, "WantAuthnRequestsSigned") or False,
        name_id_formats=tuple(reading.token_of(each) for each in role.iterchildren(_M + "NameIDFormat")),
        valid_until=min(ends, default=None),
        cache_duration=min(
            (parse_duration(one, "cacheDuration") for one in durations if one is not None), default=None
        ),
        display_name=_display_name(entity, role),
    )


def validate_url(url: str) -> str:
    """Return an untrusted address that a browser may be sent to. Raises MetadataUrlInvalid.

    Absolute http or https, printable ASCII, no user name, no fragment: nothing that one reader takes for another host.
    """
    try:
        parts = urlsplit(url)
        usable = parts.hostname and parts.username is None and parts.password is None and (parts.port or 1)
    except ValueError as error:
        raise MetadataUrlInvalid("not an address", received=url) from error
    if not usable or len(url) > _MAX_URL or "#" in url or "\\" in url or not _PLAIN_URL.fullmatch(url):
        raise MetadataUrlInvalid("not a plain address", received=url)
    return url


def _parse(data: bytes) -> xml.Element:
    text = data.strip(b" \t\r\n")
    _recognize(text)
    try:
        return xml.parse_untrusted(text, xml.METADATA)
    except TooLarge as error:
        raise MetadataTooLarge(error.reason, expected=error.expected, received=error.received) from error
    except ForbiddenXml as error:
        raise MetadataForbiddenXml(error.reason) from error
    except SamlError as error:
        raise MetadataNotXml(error.reason, expected=error.expected, received=error.received) from error


def _recognize(text: bytes) -> None:
    # What people paste by mistake, so that the sentence can say what it is.
    start = text[:2048].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    start = _DECLARATION.sub(b"", start)
    if not start:
        raise MetadataEmpty("nothing was given")
    if start.startswith((b"<!doctype html", b"<html")):
        raise MetadataIsHtml("an HTML page")
    if start.startswith((b"{", b"[")):
        raise MetadataIsJson("JSON")
    if start.startswith((b"http://", b"https://")):
        raise MetadataIsAnAddress("an address")
    if not start.startswith(b"<"):
        raise MetadataNotXml("not XML")


def _valid_until(element: xml.Element, now: datetime) -> datetime | None:
    value = element.get("validUntil")
    if value is None:
        return None
    try:
        until = parse_instant(value, "validUntil")
    except InvalidTime as error:
        raise MetadataInvalid(error.reason, received=error.received) from error
    if now >= until:
        raise MetadataExpired("validUntil has passed", received=value, until=format_instant(until))
    return until


def _choose(root: xml.Element, entity_id: str | None) -> xml.Element:
    if root.tag == _M + "EntityDescriptor":
        if entity_id is not None and root.get("entityID") != entity_id:
            raise EntityNotFound("another entity", expected=entity_id, received=root.get("entityID") or "none")
        return root
    if root.tag != _M + "EntitiesDescriptor":
        html = reading.local_name(root).lower() == "html"
        raise (MetadataIsHtml if html else MetadataInvalid)("not metadata", received=str(root.tag))
    entities = list(_entities(root, _MAX_DEPTH_OF_GROUPS))
    if entity_id is None and len(entities) != 1:
        raise MetadataOfSeveral(f"{len(entities)} entities", count=str(len(entities)))
    named = [entity for entity in entities if entity_id in (None, entity.get("entityID"))]
    if len(named) != 1:
        raise EntityNotFound(f"{len(named)} such entities", expected=entity_id or "", received=str(len(named)))
    return named[0]


def _entities(group: xml.Element, depth: int) -> list[xml.Element]:
    found = list(group.iterchildren(_M + "EntityDescriptor"))
    for inner in group.iterchildren(_M + "EntitiesDescriptor"):
        if depth == 0:
            raise MetadataTooLarge("groups inside groups")
        found.extend(_entities(inner, depth - 1))
    return found


def _idp_role(entity: xml.Element) -> xml.Element:
    roles = list(entity.iterchildren(_M + "IDPSSODescriptor"))
    usable = [role for role in roles if names.SAMLP in (role.get("protocolSupportEnumeration") or "").split()]
    if usable:
        return usable[0]
    if roles:
        raise MetadataWithoutSaml2("no SAML 2.0 protocol", received=roles[0].get("protocolSupportEnumeration") or "")
    if next(entity.iterchildren(_M + "SPSSODescriptor"), None) is not None:
        raise MetadataOfServiceProvider("metadata of a service provider")
    raise MetadataWithoutSaml2("no IDPSSODescriptor")


def _entity_id(entity: xml.Element) -> str:
    entity_id = entity.get("entityID") or ""
    if (
        not entity_id
        or len(entity_id) > _MAX_ENTITY_ID
        or entity_id != entity_id.strip()
        or not entity_id.isprintable()
    ):
        raise MetadataInvalid("no usable entityID", expected="entityID", received=entity_id)
    return entity_id


def _endpoints(role: xml.Element, name: str) -> dict[str, tuple[str, str | None]]:
    # The first of each binding counts. Bindings that no browser speaks (SOAP) may have any address.
    found: dict[str, tuple[str, str | None]] = {}
    for endpoint in role.iterchildren(_M + name):
        binding = endpoint.get("Binding") or ""
        if binding in (names.HTTP_REDIRECT, names.HTTP_POST) and binding not in found:
            response = endpoint.get("ResponseLocation")
            location = validate_url((endpoint.get("Location") or "").strip(xml.SPACE))
            found[binding] = (location, None if response is None else validate_url(response.strip(xml.SPACE)))
    return found


def _certificates(role: xml.Element) -> tuple[Certificate, ...]:
    # A KeyDescriptor without use is for signing as well (saml-metadata 2.4.1.1). While an identity provider rolls over
    # it lists several; one that we can't read must not hide those that we can.
    found: dict[Certificate, None] = {}
    first_error: CertificateInvalid | None = None
    for descriptor in role.iterchildren(_M + "KeyDescriptor"):
        if descriptor.get("use", "signing") == "signing":
            for each in descriptor.iterfind(f"{_DS}KeyInfo/{_DS}X509Data/{_DS}X509Certificate"):
                try:
                    found[parse_certificate(each.text or "")] = None
                except CertificateInvalid as error:
                    first_error = first_error or error
    if len(found) > _MAX_CERTIFICATES:
        raise MetadataTooLarge(
            "too many certificates", expected=f"{_MAX_CERTIFICATES} or fewer", received=str(len(found))
        )
    if not found:
        raise first_error or MetadataWithoutCertificate("no KeyDescriptor for signing with a certificate")
    return tuple(found)


def _display_name(entity: xml.Element, role: xml.Element) -> str | None:
    candidates = [
        *role.iterfind(f"{_M}Extensions/{_UI}UIInfo/{_UI}DisplayName"),
        *entity.iterfind(f"{_M}Organization/{_M}OrganizationDisplayName"),
    ]
    english = [each for each in candidates if (each.get(_LANG) or "en").lower().startswith("en")]
    for each in english or candidates:
        name = " ".join((each.text or "").split())
        if name and name.isprintable():
            return name[:200]
    return None
