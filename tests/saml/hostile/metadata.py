"""Metadata that must not be read: what attackers serve, what people paste by mistake, what has run out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.saml import forge
from tests.saml.hostile.corpus import Family, shortened
from vestibule.saml import certificates, metadata_errors, names
from vestibule.saml.metadata import IdpMetadata, parse_idp_metadata

MD = names.MD
SSO = "https://idp.example/sso"


def judge(data: bytes, **expectations: Any) -> IdpMetadata:
    """Read metadata at the forge's time; `entity_id` names the one that is wanted."""
    return parse_idp_metadata(data, expectations.get("entity_id"), now=forge.NOW)


FAMILY = Family(
    "metadata",
    "Metadata that attacks the parser, leads the browser elsewhere, brings unusable keys, has run out, or is something else.",
    "saml-metadata-2.0-os 2; RFC 3986",
    judge,
)


def key_descriptor(key: forge.IdpKey | None = None, use: str | None = "signing", text: str | None = None) -> str:
    """Return a KeyDescriptor; `text` replaces the certificate."""
    written = "" if use is None else f' use="{use}"'
    value = text if text is not None else (key or forge.key()).certificate_base64
    return (
        f'<md:KeyDescriptor{written}><ds:KeyInfo xmlns:ds="{names.DS}"><ds:X509Data><ds:X509Certificate>{value}'
        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )


def endpoint(name: str, binding: str, location: str, response: str | None = None) -> str:
    """Return an endpoint of the role."""
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
    """Return the metadata of an identity provider."""
    keys = key_descriptor() if keys is None else keys
    if endpoints is None:
        endpoints = endpoint("SingleSignOnService", names.HTTP_REDIRECT, SSO)
    return (
        f'<md:EntityDescriptor xmlns:md="{MD}" entityID="{entity_id}"{attributes}>'
        f'<md:IDPSSODescriptor protocolSupportEnumeration="{protocol}"{role_attributes}>{extra}{keys}{endpoints}'
        f"</md:IDPSSODescriptor>{organization}</md:EntityDescriptor>"
    )


def entities(*inside: str, attributes: str = "") -> str:
    """Return an aggregate."""
    return f'<md:EntitiesDescriptor xmlns:md="{MD}"{attributes}>{"".join(inside)}</md:EntitiesDescriptor>'


def _documents() -> None:
    for doctype in (
        '<!DOCTYPE x [<!ENTITY a "b">]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://evil.example/x.dtd">',
        "<!DOCTYPE md:EntityDescriptor [<!ATTLIST md:EntityDescriptor entityID CDATA 'x'>]>",
    ):
        FAMILY.add(f"the document type {shortened(doctype)}", metadata_errors.MetadataForbiddenXml, doctype + idp())
    FAMILY.add("a processing instruction", metadata_errors.MetadataForbiddenXml, idp() + "<?evil?>")
    commented = idp(keys=key_descriptor(text="AAAA<!-- x -->" + forge.key().certificate_base64))
    FAMILY.add("a comment in a certificate", metadata_errors.MetadataForbiddenXml, commented)
    FAMILY.add(
        "a comment in a name",
        metadata_errors.MetadataForbiddenXml,
        idp(endpoints="<md:NameIDFormat>a<!---->b</md:NameIDFormat>"),
    )
    for name, text in (
        ("a tag that does not end", "<md:EntityDescriptor"),
        ("all but the end", idp()[:-5]),
        ("a word", "hello"),
        ("two documents", idp() * 2),
        ("text behind", idp() + "x"),
        ("an undeclared prefix", idp(extra="<evil:x/>")),
        (
            "an ID twice",
            entities(idp("https://a.example", attributes=' ID="a"'), idp("https://b.example", attributes=' ID="a"')),
        ),
    ):
        FAMILY.add(name, metadata_errors.MetadataNotXml, text)
    FAMILY.add("written in UTF-16", metadata_errors.MetadataNotXml, idp().encode("utf-16"))
    FAMILY.add(
        "a declaration of another encoding",
        metadata_errors.MetadataNotXml,
        '<?xml version="1.0" encoding="UTF-7"?>' + idp(),
    )
    for name, data in (
        ("a byte too many", b"<" * (2 * 1024 * 1024 + 1)),
        ("100 levels", b"<a>" * 100 + b"</a>" * 100),
        ("21 attributes", f"<a {' '.join(f'b{i}=' + chr(34) * 2 for i in range(21))}/>"),
        ("65 prefixes", f"<a {' '.join(f'xmlns:p{i}={chr(34)}urn:{i}{chr(34)}' for i in range(65))}/>"),
        ("a namespace of 300 characters", f'<a xmlns="urn:{"x" * 300}"/>'),
        ("100,001 elements", "<a>" + "<b/>" * 100_001 + "</a>"),
        ("5,001 comments", "<a>" + "<!---->" * 5001 + "</a>"),
    ):
        FAMILY.add(name, metadata_errors.MetadataTooLarge, data)


def _mistakes() -> None:
    for name, text, error in (
        ("nothing", "", metadata_errors.MetadataEmpty),
        ("a line break", " \n", metadata_errors.MetadataEmpty),
        ("a web page", "<!DOCTYPE html><html><body>Sign in</body></html>", metadata_errors.MetadataIsHtml),
        ("an old web page", "<HTML><body>", metadata_errors.MetadataIsHtml),
        ("a page of XHTML", '<html xmlns="http://www.w3.org/1999/xhtml"/>', metadata_errors.MetadataIsHtml),
        ("an OpenID configuration", '{"issuer": "https://idp.example"}', metadata_errors.MetadataIsJson),
        ("a list", "[]", metadata_errors.MetadataIsJson),
        ("an address", "https://idp.example/metadata", metadata_errors.MetadataIsAnAddress),
        ("a feed", "<rss/>", metadata_errors.MetadataInvalid),
        ("a response", forge.Recipe().xml(), metadata_errors.MetadataInvalid),
        ("metadata of a look-alike namespace", idp().replace(MD, MD + "#"), metadata_errors.MetadataInvalid),
        (
            "metadata in no namespace",
            idp().replace(f' xmlns:md="{MD}"', "").replace("md:", ""),
            metadata_errors.MetadataInvalid,
        ),
        (
            "a role alone",
            idp()[idp().index("<md:IDPSSO") :]
            .replace("</md:EntityDescriptor>", "")
            .replace("<md:IDPSSODescriptor", f'<md:IDPSSODescriptor xmlns:md="{MD}"'),
            metadata_errors.MetadataInvalid,
        ),
    ):
        FAMILY.add(name, error, text)


def _entities() -> None:
    a, b = idp("https://a.example"), idp("https://b.example")
    FAMILY.add("two entities, and nobody said which", metadata_errors.MetadataOfSeveral, entities(a, b))
    FAMILY.add("two entities, the second in a group", metadata_errors.MetadataOfSeveral, entities(a, entities(b)))
    FAMILY.add("no entity", metadata_errors.MetadataOfSeveral, entities())
    FAMILY.add("another entity", metadata_errors.EntityNotFound, a, entity_id=forge.IDP)
    FAMILY.add("an aggregate without the entity", metadata_errors.EntityNotFound, entities(a, b), entity_id=forge.IDP)
    FAMILY.add("the entity twice", metadata_errors.EntityNotFound, entities(idp(), idp()), entity_id=forge.IDP)
    FAMILY.add(
        "the entity twice, once in a group",
        metadata_errors.EntityNotFound,
        entities(idp(), entities(idp(keys=key_descriptor(forge.key("evil"))))),
        entity_id=forge.IDP,
    )
    FAMILY.add("the entity in other case", metadata_errors.EntityNotFound, idp(forge.IDP.upper()), entity_id=forge.IDP)
    deep = idp()
    for _ in range(6):
        deep = entities(deep)
    FAMILY.add("six groups around one entity", metadata_errors.MetadataTooLarge, deep)
    for entity_id in ("", " https://idp.example", "x" * 1025, "a&#10;b", "a\u202eb", "a\u200bb"):
        FAMILY.add(f"the entity ID {shortened(entity_id)}", metadata_errors.MetadataInvalid, idp(entity_id))
    for protocol in ("urn:oasis:names:tc:SAML:1.1:protocol", names.SAMLP.upper(), names.SAMLP + "x", ""):
        FAMILY.add(f"the protocol {shortened(protocol)}", metadata_errors.MetadataWithoutSaml2, idp(protocol=protocol))
    FAMILY.add(
        "an entity without role",
        metadata_errors.MetadataWithoutSaml2,
        f'<md:EntityDescriptor xmlns:md="{MD}" entityID="x"/>',
    )
    role = (
        f'<md:EntityDescriptor xmlns:md="{MD}" entityID="x">'
        f'<md:SPSSODescriptor protocolSupportEnumeration="{names.SAMLP}"/></md:EntityDescriptor>'
    )
    FAMILY.add("a service provider", metadata_errors.MetadataOfServiceProvider, role)
    hidden = f'<md:EntityDescriptor xmlns:md="{MD}" entityID="x"><md:Extensions>{idp()}</md:Extensions></md:EntityDescriptor>'
    FAMILY.add("the identity provider hidden in Extensions", metadata_errors.MetadataWithoutSaml2, hidden)


def _times() -> None:
    now = f' validUntil="{forge.instant(forge.NOW)}"'
    for name, xml in (
        ("the entity", idp(attributes=now)),
        ("the role", idp(role_attributes=now)),
        ("the aggregate", entities(idp(), attributes=now)),
        ("the entity in an aggregate", entities(idp(attributes=now))),
        ("a group between", entities(entities(idp(), attributes=now))),
    ):
        FAMILY.add(f"{name} is valid until this instant", metadata_errors.MetadataExpired, xml)
    past = f' validUntil="{forge.instant(forge.NOW - timedelta(days=400))}"'
    FAMILY.add("valid until last year", metadata_errors.MetadataExpired, idp(attributes=past))
    for time in ("soon", "", "2036-01-01", "2036-01-01T00:00:00", "2036-01-01T00:00:00+00:00"):
        FAMILY.add(f"valid until {time!r}", metadata_errors.MetadataInvalid, idp(attributes=f' validUntil="{time}"'))
    for duration in ("", "P", "PT", "P1DT", "1D", "-P1D", "P1.5D", "PT1H1D", "p1d", "P99999999999D", "P1D "):
        document = idp(attributes=f' cacheDuration="{duration}"')
        FAMILY.add(f"kept for {duration!r}", metadata_errors.MetadataInvalid, document)


URLS_REFUSED = (
    "", "/sso", "//idp.example/sso", "idp.example/sso", "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd",
    "ftp://idp.example", "https://", "https:///sso", "https://user@idp.example/sso", "https://user:pw@idp.example/sso",
    "https://idp.example@evil.example/", "https://idp.example/#fragment", "https://idp.example\\@evil.example/",
    "https://idp.example/a b", "https://idp.example/\x7f", "https://idp.example/é", "https://idp.example:99999/",
    "https://[::1/", "https://idp.example/" + "x" * 2048, "HTTPS ://idp.example", "https://idp.example/&#10;Set-Cookie:x",
    "vbscript:x", "https:idp.example", "https:\\\\idp.example", "https://idp。example/",
)  # fmt: skip


def _addresses() -> None:
    good = endpoint("SingleSignOnService", names.HTTP_REDIRECT, SSO)
    for url in URLS_REFUSED:
        written = url.replace("\x7f", "&#127;")
        for name, endpoints in (
            ("sign-on", endpoint("SingleSignOnService", names.HTTP_REDIRECT, written)),
            ("logout", endpoint("SingleLogoutService", names.HTTP_POST, written) + good),
            ("logout response", endpoint("SingleLogoutService", names.HTTP_POST, SSO, written) + good),
        ):
            FAMILY.add(
                f"the {name} address {shortened(url)}", metadata_errors.MetadataUrlInvalid, idp(endpoints=endpoints)
            )
    FAMILY.add("no sign-on address", metadata_errors.MetadataWithoutSignOn, idp(endpoints=""))
    for binding in ("SOAP", "HTTP-Artifact", "http-redirect", "HTTP-POST-SimpleSign"):
        other = endpoint("SingleSignOnService", f"urn:oasis:names:tc:SAML:2.0:bindings:{binding}", SSO)
        FAMILY.add(
            f"a sign-on address for {binding} alone", metadata_errors.MetadataWithoutSignOn, idp(endpoints=other)
        )


def _keys() -> None:
    for name, keys, error in (
        ("no key", "", metadata_errors.MetadataWithoutCertificate),
        ("a key for encryption alone", key_descriptor(use="encryption"), metadata_errors.MetadataWithoutCertificate),
        ("a key for an unknown use", key_descriptor(use="Signing"), metadata_errors.MetadataWithoutCertificate),
        (
            "a name in place of a certificate",
            key_descriptor().replace("X509Certificate", "X509SubjectName"),
            metadata_errors.MetadataWithoutCertificate,
        ),
        (
            "a key that is retrieved",
            f'<md:KeyDescriptor><ds:KeyInfo xmlns:ds="{names.DS}"><ds:RetrievalMethod URI="file:///etc/passwd"/></ds:KeyInfo></md:KeyDescriptor>',
            metadata_errors.MetadataWithoutCertificate,
        ),
        (
            "a certificate of a look-alike namespace",
            key_descriptor().replace(names.DS, names.DS.rstrip("#")),
            metadata_errors.MetadataWithoutCertificate,
        ),
        ("garbage", key_descriptor(text="garbage"), certificates.CertificateInvalid),
        ("DER of nothing", key_descriptor(text="MAA="), certificates.CertificateInvalid),
        ("an empty certificate", key_descriptor(text=""), certificates.CertificateEmpty),
        ("RSA of 1024 bits", key_descriptor(forge.key("small", "rsa1024")), certificates.CertificateKeyTooSmall),
        ("a curve of Bitcoin", key_descriptor(forge.key("k1", "k1")), certificates.CertificateKeyUnsupported),
        ("a private key", key_descriptor(text=forge.key().private_pem), certificates.PrivateKeyGiven),
        ("70,000 characters", key_descriptor(text="A" * 70_000), certificates.CertificateTooLong),
    ):
        FAMILY.add(f"for signatures: {name}", error, idp(keys=keys))
    private = forge.key().private_key
    ders = [forge.self_signed(private, f"idp{i}") for i in range(17)]
    many = "".join(key_descriptor(forge.IdpKey(private, der)) for der in ders)
    FAMILY.add("for signatures: 17 certificates", metadata_errors.MetadataTooLarge, idp(keys=many))


def _values() -> None:
    for value in ("yes", "", "TRUE", "2"):
        written = f' WantAuthnRequestsSigned="{value}"'
        FAMILY.add(
            f"WantAuthnRequestsSigned of {value!r}", metadata_errors.MetadataInvalid, idp(role_attributes=written)
        )
    nested = "<md:NameIDFormat><md:x/></md:NameIDFormat>" + endpoint("SingleSignOnService", names.HTTP_POST, SSO)
    FAMILY.add("an element in NameIDFormat", metadata_errors.MetadataInvalid, idp(endpoints=nested))


_documents()
_mistakes()
_entities()
_times()
_addresses()
_keys()
_values()
