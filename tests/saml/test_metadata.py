"""Metadata: what identity providers publish, what people paste by mistake, what attackers serve; and ours."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.saml import forge
from tests.saml.verifying import certificate
from vestibule.saml import certificates, metadata_errors, names
from vestibule.saml.errors import SamlError
from vestibule.saml.metadata import IdpMetadata, parse_idp_metadata, sp_metadata, validate_url

MD = names.MD
SSO = "https://idp.example/sso"


def key_descriptor(key: forge.IdpKey | None = None, use: str | None = "signing", text: str | None = None) -> str:
    written = "" if use is None else f' use="{use}"'
    value = text if text is not None else (key or forge.key()).certificate_base64
    return (
        f'<md:KeyDescriptor{written}><ds:KeyInfo xmlns:ds="{names.DS}"><ds:X509Data><ds:X509Certificate>{value}'
        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )


def endpoint(name: str, binding: str, location: str, response: str | None = None) -> str:
    more = "" if response is None else f' ResponseLocation="{response}"'
    return f'<md:{name} Binding="{binding}" Location="{location}"{more}/>'


def idp(
    entity_id: str = forge.IDP,
    keys: str | None = None,
    endpoints: str | None = None,
    attributes: str = "",
    role_attributes: str = "",
    extra: str = "",
    organization: str = "",
    protocol: str = names.SAMLP,
) -> str:
    keys = key_descriptor() if keys is None else keys
    if endpoints is None:
        endpoints = endpoint("SingleSignOnService", names.HTTP_REDIRECT, SSO)
    return (
        f'<md:EntityDescriptor xmlns:md="{MD}" entityID="{entity_id}"{attributes}>'
        f'<md:IDPSSODescriptor protocolSupportEnumeration="{protocol}"{role_attributes}>{extra}{keys}{endpoints}'
        f"</md:IDPSSODescriptor>{organization}</md:EntityDescriptor>"
    )


def parse(xml: str | bytes, entity_id: str | None = None) -> IdpMetadata:
    return parse_idp_metadata(xml.encode() if isinstance(xml, str) else xml, entity_id, now=forge.NOW)


def refused(xml: str | bytes, error: type[SamlError], entity_id: str | None = None) -> SamlError:
    with pytest.raises(SamlError) as caught:
        parse(xml, entity_id)
    assert type(caught.value) is error, f"{caught.value!r}: {caught.value.reason}"
    return caught.value


def test_all_that_an_identity_provider_says_is_read() -> None:
    endpoints = (
        endpoint("SingleLogoutService", names.HTTP_REDIRECT, "https://idp.example/slo", "https://idp.example/slo/done")
        + endpoint("SingleLogoutService", names.HTTP_POST, "https://idp.example/slo/post")
        + f"<md:NameIDFormat>\n {names.NAME_ID_EMAIL} </md:NameIDFormat>"
        + endpoint("SingleSignOnService", "urn:oasis:names:tc:SAML:2.0:bindings:SOAP", "not read")
        + endpoint("SingleSignOnService", names.HTTP_POST, SSO + "/post")
        + endpoint("SingleSignOnService", names.HTTP_REDIRECT, SSO)
        + endpoint("SingleSignOnService", names.HTTP_REDIRECT, SSO + "/second")
    )
    name = (
        f'<md:Extensions><mdui:UIInfo xmlns:mdui="{names.MDUI}"><mdui:DisplayName xml:lang="pt">Empresa</mdui:DisplayName>'
        '<mdui:DisplayName xml:lang="en">Okta\n Dev</mdui:DisplayName></mdui:UIInfo></md:Extensions>'
    )
    until = forge.instant(forge.NOW + timedelta(days=1))
    found = parse(
        idp(
            endpoints=endpoints,
            extra=name,
            role_attributes=' WantAuthnRequestsSigned="true"',
            attributes=f' validUntil="{until}"',
        )
    )
    assert found == IdpMetadata(
        entity_id=forge.IDP,
        sso_redirect_url=SSO,
        sso_post_url=SSO + "/post",
        slo_redirect_url="https://idp.example/slo",
        slo_redirect_response_url="https://idp.example/slo/done",
        slo_post_url="https://idp.example/slo/post",
        slo_post_response_url=None,
        certificates=(certificate(),),
        want_authn_requests_signed=True,
        name_id_formats=(names.NAME_ID_EMAIL,),
        valid_until=forge.NOW + timedelta(days=1),
        display_name="Okta Dev",
    )


def test_the_least_that_is_needed_is_enough() -> None:
    found = parse('\n  <?xml version="1.0" encoding="utf-8"?>\n' + idp())
    assert (found.sso_redirect_url, found.sso_post_url, found.want_authn_requests_signed) == (SSO, None, False)
    assert (found.valid_until, found.display_name, found.slo_redirect_url) == (None, None, None)


def test_certificates_for_signing_and_for_any_use_are_kept_each_once() -> None:
    keys = (
        key_descriptor(forge.key("first"), use=None)
        + key_descriptor(forge.key("enc"), use="encryption")
        + key_descriptor(forge.key("second"))
        + key_descriptor(forge.key("first"))
    )
    assert [each.subject for each in parse(idp(keys=keys)).certificates] == ["CN=first", "CN=second"]


def test_an_unusable_certificate_does_not_hide_a_usable_one() -> None:
    keys = key_descriptor(forge.key("small", "rsa1024")) + key_descriptor()
    assert parse(idp(keys=keys)).certificates == (certificate(),)
    refused(idp(keys=key_descriptor(forge.key("small", "rsa1024"))), certificates.CertificateKeyTooSmall)


def test_the_organization_names_it_when_nothing_else_does() -> None:
    organization = (
        '<md:Organization><md:OrganizationDisplayName xml:lang="de">Werk</md:OrganizationDisplayName></md:Organization>'
    )
    assert parse(idp(organization=organization)).display_name == "Werk"


def entities(*inside: str, attributes: str = "") -> str:
    return f'<md:EntitiesDescriptor xmlns:md="{MD}"{attributes}>{"".join(inside)}</md:EntitiesDescriptor>'


def test_the_named_entity_of_an_aggregate_is_read() -> None:
    both = entities(idp("https://a.example"), entities(idp("https://b.example")))
    assert parse(both, "https://b.example").entity_id == "https://b.example"
    assert parse(entities(idp())).entity_id == forge.IDP


def test_an_aggregate_without_a_name_says_how_many_there_are() -> None:
    error = refused(entities(idp("https://a.example"), idp("https://b.example")), metadata_errors.MetadataOfSeveral)
    assert "2 entities" in str(error)
    assert "0 entities" in str(refused(entities(), metadata_errors.MetadataOfSeveral))


def test_an_entity_that_is_not_there_or_there_twice_is_refused() -> None:
    refused(idp(), metadata_errors.EntityNotFound, "https://other.example")
    refused(entities(idp()), metadata_errors.EntityNotFound, "https://other.example")
    refused(entities(idp(), idp()), metadata_errors.EntityNotFound, forge.IDP)


def test_groups_within_groups_within_groups_are_refused() -> None:
    deep = idp()
    for _ in range(6):
        deep = entities(deep)
    refused(deep, metadata_errors.MetadataTooLarge)


def test_valid_until_is_respected_at_every_level_and_its_instant_is_over() -> None:
    now = f' validUntil="{forge.instant(forge.NOW)}"'
    later = f' validUntil="{forge.instant(forge.NOW + timedelta(seconds=1))}"'
    for xml in (
        idp(attributes=now),
        idp(role_attributes=now),
        entities(idp(), attributes=now),
        entities(idp(attributes=now)),
    ):
        assert "2026-11-23" in str(refused(xml, metadata_errors.MetadataExpired))
    assert parse(entities(idp(role_attributes=later))).valid_until == forge.NOW + timedelta(seconds=1)
    refused(idp(attributes=' validUntil="soon"'), metadata_errors.MetadataInvalid)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", metadata_errors.MetadataEmpty),
        (" \n", metadata_errors.MetadataEmpty),
        ("<!DOCTYPE html><html><body>Sign in</body></html>", metadata_errors.MetadataIsHtml),
        ("<HTML><body>", metadata_errors.MetadataIsHtml),
        ('<html xmlns="http://www.w3.org/1999/xhtml"/>', metadata_errors.MetadataIsHtml),
        ('{"issuer": "https://idp.example"}', metadata_errors.MetadataIsJson),
        ("[]", metadata_errors.MetadataIsJson),
        ("https://idp.example/metadata", metadata_errors.MetadataIsAnAddress),
        ("hello", metadata_errors.MetadataNotXml),
        ("<md:EntityDescriptor", metadata_errors.MetadataNotXml),
        (idp()[:-5], metadata_errors.MetadataNotXml),
        ("<rss/>", metadata_errors.MetadataInvalid),
        ('<!DOCTYPE x [<!ENTITY a "b">]>' + idp(), metadata_errors.MetadataForbiddenXml),
        (idp() + "<?evil?>", metadata_errors.MetadataForbiddenXml),
        (forge.Recipe().xml(), metadata_errors.MetadataInvalid),
    ],
)
def test_what_is_pasted_by_mistake_is_recognized(text: str, error: type[SamlError]) -> None:
    assert str(refused(text, error))


def test_our_own_metadata_pasted_back_is_recognized() -> None:
    refused(sp_metadata(forge.SP, forge.ACS), metadata_errors.MetadataOfServiceProvider)


def test_other_protocols_are_refused() -> None:
    refused(idp(protocol="urn:oasis:names:tc:SAML:1.1:protocol"), metadata_errors.MetadataWithoutSaml2)
    refused(f'<md:EntityDescriptor xmlns:md="{MD}" entityID="x"/>', metadata_errors.MetadataWithoutSaml2)


def test_no_sign_on_address_is_refused() -> None:
    refused(idp(endpoints=""), metadata_errors.MetadataWithoutSignOn)
    soap = endpoint("SingleSignOnService", "urn:oasis:names:tc:SAML:2.0:bindings:SOAP", SSO)
    refused(idp(endpoints=soap), metadata_errors.MetadataWithoutSignOn)


def test_no_certificate_is_refused() -> None:
    refused(idp(keys=""), metadata_errors.MetadataWithoutCertificate)
    refused(idp(keys=key_descriptor(use="encryption")), metadata_errors.MetadataWithoutCertificate)
    refused(idp(keys=key_descriptor(text="garbage")), certificates.CertificateInvalid)
    refused(idp(keys=key_descriptor(text="")), certificates.CertificateEmpty)


@pytest.mark.parametrize("entity_id", ["", " https://idp.example", "x" * 1025, "a&#10;b"])
def test_an_unusable_entity_id_is_refused(entity_id: str) -> None:
    refused(idp(entity_id), metadata_errors.MetadataInvalid)


URLS_REFUSED = [
    "",
    "/sso",
    "//idp.example/sso",
    "idp.example/sso",
    "javascript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "ftp://idp.example",
    "https://",
    "https:///sso",
    "https://user@idp.example/sso",
    "https://user:pw@idp.example/sso",
    "https://idp.example@evil.example/",
    "https://idp.example/#fragment",
    "https://idp.example\\@evil.example/",
    "https://idp.example/a b",
    "https://idp.example/\x7f",
    "https://idp.example/é",
    "https://idp.example:99999/",
    "https://[::1/",
    "https://idp.example/" + "x" * 2048,
    "HTTPS ://idp.example",
]


@pytest.mark.parametrize("url", URLS_REFUSED)
def test_an_address_that_is_not_plain_is_refused(url: str) -> None:
    with pytest.raises(metadata_errors.MetadataUrlInvalid):
        validate_url(url)
    written = url.replace("\x7f", "&#127;")
    refused(
        idp(endpoints=endpoint("SingleSignOnService", names.HTTP_REDIRECT, written)), metadata_errors.MetadataUrlInvalid
    )
    good = endpoint("SingleSignOnService", names.HTTP_REDIRECT, SSO)
    refused(
        idp(endpoints=endpoint("SingleLogoutService", names.HTTP_POST, SSO, written) + good),
        metadata_errors.MetadataUrlInvalid,
    )


@pytest.mark.parametrize(
    "url",
    [
        SSO,
        "http://localhost:8080/sso",
        "https://[2001:db8::1]/sso",
        SSO + "?tenant=%20a&b=c",
        "https://IDP.example/ADFS",
    ],
)
def test_a_plain_address_is_kept_as_it_is(url: str) -> None:
    assert validate_url(url) == url


def test_control_characters_in_an_address_are_refused() -> None:
    for character in "\r\n\t\0":
        with pytest.raises(metadata_errors.MetadataUrlInvalid):
            validate_url(f"https://idp.example/{character}x")


def test_large_metadata_is_read_and_larger_is_refused() -> None:
    many = entities(*(idp(f"https://idp{i}.example") for i in range(500)))
    assert parse(many, "https://idp499.example").entity_id == "https://idp499.example"
    refused(b"<" * (2 * 1024 * 1024 + 1), metadata_errors.MetadataTooLarge)
    refused("<a>" * 100 + "</a>" * 100, metadata_errors.MetadataTooLarge)


def test_too_many_certificates_are_refused() -> None:
    private = forge.key().private_key
    ders = [forge.self_signed(private, f"idp{i}") for i in range(17)]
    keys = "".join(key_descriptor(forge.IdpKey(private, der)) for der in ders)
    refused(idp(keys=keys), metadata_errors.MetadataTooLarge)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_raise_only_our_own_errors(data: bytes) -> None:
    with pytest.raises(SamlError):
        parse(data)


@given(st.data())
def test_mutated_metadata_raises_only_our_own_errors(data: st.DataObject) -> None:
    text = idp()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    try:
        parse(text[:start] + data.draw(st.text(max_size=20)) + text[end:])
    except SamlError:
        return


# Ours


def test_our_metadata_says_what_an_identity_provider_needs() -> None:
    data = sp_metadata(
        forge.SP,
        forge.ACS,
        (certificate(), certificate(forge.key("next"))),
        name_id_formats=(names.NAME_ID_EMAIL, names.NAME_ID_PERSISTENT),
        display_name="R&D <DEV>",
        authn_requests_signed=True,
    )
    root = etree.fromstring(data)
    role = root[0]
    assert root.get("entityID") == forge.SP
    assert role.get("protocolSupportEnumeration") == names.SAMLP
    assert (role.get("AuthnRequestsSigned"), role.get("WantAssertionsSigned")) == ("true", "true")
    order = [child.tag.rpartition("}")[2] for child in role]
    assert order == [
        "Extensions",
        "KeyDescriptor",
        "KeyDescriptor",
        "NameIDFormat",
        "NameIDFormat",
        "AssertionConsumerService",
    ]
    assert role[0].xpath("string()") == "R&D <DEV>"
    assert dict(role[-1].attrib.items()) == {
        "Binding": names.HTTP_POST,
        "Location": forge.ACS,
        "index": "0",
        "isDefault": "true",
    }
    found = [each.text for each in role.iter(f"{{{names.DS}}}X509Certificate")]
    assert found == [forge.key().certificate_base64, forge.key("next").certificate_base64]


def test_our_metadata_without_keys_is_the_same_each_time() -> None:
    assert sp_metadata(forge.SP, forge.ACS) == sp_metadata(forge.SP, forge.ACS)
    assert b"KeyDescriptor" not in sp_metadata(forge.SP, forge.ACS)
    assert b'WantAssertionsSigned="false"' in sp_metadata(forge.SP, forge.ACS, want_assertions_signed=False)
