"""Metadata: what identity providers publish, what people paste by mistake, what attackers serve; and ours."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.saml import forge
from tests.saml.hostile import signed_metadata
from tests.saml.hostile.metadata import SSO, endpoint, entities, idp, key_descriptor
from tests.saml.verifying import certificate
from vestibule.saml import metadata_errors, names
from vestibule.saml.errors import SamlError
from vestibule.saml.metadata import IdpMetadata, parse_idp_metadata, sp_metadata, validate_url


def parse(xml: str | bytes, entity_id: str | None = None) -> IdpMetadata:
    return parse_idp_metadata(xml.encode() if isinstance(xml, str) else xml, entity_id, now=forge.NOW)


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
            attributes=f' validUntil="{until}" cacheDuration="P1D"',
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
        cache_duration=timedelta(days=1),
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


def test_the_organization_names_it_when_nothing_else_does() -> None:
    organization = (
        '<md:Organization><md:OrganizationDisplayName xml:lang="de">Werk</md:OrganizationDisplayName></md:Organization>'
    )
    assert parse(idp(organization=organization)).display_name == "Werk"


def test_the_named_entity_of_an_aggregate_is_read() -> None:
    both = entities(idp("https://a.example"), entities(idp("https://b.example")))
    assert parse(both, "https://b.example").entity_id == "https://b.example"
    assert parse(entities(idp())).entity_id == forge.IDP


def test_an_aggregate_without_a_name_says_how_many_there_are() -> None:
    with pytest.raises(metadata_errors.MetadataOfSeveral) as caught:
        parse(entities(idp("https://a.example"), idp("https://b.example")))
    assert "2 entities" in str(caught.value)


def test_the_earliest_end_of_validity_is_kept() -> None:
    later = f' validUntil="{forge.instant(forge.NOW + timedelta(seconds=1))}"'
    latest = f' validUntil="{forge.instant(forge.NOW + timedelta(days=1))}"'
    found = parse(entities(idp(role_attributes=later, attributes=latest)))
    assert found.valid_until == forge.NOW + timedelta(seconds=1)


def test_our_own_metadata_pasted_back_is_recognized() -> None:
    with pytest.raises(metadata_errors.MetadataOfServiceProvider):
        parse(sp_metadata(forge.SP, forge.ACS))


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


def test_large_metadata_is_read() -> None:
    many = entities(*(idp(f"https://idp{i}.example") for i in range(500)))
    assert parse(many, "https://idp499.example").entity_id == "https://idp499.example"


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


def test_only_what_the_pinned_certificate_signed_is_read_and_without_one_signatures_are_passed_over() -> None:
    assert parse(signed_metadata.GOOD).entity_id == forge.IDP
    assert signed_metadata.judge(signed_metadata.GOOD).entity_id == forge.IDP
    aggregate = signed_metadata.signed(entities(idp(), attributes=signed_metadata.ID))
    assert signed_metadata.judge(aggregate).entity_id == forge.IDP
    unsigned = idp(attributes=signed_metadata.ID)
    assert parse(signed_metadata.signed(unsigned, forge.Signing(key=forge.key("evil")))).entity_id == forge.IDP


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("P1D", timedelta(days=1)),
        ("PT6H", timedelta(hours=6)),
        ("PT604800.000S", timedelta(days=7)),
        ("P1Y2M3DT4H5M6S", timedelta(days=365)),
        ("P1M", timedelta(days=28)),
        ("PT0S", timedelta()),
        ("P9999999999Y", timedelta(days=365)),
    ],
)
def test_how_long_metadata_may_be_kept_is_the_least_that_anything_around_it_says(
    text: str, duration: timedelta
) -> None:
    assert parse(idp()).cache_duration is None
    said = f' cacheDuration="{text}"'
    assert parse(idp(role_attributes=said)).cache_duration == duration
    assert parse(entities(idp(attributes=' cacheDuration="P1Y"'), attributes=said)).cache_duration == duration
