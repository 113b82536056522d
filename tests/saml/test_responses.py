"""Legitimate responses in every form that identity providers write: all are accepted, with exactly the signed values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.saml import forge
from tests.saml.forge import Attribute, Confirmation, Raw, Recipe, Signing
from tests.saml.verifying import certificate, expectations, refused, verify
from vestibule.saml import errors
from vestibule.saml.certificates import parse_certificate
from vestibule.saml.responses import decode_post, peek_response, verify_response

PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
MORE_2007 = "http://www.w3.org/2007/05/xmldsig-more#"


@pytest.mark.parametrize("sign", ["assertion", "response", "both"])
def test_each_way_of_signing_gives_the_signed_values(sign: forge.SignWhat) -> None:
    verified = verify(forge.response(sign=sign, session_not_on_or_after=forge.instant(forge.NOW + timedelta(hours=8))))
    assert verified.signed == sign
    assert verified.assertion_id == "_assertion1"
    assert verified.issuer == forge.IDP
    assert (verified.name_id, verified.name_id_format) == ("ada@example.com", forge.EMAIL_FORMAT)
    assert verified.session_index == "_session1"
    assert verified.session_not_on_or_after == forge.NOW + timedelta(hours=8)
    assert verified.authn_instant == forge.NOW - timedelta(minutes=1)
    assert verified.authn_context_class_ref == forge.PASSWORD_CONTEXT
    assert verified.not_on_or_after == forge.NOW + timedelta(minutes=5, seconds=120)
    assert verified.attributes == {
        "email": ("ada@example.com",),
        "displayName": ("Ada Park",),
        "groups": ("Engineering", "Everyone in Lisbon"),
    }
    assert verified.signature_algorithm == "RSA-SHA256"
    assert verified.certificate_fingerprint == certificate().fingerprint
    assert {check.outcome for check in verified.checks} == {"passed"}


@pytest.mark.parametrize("saml_prefix", ["saml", "saml2", "a", "", "ns0", "x-y.z"])
@pytest.mark.parametrize("samlp_prefix", ["samlp", "saml2p", "", "q"])
@pytest.mark.parametrize("sign", ["assertion", "response", "both"])
def test_any_prefix_and_default_namespaces_are_read(saml_prefix: str, samlp_prefix: str, sign: forge.SignWhat) -> None:
    data = forge.response(sign=sign, saml_prefix=saml_prefix, samlp_prefix=samlp_prefix)
    assert verify(data).name_id == "ada@example.com"


@pytest.mark.parametrize("prefix", ["ds", "dsig", ""])
@pytest.mark.parametrize("sign", ["assertion", "response", "both"])
def test_any_signature_prefix_is_read(prefix: str, sign: forge.SignWhat) -> None:
    assert verify(forge.response(sign=sign, signing=Signing(prefix=prefix))).signed == sign


@pytest.mark.parametrize("sign", ["assertion", "response", "both"])
def test_pretty_printed_responses_are_read(sign: forge.SignWhat) -> None:
    data = forge.response(sign=sign, pretty=True, signing=Signing(pretty=True, wrap_base64=True))
    assert b"\n  <" in data
    assert verify(data).attributes["groups"] == ("Engineering", "Everyone in Lisbon")


@pytest.mark.parametrize(
    "declaration",
    [
        "",
        '<?xml version="1.0"?>',
        '<?xml version="1.0" encoding="UTF-8"?>\n',
        "<?xml version='1.0' encoding='utf-8' standalone='yes' ?>",
    ],
)
def test_an_xml_declaration_may_be_there_or_not(declaration: str) -> None:
    assert verify(forge.response(declaration=declaration)).name_id == "ada@example.com"


def test_a_byte_order_mark_is_skipped() -> None:
    assert verify(b"\xef\xbb\xbf" + forge.response()).name_id == "ada@example.com"


@pytest.mark.parametrize("prefixes", ["xs", "xs xsi", "saml samlp xs", "#default", "", "nowhere"])
@pytest.mark.parametrize("sign", ["assertion", "response", "both"])
def test_inclusive_namespace_lists_are_honoured(prefixes: str, sign: forge.SignWhat) -> None:
    declared = ' xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    data = forge.response(sign=sign, signing=Signing(inclusive_prefixes=prefixes), response_attributes=declared)
    assert verify(data).name_id == "ada@example.com"


@pytest.mark.parametrize(
    ("kind", "algorithm", "label"),
    [
        ("rsa2048", MORE + "rsa-sha256", "RSA-SHA256"),
        ("rsa2048", MORE + "rsa-sha384", "RSA-SHA384"),
        ("rsa2048", MORE + "rsa-sha512", "RSA-SHA512"),
        ("rsa3072", MORE + "rsa-sha256", "RSA-SHA256"),
        ("rsa4096", MORE + "rsa-sha256", "RSA-SHA256"),
        ("rsa2048", MORE_2007 + "sha256-rsa-MGF1", "RSA-PSS-SHA256"),
        ("rsa2048", MORE_2007 + "sha384-rsa-MGF1", "RSA-PSS-SHA384"),
        ("rsa2048", MORE_2007 + "sha512-rsa-MGF1", "RSA-PSS-SHA512"),
        ("p256", MORE + "ecdsa-sha256", "ECDSA-SHA256"),
        ("p384", MORE + "ecdsa-sha384", "ECDSA-SHA384"),
        ("p521", MORE + "ecdsa-sha512", "ECDSA-SHA512"),
        ("p256", MORE + "ecdsa-sha512", "ECDSA-SHA512"),
    ],
)
def test_each_allowed_algorithm_verifies(kind: str, algorithm: str, label: str) -> None:
    key = forge.key("idp", kind)
    data = forge.response(signing=Signing(key=key, algorithm=algorithm))
    assert verify(data, certificates=(certificate(key),)).signature_algorithm == label


@pytest.mark.parametrize("digest", list(forge.DIGESTS)[1:])
def test_each_allowed_digest_verifies(digest: str) -> None:
    assert verify(forge.response(sign="both", signing=Signing(digest=digest))).signed == "both"


def test_each_configured_certificate_is_tried() -> None:
    old, curve = forge.key("old"), forge.key("curve", "p256")
    certificates = (certificate(curve), certificate(old), certificate())
    assert verify(forge.response(), certificates=certificates).certificate_fingerprint == certificate().fingerprint
    data = forge.response(signing=Signing(key=curve, algorithm=forge.ECDSA_SHA256))
    assert verify(data, certificates=certificates).certificate_fingerprint == certificate(curve).fingerprint


def test_an_expired_certificate_alone_refuses_nobody() -> None:
    later = certificate().not_after + timedelta(days=1)
    recipe = _recipe_at(later)
    assert verify(forge.response(recipe), now=later).name_id == "ada@example.com"


def test_where_an_admin_says_so_a_certificate_is_refused_from_the_instant_at_which_it_ends() -> None:
    ends = certificate().not_after
    before = ends - timedelta(seconds=1)
    for sign in ("assertion", "response", "both"):
        assert (
            verify(forge.response(_recipe_at(before), sign=sign), now=before, refuse_expired=True).name_id
            == "ada@example.com"
        )
        refused(forge.response(_recipe_at(ends), sign=sign), errors.CertificateExpired, now=ends, refuse_expired=True)


def test_a_renewed_certificate_over_the_same_key_is_the_one_that_counts_whichever_stands_first() -> None:
    ended = certificate()
    renewed = parse_certificate(forge.self_signed(forge.key().private_key, "idp", ended.not_after - timedelta(days=9)))
    data = forge.response(_recipe_at(ended.not_after))
    for both in ((ended, renewed), (renewed, ended)):
        verified = verify(data, certificates=both, now=ended.not_after, refuse_expired=True)
        assert verified.certificate_fingerprint == renewed.fingerprint


def _recipe_at(now: datetime) -> Recipe:
    until, moment = forge.instant(now + timedelta(minutes=5)), forge.instant(now)
    return Recipe(
        issue_instant=moment,
        assertion_issue_instant=moment,
        authn_instant=moment,
        not_before=moment,
        not_on_or_after=until,
        confirmations=(Confirmation(not_on_or_after=until),),
    )


def test_key_info_may_be_missing_or_name_another_certificate() -> None:
    assert verify(forge.response(signing=Signing(key_info="none"))).name_id == "ada@example.com"
    other = Signing(key_info_certificate=forge.key("other"))
    assert verify(forge.response(signing=other)).name_id == "ada@example.com"


@pytest.mark.parametrize(
    ("name_id", "expected"),
    [
        (Raw("<![CDATA[ada@example.com]]>"), "ada@example.com"),
        (Raw("ada<![CDATA[@]]>example.com"), "ada@example.com"),
        (Raw("ada&#64;example.com"), "ada@example.com"),
        (Raw("&lt;ada&gt; &amp; co"), "<ada> & co"),
        (Raw("\n        ada@example.com\n      "), "ada@example.com"),
        ("Zoë Łukasiewicz 李", "Zoë Łukasiewicz 李"),
        ("G" * 1024, "G" * 1024),
    ],
)
@pytest.mark.parametrize("sign", ["assertion", "both"])
def test_the_name_id_is_read_as_it_was_signed(name_id: str | Raw, expected: str, sign: forge.SignWhat) -> None:
    assert verify(forge.response(sign=sign, name_id=name_id)).name_id == expected


@pytest.mark.parametrize("name_id_format", [None, PERSISTENT, "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"])
def test_name_id_formats_and_qualifiers_are_kept(name_id_format: str | None) -> None:
    verified = verify(
        forge.response(name_id_format=name_id_format, name_qualifier=forge.IDP, sp_name_qualifier=forge.SP)
    )
    assert verified.name_id_format == name_id_format
    assert (verified.name_qualifier, verified.sp_name_qualifier) == (forge.IDP, forge.SP)


def test_attributes_of_one_name_are_merged_and_empty_ones_left_out() -> None:
    attributes = (
        Attribute("Role", ("admin",)),
        Attribute("Role", ("viewer",), name_format=None),
        Attribute("typed", ("one", "two"), typed=True),
        Attribute("nothing", (None,)),
        Attribute("empty", ("",)),
        Attribute("mixed", ("", "x", None)),
        Attribute("none at all", ()),
        Attribute("urn:oid:0.9.2342.19200300.100.1.3", ("ada@example.com",), friendly_name="mail"),
        Attribute("cdata", (Raw("<![CDATA[R&D <core>]]>"),)),
        Attribute("layout", (Raw("\n   in a line of its own\n  "),)),
        Attribute("space", (" kept ",)),
    )
    assert dict(verify(forge.response(attributes=attributes)).attributes) == {
        "Role": ("admin", "viewer"),
        "typed": ("one", "two"),
        "nothing": (),
        "empty": (),
        "mixed": ("x",),
        "none at all": (),
        "urn:oid:0.9.2342.19200300.100.1.3": ("ada@example.com",),
        "cdata": ("R&D <core>",),
        "layout": ("in a line of its own",),
        "space": (" kept ",),
    }


def test_an_edu_person_targeted_id_gives_its_name_id() -> None:
    value = Raw(f'<saml:NameID Format="{PERSISTENT}" NameQualifier="{forge.IDP}">7f3a</saml:NameID>')
    name = "urn:oid:1.3.6.1.4.1.5923.1.1.1.10"
    assert verify(forge.response(attributes=(Attribute(name, (value,)),))).attributes[name] == ("7f3a",)


def test_a_response_without_attributes_is_read() -> None:
    assert verify(forge.response(attributes=())).attributes == {}


def test_several_attribute_statements_are_merged() -> None:
    value = "<saml:AttributeValue>Third</saml:AttributeValue>"
    second = (
        f'<saml:AttributeStatement><saml:Attribute Name="groups">{value}</saml:Attribute></saml:AttributeStatement>'
    )
    verified = verify(forge.response(end_of_assertion=second))
    assert verified.attributes["groups"] == ("Engineering", "Everyone in Lisbon", "Third")


def test_one_passing_bearer_among_several_confirmations_is_enough() -> None:
    holder = Confirmation(method="urn:oasis:names:tc:SAML:2.0:cm:holder-of-key", data=False)
    elsewhere = Confirmation(
        recipient="https://other.example/acs", not_on_or_after=forge.instant(forge.NOW + timedelta(hours=1))
    )
    verified = verify(forge.response(confirmations=(holder, elsewhere, Confirmation()), not_on_or_after=None))
    assert verified.name_id == "ada@example.com"
    assert verified.not_on_or_after == forge.NOW + timedelta(hours=1, seconds=120)


def test_a_confirmation_may_name_an_address_and_a_name_id() -> None:
    assert verify(forge.response(confirmations=(Confirmation(address="192.0.2.7"),))).name_id == "ada@example.com"


def test_every_audience_restriction_names_us() -> None:
    audiences = (("https://other.example", forge.SP), (forge.SP,))
    assert verify(forge.response(audiences=audiences)).name_id == "ada@example.com"


def test_white_space_around_uris_is_layout() -> None:
    data = Recipe(
        audiences=((f"\n  {forge.SP}\n ",),), assertion_issuer=f" {forge.IDP} ", response_issuer=f"\n{forge.IDP}\n"
    )
    assert verify(forge.response(data)).issuer == forge.IDP


def test_one_time_use_and_proxy_restriction_are_accepted() -> None:
    conditions = (
        '<saml:OneTimeUse/><saml:ProxyRestriction Count="0"><saml:Audience>x</saml:Audience></saml:ProxyRestriction>'
    )
    assert verify(forge.response(extra_conditions=conditions)).name_id == "ada@example.com"


def test_conditions_may_have_no_times() -> None:
    verified = verify(forge.response(not_before=None, not_on_or_after=None))
    assert verified.not_on_or_after == forge.NOW + timedelta(minutes=5, seconds=120)


def test_times_may_have_fractions_and_lie_at_the_end_of_time() -> None:
    end = "9999-12-31T23:59:59.9999999Z"
    data = forge.response(
        issue_instant="2026-11-23T14:18:07.1234567Z",
        not_on_or_after=end,
        confirmations=(Confirmation(not_on_or_after=end),),
    )
    assert verify(data).not_on_or_after == datetime.max.replace(tzinfo=UTC)


def test_times_at_the_beginning_of_time_are_refused_without_an_accident() -> None:
    first = "0001-01-01T00:00:00Z"
    refused(forge.response(issue_instant=first), errors.IssuedLongAgo)
    refused(forge.response(confirmations=(Confirmation(not_on_or_after=first),)), errors.Expired)


def test_an_unsigned_response_may_leave_out_issuer_and_destination() -> None:
    assert verify(forge.response(response_issuer=None, destination=None)).signed == "assertion"


def test_extensions_of_other_namespaces_are_passed_over() -> None:
    foreign = '<x:note xmlns:x="https://example.com/note" level="1">hello</x:note>'
    data = forge.response(
        sign="both",
        extensions=f"<samlp:Extensions>{foreign}</samlp:Extensions>",
        advice=f"<saml:Advice>{foreign}</saml:Advice>",
    )
    assert verify(data).name_id == "ada@example.com"


def test_comments_between_elements_are_dropped() -> None:
    data = forge.response(end_of_response="<!-- made by an identity provider -->", sign="both")
    assert verify(data).name_id == "ada@example.com"


def test_an_authn_context_may_have_more_than_a_class() -> None:
    whole = Recipe().xml()
    context = f"<saml:AuthnContextClassRef>{forge.PASSWORD_CONTEXT}</saml:AuthnContextClassRef>"
    more = f"{context}<saml:AuthenticatingAuthority>https://upstream.example</saml:AuthenticatingAuthority>"
    locality = '<saml:SubjectLocality Address="192.0.2.7"/><saml:AuthnContext>'
    xml = whole.replace(context, more).replace("<saml:AuthnContext>", locality)
    assert verify(forge.sign_xml(xml, "_assertion1")).authn_context_class_ref == forge.PASSWORD_CONTEXT


def test_a_missing_authn_context_class_is_none() -> None:
    assert verify(forge.response(authn_context=None)).authn_context_class_ref is None


def test_the_earliest_end_of_several_authn_statements_counts() -> None:
    soon = forge.instant(forge.NOW + timedelta(hours=1))
    second = (
        f'<saml:AuthnStatement AuthnInstant="{forge.instant(forge.NOW)}" SessionNotOnOrAfter="{soon}" SessionIndex="2">'
        "<saml:AuthnContext/></saml:AuthnStatement>"
    )
    verified = verify(forge.response(end_of_assertion=second))
    assert verified.session_not_on_or_after == forge.NOW + timedelta(hours=1)
    assert verified.session_index == "_session1"


def test_a_thousand_attributes_and_three_hundred_groups_are_read() -> None:
    attributes = (
        *(Attribute(f"attribute{i}", (f"value {i}",)) for i in range(1000)),
        Attribute("groups", tuple(f"group {i}" for i in range(300)), typed=True),
    )
    verified = verify(forge.response(attributes=attributes, sign="both"))
    assert len(verified.attributes) == 1001
    assert len(verified.attributes["groups"]) == 300


def test_the_form_field_may_have_line_breaks() -> None:
    field = forge.post_field(forge.response())
    wrapped = "\r\n".join(field[i : i + 76] for i in range(0, len(field), 76))
    assert decode_post(wrapped) == decode_post(field.encode()) == forge.response()


@pytest.mark.parametrize("field", ["not base64!", "PHg+PC94Pg=", "PHg-PC94Pg==", "é", "PHg+PC94Pg==PHg+"])
def test_a_form_field_that_is_not_base64_is_refused(field: str) -> None:
    with pytest.raises(errors.NotBase64):
        decode_post(field)


def test_a_form_field_that_is_too_long_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(errors.TooLarge):
        decode_post("!" * 400_000)


def test_peeking_tells_what_the_response_claims_and_saves_a_parse() -> None:
    data = forge.response(sign="both")
    peeked = peek_response(data)
    assert peeked.unverified_in_response_to == forge.REQUEST_ID
    assert peeked.unverified_issuer == forge.IDP
    assert peeked.unverified_response_id == "_response1"
    once = verify_response(peeked, expectations())
    again = verify_response(peeked, expectations())
    assert once == again == verify(data)


def test_peeking_at_something_else_is_refused() -> None:
    with pytest.raises(errors.NotAResponse):
        peek_response(Recipe().assertion_xml().encode())
    assert peek_response(forge.response(response_issuer=None)).unverified_issuer is None


def test_verification_can_be_repeated_on_the_same_bytes() -> None:
    data = forge.response(sign="both")
    assert verify(data) == verify(data)
    assert replace(expectations(), certificates=(certificate(),)) == expectations()
