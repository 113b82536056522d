"""Several assertions in every order and mix of signers, and other messages of SAML in place of a response."""

from __future__ import annotations

from itertools import product

from tests.saml import forge
from tests.saml.forge import Recipe, Signing
from tests.saml.forge_encryption import encrypt
from tests.saml.hostile.corpus import ASSERTION, EVE, EVIL, FORGED, SIGNED, Family, shortened, sub, swap
from vestibule.saml import errors

SEVERAL = Family(
    "several assertions",
    "More or fewer than one assertion, in every order and mix of signers: one is verified, another is read.",
    "saml-profiles 4.1.4.2; saml-core 3.3.3",
)
MESSAGES = Family(
    "other messages",
    "Another signed message of the same identity provider, posted as a response: logout, a request, metadata, SAML 1.1.",
    "saml-core 3; saml-profiles 4.1.4.3",
)
_FIRST = Recipe(assertion_id="_assertion1")
_SECOND = Recipe(assertion_id="_assertion2", name_id=EVE)


def _written(recipe: Recipe, signer: str) -> str:
    xml = recipe.assertion_xml()
    if signer == "nobody":
        return xml
    return forge.sign_xml(
        xml, recipe.assertion_id, Signing(key=EVIL if signer == "a stranger" else forge.key())
    ).decode()


def _response(inside: str, sign: bool) -> bytes:
    data = sub(Recipe().xml().encode(), ASSERTION, inside)
    return forge.sign_xml(data, "_response1") if sign else data


def _several() -> None:
    for first, second in product(("the provider", "a stranger", "nobody"), repeat=2):
        for signed in (False, True):
            SEVERAL.add(
                f"two assertions, signed by {first} and {second}, {'in a signed response' if signed else 'response not signed'}",
                errors.AssertionCount,
                _response(_written(_FIRST, first) + _written(_SECOND, second), signed),
            )
    for signed in (False, True):
        of_response = "signed" if signed else "unsigned"
        SEVERAL.add(f"no assertion in an {of_response} response", errors.AssertionCount, _response("", signed))
        SEVERAL.add(
            f"three assertions in an {of_response} response",
            errors.AssertionCount,
            _response("".join(_written(Recipe(assertion_id=f"_a{i}"), "the provider") for i in range(3)), signed),
        )
        sealed = encrypt(_written(_SECOND, "the provider"))
        for name, inside in (
            ("one encrypted, then one in the clear", sealed + _written(_FIRST, "the provider")),
            ("one in the clear, then one encrypted", _written(_FIRST, "the provider") + sealed),
            ("two encrypted", sealed + sealed.replace("_data1", "_data2").replace("_key1", "_key2")),
        ):
            SEVERAL.add(f"{name}, in an {of_response} response", errors.AssertionCount, _response(inside, signed))
    SEVERAL.add(
        "a hundred assertions",
        errors.AssertionCount,
        _response(
            "".join(Recipe(assertion_id=f"_a{i}", attributes=()).assertion_xml() for i in range(100)), sign=False
        ),
    )
    alike = FORGED.assertion_xml().replace(forge.SAML, forge.SAML + "#")
    for name, data in (
        ("behind Status", forge.response(after_status=alike)),
        ("at the end", forge.response(end_of_response=alike)),
    ):
        SEVERAL.add(f"an assertion of another namespace {name}", errors.UnexpectedElement, data)
    old = FORGED.assertion_xml().replace(forge.SAML, "urn:oasis:names:tc:SAML:1.0:assertion")
    SEVERAL.add("an assertion of SAML 1.1 beside ours", errors.UnexpectedElement, forge.response(end_of_response=old))
    SEVERAL.add(
        "an assertion inside an assertion",
        errors.UnexpectedElement,
        forge.response(end_of_assertion=FORGED.assertion_xml()),
    )
    SEVERAL.add(
        "an assertion by reference",
        errors.UnexpectedElement,
        forge.response(end_of_response=f'<saml:AssertionIDRef xmlns:saml="{forge.SAML}">_x</saml:AssertionIDRef>'),
    )
    SEVERAL.add(
        "an assertion by address",
        errors.UnexpectedElement,
        forge.response(
            end_of_response=f'<saml:AssertionURIRef xmlns:saml="{forge.SAML}">https://evil.example/</saml:AssertionURIRef>'
        ),
    )


def _other_messages() -> None:
    for name in (
        "LogoutResponse",
        "LogoutRequest",
        "ArtifactResponse",
        "ArtifactResolve",
        "AuthnRequest",
        "NameIDMappingResponse",
        "ManageNameIDResponse",
        "response",
        "ResponseX",
    ):
        for sign in ("assertion", "response"):
            xml = Recipe().xml().replace("samlp:Response", f"samlp:{name}")
            MESSAGES.add(
                f"{name} that holds everything of a response, {sign} signed",
                errors.NotAResponse,
                forge.sign_xml(xml, "_assertion1" if sign == "assertion" else "_response1"),
            )
    head = (
        f'xmlns:samlp="{forge.SAMLP}" xmlns:saml="{forge.SAML}" ID="_logout1" Version="2.0" '
        f'IssueInstant="{forge.instant(forge.NOW)}" Destination="{forge.ACS}"'
    )
    issuer = f"<saml:Issuer>{forge.IDP}</saml:Issuer>"
    status = f'<samlp:Status><samlp:StatusCode Value="{forge.SUCCESS}"/></samlp:Status>'
    logout_response = forge.sign_xml(
        f'<samlp:LogoutResponse {head} InResponseTo="_request1">{issuer}{status}</samlp:LogoutResponse>', "_logout1"
    )
    logout_request = forge.sign_xml(
        f"<samlp:LogoutRequest {head}>{issuer}<saml:NameID>ada@example.com</saml:NameID></samlp:LogoutRequest>",
        "_logout1",
    )
    MESSAGES.add("a signed logout response", errors.NotAResponse, logout_response)
    MESSAGES.add("a signed logout request", errors.NotAResponse, logout_request)
    MESSAGES.add(
        "a lone signed assertion", errors.NotAResponse, forge.sign_xml(Recipe().assertion_xml(), "_assertion1")
    )
    for name, signed in (("logout response", logout_response), ("logout request", logout_request)):
        evil = FORGED.xml().encode()
        for place, before, after in (
            ("first", "<saml:Issuer", signed.decode() + "<saml:Issuer"),
            ("last", "</samlp:Response>", signed.decode() + "</samlp:Response>"),
            (
                "in Extensions",
                "<samlp:Status>",
                f"<samlp:Extensions>{signed.decode()}</samlp:Extensions><samlp:Status>",
            ),
            (
                "in StatusDetail",
                "</samlp:Status>",
                f"<samlp:StatusDetail>{signed.decode()}</samlp:StatusDetail></samlp:Status>",
            ),
        ):
            error = errors.MissingElement if place == "first" else errors.UnexpectedElement
            MESSAGES.add(
                f"a forged response with a signed {name} {place}", error, swap(evil, before, after, 1), "CVE-2025-47949"
            )


def _other_documents() -> None:
    metadata = (
        f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ID="_md" entityID="{forge.IDP}">'
        "<md:Extensions/></md:EntityDescriptor>"
    )
    signed_metadata = forge.sign_xml(metadata, "_md").decode()
    MESSAGES.add("signed metadata", errors.NotAResponse, signed_metadata)
    MESSAGES.add(
        "a forged response with signed metadata in Extensions",
        errors.UnexpectedElement,
        swap(
            FORGED.xml().encode(),
            "<samlp:Status>",
            f"<samlp:Extensions>{signed_metadata}</samlp:Extensions><samlp:Status>",
        ),
        "CVE-2025-47949",
    )
    soap = f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{SIGNED["both"].decode()}</s:Body></s:Envelope>'
    MESSAGES.add("a response in a SOAP envelope", errors.NotAResponse, soap)
    alone = forge.sign_xml(Recipe().assertion_xml(), "_assertion1").decode()
    token = "t:RequestSecurityTokenResponse"
    trust = f'<{token} xmlns:t="http://schemas.xmlsoap.org/ws/2005/02/trust">{alone}</{token}>'
    MESSAGES.add("an assertion in a WS-Federation answer", errors.NotAResponse, trust)
    for status_name in ("Response", "response"):
        MESSAGES.add(
            f"{shortened(status_name)} of SAML 1.1",
            errors.NotAResponse,
            f'<p:{status_name} xmlns:p="urn:oasis:names:tc:SAML:1.0:protocol" ResponseID="_r" MajorVersion="1" MinorVersion="1"/>',
        )


_several()
_other_messages()
_other_documents()
