"""Messages that must pass: every form that identity providers write, and what a hostile message only almost is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final

from tests.saml import forge
from tests.saml.forge import Attribute, Confirmation, Raw, Recipe, Signing
from tests.saml.forge_encryption import XENC, XENC11, Encryption, encrypt, encrypted_key_xml, encrypted_response
from tests.saml.hostile.corpus import EVERY_WAY, SIGNATURE, SIGNED, sub, swap
from tests.saml.verifying import certificate

MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
MORE_2007: Final = "http://www.w3.org/2007/05/xmldsig-more#"
XS: Final = ' xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
SKEW: Final = timedelta(seconds=120)
SECOND: Final = timedelta(seconds=1)
_OID: Final = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
_UNSPECIFIED: Final = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
_PERSISTENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
_CLAIMS: Final = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_MS: Final = "http://schemas.microsoft.com/"
_NAME_ID: Final = f'<saml:NameID xmlns:saml="{forge.SAML}">ada@example.com</saml:NameID>'


@dataclass(frozen=True, slots=True)
class Legitimate:
    """One message that must pass. `says` are values of the verified assertion; `overrides` are expectations that differ."""

    name: str
    build: Callable[[], bytes] = field(repr=False)
    says: dict[str, Any] = field(default_factory=dict)
    overrides: Callable[[], dict[str, Any]] = field(default=dict, repr=False)

    def __str__(self) -> str:
        return self.name


PASSING: Final[list[Legitimate]] = []


def add(name: str, build: Callable[[], bytes], overrides: Callable[[], dict[str, Any]] = dict, **says: Any) -> None:
    """Add one message."""
    PASSING.append(Legitimate(name, build, says, overrides))


def _signed_by(kind: str, algorithm: str, sign: forge.SignWhat) -> bytes:
    return forge.response(sign=sign, signing=Signing(key=forge.key("idp", kind), algorithm=algorithm))


def _signed_twice(inner: str | None, outer: str | None, recipe: Recipe) -> bytes:
    data = forge.sign_xml(recipe.xml(), recipe.assertion_id, Signing(inclusive_prefixes=inner))
    return forge.sign_xml(data, recipe.response_id, Signing(inclusive_prefixes=outer))


def _certificate_of(kind: str) -> dict[str, Any]:
    return {"certificates": (certificate(forge.key("idp", kind)),)}


def _signatures() -> None:
    for kind, algorithm, label in (
        ("rsa2048", MORE + "rsa-sha256", "RSA-SHA256"),
        ("rsa2048", MORE + "rsa-sha384", "RSA-SHA384"),
        ("rsa2048", MORE + "rsa-sha512", "RSA-SHA512"),
        ("rsa3072", MORE + "rsa-sha256", "RSA-SHA256"),
        ("rsa3072", MORE_2007 + "sha384-rsa-MGF1", "RSA-PSS-SHA384"),
        ("rsa4096", MORE + "rsa-sha512", "RSA-SHA512"),
        ("rsa4096", MORE_2007 + "sha512-rsa-MGF1", "RSA-PSS-SHA512"),
        ("rsa2048", MORE_2007 + "sha256-rsa-MGF1", "RSA-PSS-SHA256"),
        ("rsa2048", MORE_2007 + "sha384-rsa-MGF1", "RSA-PSS-SHA384"),
        ("rsa2048", MORE_2007 + "sha512-rsa-MGF1", "RSA-PSS-SHA512"),
        ("p256", MORE + "ecdsa-sha256", "ECDSA-SHA256"),
        ("p256", MORE + "ecdsa-sha384", "ECDSA-SHA384"),
        ("p256", MORE + "ecdsa-sha512", "ECDSA-SHA512"),
        ("p384", MORE + "ecdsa-sha256", "ECDSA-SHA256"),
        ("p384", MORE + "ecdsa-sha384", "ECDSA-SHA384"),
        ("p384", MORE + "ecdsa-sha512", "ECDSA-SHA512"),
        ("p521", MORE + "ecdsa-sha256", "ECDSA-SHA256"),
        ("p521", MORE + "ecdsa-sha384", "ECDSA-SHA384"),
        ("p521", MORE + "ecdsa-sha512", "ECDSA-SHA512"),
    ):
        for sign in EVERY_WAY:
            add(
                f"{label} with {kind}, {sign} signed",
                partial(_signed_by, kind, algorithm, sign),
                partial(_certificate_of, kind),
                signature_algorithm=label,
                signed=sign,
            )
    for digest in (
        "http://www.w3.org/2001/04/xmlenc#sha256",
        MORE + "sha384",
        "http://www.w3.org/2001/04/xmlenc#sha512",
    ):
        add(
            f"a digest of {digest.rpartition('#')[2]}",
            partial(forge.response, sign="both", signing=Signing(digest=digest)),
            signed="both",
        )
    for prefixes in ("xs", "xs xsi", "saml samlp xs", "#default", "#default saml xs", "", "nowhere"):
        for sign in EVERY_WAY:
            add(
                f"the inclusive prefixes {prefixes!r}, {sign} signed",
                partial(forge.response, None, sign, Signing(inclusive_prefixes=prefixes), response_attributes=XS),
            )
    for inner, outer in (("xs", None), ("xs xsi", "xs"), (None, "xs"), ("#default", "xs")):
        for recipe in (Recipe(response_attributes=XS), Recipe(assertion_attributes=XS)):
            where = "response" if recipe.response_attributes else "assertion"
            name = f"the inclusive prefixes {inner!r} inside {outer!r}, declared on the {where}"
            add(name, partial(_signed_twice, inner, outer, recipe), signed="both")
    add("no KeyInfo", lambda: forge.response(signing=Signing(key_info="none")))


def _keys_and_certificates() -> None:
    add(
        "a KeyInfo that names another certificate",
        lambda: forge.response(signing=Signing(key_info_certificate=forge.key("other"))),
    )
    add("an empty KeyInfo", lambda: forge.response(signing=Signing(raw_key_info="<ds:KeyInfo/>")))
    add(
        "the outer of two signatures stripped leaves a signed assertion",
        lambda: sub(SIGNED["both"], SIGNATURE, ""),
        signed="assertion",
    )
    add(
        "the second of two certificates made it",
        lambda: SIGNED["both"],
        lambda: {"certificates": (certificate(forge.key("old")), certificate())},
    )


def _forms() -> None:
    for saml, samlp, ds in (
        ("saml", "samlp", "ds"),
        ("saml2", "saml2p", "ds"),
        ("", "", ""),
        ("a", "b", "c"),
        ("ns0", "ns1", "ns2"),
        ("x-y.z", "q", "dsig"),
        ("", "samlp", "ds"),
        ("saml", "", "ds"),
    ):
        for sign in EVERY_WAY:
            add(
                f"the prefixes {saml!r}, {samlp!r}, {ds!r}, {sign} signed",
                partial(forge.response, Recipe(saml_prefix=saml, samlp_prefix=samlp), sign, Signing(prefix=ds)),
            )
    for sign in EVERY_WAY:
        add(
            f"pretty-printed, {sign} signed",
            partial(forge.response, None, sign, Signing(pretty=True, wrap_base64=True), pretty=True),
        )
        for digest in ("xmlenc#sha256", "xmlenc#sha512"):
            add(
                f"line ends of Java in base64, a digest of {digest}, {sign} signed",
                partial(
                    forge.response,
                    None,
                    sign,
                    Signing(digest=f"http://www.w3.org/2001/04/{digest}", wrap_base64=True, line_end="\r\n"),
                ),
                signed=sign,
            )
    for declaration in (
        '<?xml version="1.0"?>',
        '<?xml version="1.0" encoding="UTF-8"?>\n',
        "<?xml version='1.0' encoding='utf-8' standalone='yes' ?>",
        "\ufeff",
        '\ufeff<?xml version="1.0" encoding="UTF-8"?>',
    ):
        add(f"the declaration {declaration!a}", partial(forge.response, declaration=declaration))
    add(
        "a comment between elements",
        lambda: forge.response(end_of_response="<!-- made by an identity provider -->", sign="both"),
    )
    add(
        "a comment added between elements after signing",
        lambda: swap(
            SIGNED["assertion"], "<saml:AttributeStatement>", "<saml:AttributeStatement><!-- <saml:Attribute/> -->"
        ),
    )


def _freedoms() -> None:
    add(
        "a default namespace that shadows nothing, added after signing",
        lambda: swap(SIGNED["assertion"], "<ds:Signature ", f'<ds:Signature xmlns="{forge.DS}" '),
    )
    add(
        "IDs that differ in case alone",
        lambda: forge.response(Recipe(assertion_id="_A", response_id="_a"), sign="both"),
        assertion_id="_A",
    )
    add("an ID that begins with a digit", lambda: forge.response(assertion_id="1a-b.c"), assertion_id="1a-b.c")
    foreign = '<x:note xmlns:x="https://example.com/note" level="1">hello</x:note>'
    add(
        "extensions and advice of other namespaces",
        lambda: forge.response(
            sign="both",
            extensions=f"<samlp:Extensions>{foreign}</samlp:Extensions>",
            advice=f"<saml:Advice>{foreign}</saml:Advice>",
        ),
    )
    add(
        "no issuer and no destination on an unsigned response",
        lambda: forge.response(response_issuer=None, destination=None),
        signed="assertion",
    )
    add(
        "a consent",
        lambda: forge.response(
            sign="both", response_attributes=' Consent="urn:oasis:names:tc:SAML:2.0:consent:unspecified"'
        ),
    )
    entity = '<saml:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">'
    add(
        "an issuer that says it is an entity",
        lambda: forge.sign_xml(Recipe().xml().replace("<saml:Issuer>", entity), "_assertion1"),
    )
    for name, detail in (
        ("a status message and detail", foreign),
        ("a status detail of no namespace", "<Cause>fine</Cause>"),
    ):
        add(
            name,
            partial(_detailed, f"<samlp:StatusDetail>{detail}</samlp:StatusDetail></samlp:Status>"),
            signed="response",
        )


def _detailed(detail: str) -> bytes:
    return forge.sign_xml(Recipe(status_message="fine").xml().replace("</samlp:Status>", detail), "_response1")


def _values() -> None:
    add("CDATA in the NameID", lambda: forge.response(name_id=Raw("<![CDATA[ada@example.com]]>")))
    add(
        "CDATA and references in a value",
        lambda: forge.response(attributes=(Attribute("a", (Raw("<![CDATA[<&>]]>&amp;&#64;&#x21;"),)),)),
        attributes={"a": ("<&>&@!",)},
    )
    add(
        "a value repeated in attributes of one name",
        lambda: forge.response(
            attributes=(Attribute("Role", ("a",)), Attribute("mail", ("m",)), Attribute("Role", ("b", "a")))
        ),
        attributes={"Role": ("a", "b", "a"), "mail": ("m",)},
    )
    add(
        "nil and empty values",
        lambda: forge.response(attributes=(Attribute("a", (None, "", "x")), Attribute("b", ()))),
        attributes={"a": ("x",), "b": ()},
    )
    add(
        "typed values",
        lambda: forge.response(attributes=(Attribute("a", ("x", "y"), typed=True),)),
        attributes={"a": ("x", "y")},
    )
    number = (
        f'<saml:AttributeStatement><saml:Attribute Name="n"><saml:AttributeValue{XS} xsi:type="xs:integer">42'
        "</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>"
    )
    add(
        "a number in a second statement",
        lambda: forge.response(attributes=(), end_of_assertion=number),
        attributes={"n": ("42",)},
    )
    targeted = Raw('<saml:NameID NameQualifier="q" SPNameQualifier="s">abc</saml:NameID>')
    add(
        "eduPersonTargetedID, whose value is a NameID",
        lambda: forge.response(attributes=(Attribute("urn:oid:1.3.6.1.4.1.5923.1.1.1.10", (targeted,), _OID),)),
        attributes={"urn:oid:1.3.6.1.4.1.5923.1.1.1.10": ("abc",)},
    )
    add(
        "values in other scripts",
        lambda: forge.response(name_id="ада@пример.example", attributes=(Attribute("名", ("李\u3000雷 😀",)),)),
        name_id="ада@пример.example",
        attributes={"名": ("李\u3000雷 😀",)},
    )
    add(
        "an attribute of a foreign namespace on an attribute",
        lambda: forge.sign_xml(
            Recipe().xml().replace('Name="email"', 'Name="email" xmlns:o="urn:o" o:source="ldap"'), "_assertion1"
        ),
    )


def _name_ids() -> None:
    add(
        "a thousand attributes and 300 groups",
        lambda: forge.response(
            sign="both",
            attributes=(
                *(Attribute(f"a{i}", (f"v{i}",)) for i in range(1000)),
                Attribute("groups", tuple(f"g{i}" for i in range(300))),
            ),
        ),
    )
    add(
        "a persistent NameID",
        lambda: forge.response(
            name_id="G-1234", name_id_format=_PERSISTENT, name_qualifier=forge.IDP, sp_name_qualifier=forge.SP
        ),
        name_id="G-1234",
        name_id_format=_PERSISTENT,
        name_qualifier=forge.IDP,
        sp_name_qualifier=forge.SP,
    )
    add("a NameID without format", lambda: forge.response(name_id_format=None), name_id_format=None)
    add("a NameID with layout around it", lambda: forge.response(name_id="\n      ada@example.com\n    "))
    add("a NameID of 1024 characters", lambda: forge.response(name_id="x" * 1024), name_id="x" * 1024)


def confirmed(**changes: Any) -> Callable[[], bytes]:
    """Return what builds a response with one confirmation."""
    return lambda: forge.response(confirmations=(Confirmation(**changes),))


def _rules() -> None:
    last = forge.instant(forge.NOW - SKEW + SECOND)
    add(
        "the last second before its end",
        lambda: forge.response(not_on_or_after=last, confirmations=(Confirmation(not_on_or_after=last),)),
        not_on_or_after=forge.NOW + SECOND,
    )
    add("the first instant of its validity", lambda: forge.response(not_before=forge.instant(forge.NOW + SKEW)))
    add(
        "the last second of the session there",
        lambda: forge.response(session_not_on_or_after=forge.instant(forge.NOW + SECOND)),
        session_not_on_or_after=forge.NOW + SECOND,
    )
    add(
        "issued at the edge of the future",
        lambda: forge.response(
            issue_instant=forge.instant(forge.NOW + SKEW), authn_instant=forge.instant(forge.NOW + SKEW)
        ),
    )
    add("issued a day ago", lambda: forge.response(issue_instant=forge.instant(forge.NOW - timedelta(days=1))))
    add(
        "without skew, a second before its end",
        confirmed(not_on_or_after=forge.instant(forge.NOW)),
        lambda: {"now": forge.NOW - SECOND, "clock_skew_seconds": 1},
    )
    add(
        "times with seven decimals",
        lambda: forge.response(issue_instant="2026-11-23T14:18:07.1234567Z", authn_instant="2026-11-23T14:17:07.1Z"),
    )
    add("no times in the conditions", lambda: forge.response(not_before=None, not_on_or_after=None))
    add("two audiences, one of them ours", lambda: forge.response(audiences=(("https://other.example", forge.SP),)))
    add(
        "two restrictions that both name us",
        lambda: forge.response(audiences=((forge.SP,), (forge.SP, "https://other.example"))),
    )
    add(
        "white space around addresses",
        lambda: forge.response(
            audiences=((f"\n  {forge.SP}\n ",),), assertion_issuer=f" {forge.IDP} ", response_issuer=f"\n{forge.IDP}\n"
        ),
    )


def _contexts() -> None:
    add(
        "unasked, where that is accepted",
        lambda: forge.response(in_response_to=None, confirmations=(Confirmation(in_response_to=None),)),
        lambda: {"in_response_to": None, "unsolicited": True},
    )
    add(
        "a sign-in as old as the request that forced it, with the skew",
        lambda: forge.response(authn_instant=forge.instant(forge.NOW - SKEW)),
        lambda: {"authn_after": forge.NOW, "context_classes": (forge.PASSWORD_CONTEXT,)},
    )
    once = '<saml:OneTimeUse/><saml:ProxyRestriction Count="0"><saml:Audience>x</saml:Audience></saml:ProxyRestriction>'
    add("OneTimeUse and ProxyRestriction", lambda: forge.response(extra_conditions=once))
    key_info = f'<ds:KeyInfo xmlns:ds="{forge.DS}"><ds:KeyName>k</ds:KeyName></ds:KeyInfo>'
    holder = Confirmation(method="urn:oasis:names:tc:SAML:2.0:cm:holder-of-key", inner=key_info)
    add("a holder-of-key beside a bearer", lambda: forge.response(confirmations=(holder, Confirmation())))
    add(
        "a bearer for another address beside ours",
        lambda: forge.response(confirmations=(Confirmation(recipient="https://old.example/acs"), Confirmation())),
    )
    add("a bearer with an address", confirmed(address="192.0.2.7"))
    add("no class of authentication", lambda: forge.response(authn_context=None), authn_context_class_ref=None)
    context = f"<saml:AuthnContextClassRef>{forge.PASSWORD_CONTEXT}</saml:AuthnContextClassRef>"
    more = f"{context}<saml:AuthenticatingAuthority>https://upstream.example</saml:AuthenticatingAuthority>"
    locality = '<saml:SubjectLocality Address="192.0.2.7" DNSName="a.example"/><saml:AuthnContext>'
    add(
        "where and by whom somebody signed in",
        lambda: forge.sign_xml(
            Recipe().xml().replace(context, more).replace("<saml:AuthnContext>", locality), "_assertion1"
        ),
    )
    second = (
        f'<saml:AuthnStatement AuthnInstant="{forge.instant(forge.NOW)}"><saml:AuthnContext/></saml:AuthnStatement>'
    )
    add("two AuthnStatements", lambda: forge.response(end_of_assertion=second), session_index="_session1")


def _encrypted() -> None:
    for sign in EVERY_WAY:
        for cipher in ("aes128-gcm", "aes256-gcm"):
            changes: dict[str, Any] = {"cipher": cipher}
            add(
                f"{cipher}, {sign} signed",
                partial(encrypted_response, None, sign, Encryption(**changes)),
                encryption=cipher.upper().replace("AES", "AES-"),
                signed=sign,
            )
    for wrap, digest, mask in (
        (XENC + "rsa-oaep-mgf1p", "sha256", "sha1"),
        (XENC11 + "rsa-oaep", "sha1", "sha1"),
        (XENC11 + "rsa-oaep", "sha1", "sha256"),
        (XENC11 + "rsa-oaep", "sha256", "sha1"),
        (XENC11 + "rsa-oaep", "sha256", "sha256"),
    ):
        changes = {"wrap": wrap, "digest": digest, "mask": mask}
        add(
            f"{wrap.rpartition('#')[2]} with {digest} and a mask of {mask}",
            partial(encrypted_response, encryption=Encryption(**changes)),
        )
    for placement in ("inside", "beside", "listed"):
        for recipient in (None, forge.SP):
            changes = {"placement": placement, "recipient": recipient, "pretty": placement == "listed"}
            add(
                f"the key {placement}, for {recipient or 'nobody in particular'}",
                partial(encrypted_response, encryption=Encryption(**changes)),
            )
    other = encrypted_key_xml(bytes(32), Encryption(recipient="https://other.example", placement="listed")).replace(
        "_key1", "_key2"
    )
    add(
        "a key for somebody else beside ours",
        lambda: encrypted_response(encryption=Encryption(recipient=forge.SP, more_keys=other)),
    )
    for cipher in ("aes128-cbc", "aes256-cbc"):
        for sign in EVERY_WAY[1:]:
            changes = {"cipher": cipher}
            add(
                f"{cipher} where it is allowed, {sign} signed",
                partial(encrypted_response, None, sign, Encryption(**changes)),
                lambda: {"allow_cbc": True},
            )
    for sign in EVERY_WAY:
        add(
            f"an EncryptedID, {sign} signed",
            partial(forge.response, None, sign, name_id=None, subject_extra=encrypt(_NAME_ID, name="EncryptedID")),
        )
    add(
        "an EncryptedID in an encrypted assertion",
        lambda: encrypted_response(Recipe(name_id=None, subject_extra=encrypt(_NAME_ID, name="EncryptedID"))),
    )
    add(
        "a declaration in the plaintext",
        lambda: encrypted_response(plaintext=lambda xml: f'<?xml version="1.0" encoding="UTF-8"?>\n{xml}\n'),
    )


_UPPER: Final = "https://ADFS.example/adfs/services/trust"
_NAME: Final = f"{_CLAIMS}name"
_VENDORS: Final[tuple[tuple[str, Recipe, forge.SignWhat, dict[str, Any]], ...]] = (
    (
        "Entra ID: claims by URI, groups as ids, assertion signed",
        Recipe(
            name_id_format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
            attributes=(
                Attribute(f"{_MS}identity/claims/tenantid", ("0000-1",), None),
                Attribute(f"{_MS}identity/claims/objectidentifier", ("1111-2",), None),
                Attribute(f"{_MS}identity/claims/displayname", ("Ada Park",), None),
                Attribute(f"{_MS}ws/2008/06/identity/claims/groups", ("aaaa-1", "bbbb-2"), None),
                Attribute(f"{_CLAIMS}emailaddress", ("ada@example.com",), None),
            ),
        ),
        "assertion",
        {},
    ),
    (
        "Entra ID: more than 150 groups come as a link",
        Recipe(attributes=(Attribute(f"{_MS}claims/groups.link", ("https://graph.example/x",), None),)),
        "assertion",
        {},
    ),
    (
        "Okta: saml2 prefixes, typed values, both signed",
        Recipe(
            saml_prefix="saml2",
            samlp_prefix="saml2p",
            attributes=(
                Attribute("groups", ("a", "b"), "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified", typed=True),
            ),
        ),
        "both",
        {"attributes": {"groups": ("a", "b")}},
    ),
    (
        "Google Workspace: response signed",
        Recipe(saml_prefix="saml2", samlp_prefix="saml2p"),
        "response",
        {"signed": "response"},
    ),
    (
        "OneLogin: names like User.FirstName",
        Recipe(attributes=(Attribute("User.FirstName", ("Ada",)), Attribute("memberOf", ("a;b",)))),
        "response",
        {"attributes": {"User.FirstName": ("Ada",), "memberOf": ("a;b",)}},
    ),
    (
        "JumpCloud: assertion signed, values typed",
        Recipe(attributes=(Attribute("memberOf", ("a", "b"), typed=True),)),
        "assertion",
        {},
    ),
    ("PingOne: no AuthnContext class", Recipe(authn_context=None), "assertion", {}),
    (
        "AD FS: default namespace for the assertion, upper-case claims",
        Recipe(saml_prefix="", attributes=(Attribute(_NAME, ("ADA",), None),)),
        "assertion",
        {"attributes": {_NAME: ("ADA",)}},
    ),
    (
        "Keycloak: Role repeated once for each value",
        Recipe(attributes=tuple(Attribute("Role", (role,), typed=True) for role in ("a", "b", "c"))),
        "both",
        {"attributes": {"Role": ("a", "b", "c")}},
    ),
    (
        "Shibboleth: names are OIDs, NameID transient",
        Recipe(
            name_id="AAdzZWNyZXQx",
            name_id_format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
            attributes=(
                Attribute("urn:oid:0.9.2342.19200300.100.1.3", ("ada@example.com",), _OID, "mail"),
                Attribute("urn:oid:1.3.6.1.4.1.5923.1.5.1.1", ("a", "b"), _OID, "isMemberOf"),
            ),
        ),
        "response",
        {"name_id": "AAdzZWNyZXQx"},
    ),
    (
        "Duo: names as mapped, response signed",
        Recipe(attributes=(Attribute("mail", ("ada@example.com",)), Attribute("Groups", ("a", "b"), None))),
        "response",
        {"attributes": {"mail": ("ada@example.com",), "Groups": ("a", "b")}},
    ),
    (
        "CyberArk: names as mapped, NameID unspecified, both signed",
        Recipe(name_id="ada", name_id_format=_UNSPECIFIED, attributes=(Attribute("LoginName", ("ada",)),)),
        "both",
        {"name_id": "ada", "name_id_format": _UNSPECIFIED},
    ),
    (
        "LemonLDAP::NG: OIDs with friendly names, NameID persistent",
        Recipe(
            name_id="_4f2c",
            name_id_format=_PERSISTENT,
            attributes=(Attribute("urn:oid:2.5.4.42", ("Ada",), _OID, "givenName"),),
        ),
        "assertion",
        {"name_id": "_4f2c", "name_id_format": _PERSISTENT},
    ),
    (
        "SimpleSAMLphp: pretty OIDs, both signed",
        Recipe(attributes=(Attribute("urn:oid:2.16.840.1.113730.3.1.241", ("Ada Park",), _OID),), pretty=True),
        "both",
        {},
    ),
)


def _vendors() -> None:
    for vendor, recipe, sign, says in _VENDORS:
        add(vendor, partial(forge.response, recipe, sign), **says)
    add(
        "AD FS: an issuer with an upper-case host",
        lambda: forge.response(response_issuer=_UPPER, assertion_issuer=_UPPER),
        lambda: {"idp_entity_id": _UPPER},
        issuer=_UPPER,
    )
    add(
        "Shibboleth: encrypted by default, response signed",
        lambda: encrypted_response(sign="response", encryption=Encryption(cipher="aes128-gcm", recipient=forge.SP)),
        signed="response",
    )


_signatures()
_keys_and_certificates()
_forms()
_freedoms()
_values()
_name_ids()
_rules()
_contexts()
_encrypted()
_vendors()
