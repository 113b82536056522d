"""Understanding what an admin brings back from an IdP: a metadata address, XML, a file, or single values. Saves nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Final, TypeVar

from vestibule.directory.connections import IdentityProvider, IdpCertificate, IdpValues, LogoutEndpoints
from vestibule.directory.rollover import values_of
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.throttling import FETCH_PER_WORKSPACE, count_attempt
from vestibule.kernel.errors import FieldError, Invalid, Throttled
from vestibule.kernel.text import N_, has_unsafe_characters
from vestibule.outside.fetching import FetchRefused
from vestibule.saml.certificates import Certificate, parse_certificate, parse_certificates
from vestibule.saml.errors import SamlError
from vestibule.saml.metadata import IdpMetadata, parse_idp_metadata, validate_url
from vestibule.saml.metadata_errors import EntityNotFound, MetadataOfSeveral, MetadataUrlInvalid

MAX_ENTITY_ID: Final = 1024
MAX_CERTIFICATES: Final = 16
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class TypedIdp:
    """What an admin brings back (untrusted). `way` is url, xml, file or values, and says which of the fields count.

    `wanted_entity_id` names the entity of metadata that describes several; `metadata_certificate` is what signs the document
    at a metadata URL, where it is signed.
    """

    way: str
    metadata_url: str = ""
    metadata_certificate: str = ""
    metadata_xml: str = ""
    metadata_file: bytes = field(default=b"", repr=False)
    wanted_entity_id: str = ""
    sso_url: str = ""
    binding: str = "redirect"
    entity_id: str = ""
    certificate: str = ""
    slo_url: str = ""
    certificate_file: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Understood:
    """The values that metadata gives, and until when it says itself that they may be kept."""

    values: IdpValues
    fresh_until: datetime | None


def understand(
    runtime: Runtime, workspace_id: str, typed: TypedIdp, in_use: IdentityProvider | None = None
) -> IdpValues:
    """Return what an admin's input says of the IdP. Fetches where a metadata URL was given, so not for use in a transaction.

    Of the IdP `in_use` single values keep what they have no field for. Raises Invalid, beside the field that is wrong.
    """
    if typed.way == "values":
        return _with_what_has_no_field(_by_hand(typed), in_use)
    if typed.way == "url":
        url = _judged("metadata_url", lambda: validate_url(typed.metadata_url.strip()))
        pinned = _pinned(typed)
        data = _fetched(runtime, workspace_id, url)
        read = _from_metadata(runtime, "metadata_url", data, typed.wanted_entity_id, pinned)
        return replace(read.values, metadata_url=url, metadata_certificate=pinned.der if pinned else None)
    if typed.way == "file":
        return _from_metadata(runtime, "metadata_file", typed.metadata_file, typed.wanted_entity_id).values
    if typed.way == "xml":
        return _from_metadata(runtime, "metadata_xml", typed.metadata_xml.encode(), typed.wanted_entity_id).values
    raise Invalid(FieldError("way", N_("Choose how you bring the values of your identity provider.")))


def _pinned(typed: TypedIdp) -> Certificate | None:
    if not typed.metadata_certificate.strip():
        return None
    return _judged("metadata_certificate", lambda: parse_certificate(typed.metadata_certificate))


def read_metadata(runtime: Runtime, idp: IdentityProvider) -> Understood:
    """Return what the metadata URL of an IdP says now; of an entity of another name, where that is all it describes.

    Where a certificate is pinned for the metadata, only what that has signed.
    Fetches, so not for use in a transaction. Raises Invalid, field `metadata_url` or `wanted_entity_id`.
    """
    url = idp.metadata_url or ""
    pinned = parse_certificate(idp.metadata_certificate) if idp.metadata_certificate else None
    try:
        data = runtime.fetch(url)
    except FetchRefused as error:
        raise Invalid(FieldError("metadata_url", error.public, **error.params)) from error
    try:
        read = _from_metadata(runtime, "metadata_url", data, idp.entity_id or "", pinned)
    except Invalid as error:
        if all(one.field != "wanted_entity_id" for one in error.errors):
            raise
        read = _only_entity(runtime, data, pinned)
    values = replace(read.values, metadata_url=url, metadata_certificate=idp.metadata_certificate)
    return Understood(values, read.fresh_until)


def _only_entity(runtime: Runtime, data: bytes, pinned: Certificate | None) -> Understood:
    try:
        return _from_metadata(runtime, "metadata_url", data, "", pinned)
    except Invalid as error:
        sentence = N_("The metadata describes several entities, and none of them has the entity ID that is in use.")
        raise Invalid(FieldError("metadata_url", sentence)) from error


def digest_of(values: IdpValues) -> str:
    """Return a digest of all that would be saved, to tell whether a later reading still says what an admin was shown."""
    prints = sorted(one.fingerprint for one in values.certificates)
    said = (
        values.entity_id,
        values.sso_redirect_url,
        values.sso_post_url,
        values.wants_signed_requests,
        values.logout,
        values.metadata_certificate,
        prints,
    )
    return sha256(repr(said).encode()).hexdigest()


def version_of(idp: IdentityProvider) -> str:
    """Return a digest of the values of an IdP that are in use, to tell whether they are still those that a form was made of."""
    values = values_of(idp)
    said = (values.metadata_url, digest_of(values)) if values else None
    return sha256(repr((idp.id, said)).encode()).hexdigest()


def _fetched(runtime: Runtime, workspace_id: str, url: str) -> bytes:
    try:
        count_attempt(runtime, (FETCH_PER_WORKSPACE, workspace_id))
        return runtime.fetch(url)
    except (FetchRefused, Throttled) as error:
        raise Invalid(FieldError("metadata_url", error.public, **error.params)) from error


def _from_metadata(
    runtime: Runtime, field_name: str, data: bytes, wanted_entity_id: str, pinned: Certificate | None = None
) -> Understood:
    wanted, now = wanted_entity_id.strip() or None, runtime.clock()
    try:
        found = parse_idp_metadata(data, wanted, now=now, signed_by=(pinned,) if pinned else ())
    except (MetadataOfSeveral, EntityNotFound) as error:
        raise Invalid(FieldError("wanted_entity_id", error.public, **error.params)) from error
    except SamlError as error:
        raise Invalid(FieldError(field_name, error.public, **error.params)) from error
    cached_until = None if found.cache_duration is None else now + found.cache_duration
    ends = [end for end in (found.valid_until, cached_until) if end is not None]
    return Understood(_values(found), min(ends, default=None))


def _values(found: IdpMetadata) -> IdpValues:
    return IdpValues(
        entity_id=found.entity_id,
        sso_redirect_url=found.sso_redirect_url,
        sso_post_url=found.sso_post_url,
        certificates=tuple(_certificate(one) for one in found.certificates),
        wants_signed_requests=found.want_authn_requests_signed,
        logout=LogoutEndpoints(
            found.slo_redirect_url,
            found.slo_redirect_response_url,
            found.slo_post_url,
            found.slo_post_response_url,
        ),
    )


def _by_hand(typed: TypedIdp) -> IdpValues:
    judgements: tuple[Callable[[], object], ...] = (
        lambda: _sso_url(typed.sso_url),
        lambda: _binding(typed.binding),
        lambda: _entity_id(typed.entity_id),
        lambda: _certificates(typed),
        lambda: _logout(typed),
    )
    errors: list[FieldError] = []
    for judgement in judgements:
        try:
            judgement()
        except Invalid as error:
            errors.extend(error.errors)
    if errors:
        raise Invalid(*errors)
    url = _sso_url(typed.sso_url)
    return IdpValues(
        entity_id=_entity_id(typed.entity_id),
        sso_redirect_url=url if typed.binding == "redirect" else None,
        sso_post_url=url if typed.binding == "post" else None,
        certificates=_certificates(typed),
        logout=_logout(typed),
    )


def _with_what_has_no_field(values: IdpValues, in_use: IdentityProvider | None) -> IdpValues:
    # Metadata that was pasted once says more than the fields do, and who brings the next certificate by hand keeps it.
    if in_use is None or in_use.entity_id != values.entity_id:
        return values
    values = replace(values, wants_signed_requests=in_use.wants_signed_requests)
    shown = (in_use.sso_redirect_url, None if in_use.sso_redirect_url else in_use.sso_post_url)
    if (values.sso_redirect_url, values.sso_post_url) != shown:
        return values
    same_logout = _first_of(values.logout) == _first_of(in_use.logout)
    return replace(
        values,
        sso_redirect_url=in_use.sso_redirect_url,
        sso_post_url=in_use.sso_post_url,
        logout=in_use.logout if same_logout else values.logout,
    )


def _first_of(logout: LogoutEndpoints) -> str | None:
    return logout.redirect_url or logout.post_url


def _sso_url(typed: str) -> str:
    if not typed.strip():
        raise Invalid(FieldError("sso_url", N_("Enter the sign-on URL of your identity provider.")))
    return _judged("sso_url", lambda: validate_url(typed.strip()))


def _logout(typed: TypedIdp) -> LogoutEndpoints:
    # Whoever enters one address by hand has one binding for everything as a rule.
    if not typed.slo_url.strip():
        return LogoutEndpoints()
    url = _judged("slo_url", lambda: validate_url(typed.slo_url.strip()))
    return LogoutEndpoints(post_url=url) if typed.binding == "post" else LogoutEndpoints(redirect_url=url)


def _binding(typed: str) -> None:
    if typed not in {"redirect", "post"}:
        raise Invalid(FieldError("binding", N_("Choose how people are sent to the sign-on URL.")))


def _entity_id(typed: str) -> str:
    entity_id = typed.strip()
    if not entity_id:
        raise Invalid(
            FieldError("entity_id", N_("Enter the entity ID of your identity provider. Some call it issuer."))
        )
    if len(entity_id) > MAX_ENTITY_ID or len(entity_id.split()) > 1 or has_unsafe_characters(entity_id):
        raise Invalid(
            FieldError(
                "entity_id",
                N_("An entity ID has no spaces and 1024 characters or fewer. It often looks like an address."),
            )
        )
    return entity_id


def _certificates(typed: TypedIdp) -> tuple[IdpCertificate, ...]:
    found: dict[str, IdpCertificate] = {}
    if typed.certificate.strip() or not typed.certificate_file:
        for one in _judged("certificate", lambda: parse_certificates(typed.certificate)):
            found[one.fingerprint] = _certificate(one)
    if typed.certificate_file:
        for one in _judged("certificate_file", lambda: parse_certificates(typed.certificate_file)):
            found[one.fingerprint] = _certificate(one)
    if len(found) > MAX_CERTIFICATES:
        raise Invalid(
            FieldError("certificate", N_("Enter %(count)s certificates or fewer."), count=str(MAX_CERTIFICATES))
        )
    return tuple(found.values())


def _judged(field_name: str, judgement: Callable[[], _T]) -> _T:
    try:
        return judgement()
    except MetadataUrlInvalid as error:
        raise Invalid(
            FieldError(field_name, N_("Enter a full address, such as https://idp.example.com/saml."))
        ) from error
    except SamlError as error:
        raise Invalid(FieldError(field_name, error.public, **error.params)) from error


def _certificate(one: Certificate) -> IdpCertificate:
    return IdpCertificate(one.der, one.subject, one.fingerprint, one.not_before, one.not_after)
