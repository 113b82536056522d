"""Documents that attack the parser, or two readers' agreement on what they say."""

from __future__ import annotations

import re

import pytest

from tests.saml import forge
from tests.saml.forge import Attribute, Raw
from tests.saml.verifying import refused, verify
from vestibule.saml import errors, xml

HONEST = forge.response()


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE Response>",
        '<!DOCTYPE Response [<!ENTITY x "y">]>',
        '<!DOCTYPE Response [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE Response SYSTEM "http://evil.example/x.dtd">',
        '<!DOCTYPE Response PUBLIC "-//W3C//DTD" "http://evil.example/x.dtd">',
        '<!DOCTYPE Response [<!ENTITY % p SYSTEM "http://evil.example/p"> %p;]>',
        "<!DOCTYPE Response [<!ATTLIST saml:Assertion Other ID #IMPLIED>]>",
        '<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        "<!DOCTYPE\nResponse>",
    ],
)
def test_a_doctype_is_refused(doctype: str) -> None:
    refused(doctype.encode() + HONEST, errors.ForbiddenXml)
    refused(b'<?xml version="1.0"?>\n<!-- x -->' + doctype.encode() + HONEST, errors.ForbiddenXml)


def test_a_doctype_that_only_some_parsers_read_is_refused() -> None:
    # CVE-2025-25291: a document type hid a second document from one of two parsers. Neither half may pass here.
    hidden = f'<!DOCTYPE r [<!NOTATION x PUBLIC "y">]><!--{HONEST.decode()}-->'.encode()
    refused(hidden + HONEST, errors.ForbiddenXml)
    refused(HONEST + hidden, errors.ForbiddenXml)


def test_external_entities_are_refused_and_nothing_is_read() -> None:
    bomb = b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]>' + HONEST.replace(b"ada@example.com", b"&x;")
    refused(bomb, errors.ForbiddenXml)


def test_billion_laughs_is_refused() -> None:
    levels = "".join(f'<!ENTITY l{i + 1} "{f"&l{i};" * 10}">' for i in range(9))
    bomb = f'<!DOCTYPE r [<!ENTITY l0 "ha">{levels}]><r>&l9;</r>'
    refused(bomb.encode(), errors.ForbiddenXml)


@pytest.mark.parametrize("entity", [b"&nbsp;", b"&x;", b"&#0;", b"&#xD800;", b"&#x1F", b"&"])
def test_undeclared_entities_and_impossible_characters_are_refused(entity: bytes) -> None:
    refused(HONEST.replace(b"ada@example.com", entity), errors.MalformedXml)


@pytest.mark.parametrize(
    "place", [b"<samlp:Status>", b"</samlp:Response>", b"ada@example.com</saml:NameID>", b"<samlp:Response"]
)
def test_processing_instructions_are_refused(place: bytes) -> None:
    refused(HONEST.replace(place, b"<?php evil() ?>" + place), errors.ForbiddenXml)
    refused(HONEST + b"<?after the end?>", errors.ForbiddenXml)


def test_a_stylesheet_instruction_is_refused() -> None:
    refused(b'<?xml-stylesheet href="https://evil.example/x.xsl"?>' + HONEST, errors.MalformedXml)


@pytest.mark.parametrize(
    "comment", ["ada@example.com<!---->.evil.example", "<!--x-->ada@example.com", "ada@example.com<!--x-->"]
)
@pytest.mark.parametrize("sign", ["assertion", "response", "both"])
def test_a_comment_in_the_name_id_is_refused(comment: str, sign: forge.SignWhat) -> None:
    # CVE-2017-11427 and kin: canonical form drops the comment, and readers of the first text node see another person.
    refused(forge.response(sign=sign, name_id=Raw(comment)), errors.ForbiddenXml)


def test_a_comment_in_any_value_is_refused() -> None:
    data = forge.response(attributes=(Attribute("groups", (Raw("Own<!-- -->ers"),)),))
    refused(data, errors.ForbiddenXml)
    for value in (forge.SP, forge.IDP, "Engineering"):
        refused(HONEST.replace(f">{value}<".encode(), f">{value}<!-- --><".encode()), errors.ForbiddenXml)


def test_a_comment_added_after_signing_between_elements_changes_nothing() -> None:
    data = HONEST.replace(b"<saml:AttributeStatement>", b"<saml:AttributeStatement><!-- <saml:Attribute/> -->")
    assert verify(data) == verify(HONEST)


def test_child_elements_in_values_are_refused() -> None:
    refused(forge.response(name_id=Raw("ada<saml:b>@</saml:b>example.com")), errors.SubjectInvalid)
    for value in (
        "Own<saml:b/>ers",
        "<saml:b>Owners</saml:b>",
        "<saml:NameID>a</saml:NameID><saml:NameID>b</saml:NameID>",
    ):
        data = forge.response(attributes=(Attribute("groups", (Raw(value),)),))
        with pytest.raises(errors.SamlError):
            verify(data)
    for value in (forge.SP, forge.IDP):
        signed = forge.Recipe().xml().replace(f">{value}<", f"><saml:b>{value}</saml:b><")
        refused(forge.sign_xml(signed, "_assertion1"), errors.UnexpectedElement)


# Encodings


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp037"])
def test_other_encodings_are_refused(encoding: str) -> None:
    with pytest.raises(errors.MalformedXml):
        verify(HONEST.decode().encode(encoding))


def test_utf7_is_refused() -> None:
    hidden = HONEST.replace(b"<", b"+ADw-")
    refused(hidden, errors.MalformedXml)
    refused(b'<?xml version="1.0" encoding="UTF-7"?>' + hidden, errors.MalformedXml)


@pytest.mark.parametrize("encoding", ["UTF-16", "UTF-7", "ISO-8859-1", "windows-1252", "utf-8x", "", "EBCDIC-CP-US"])
def test_a_declaration_of_another_encoding_is_refused(encoding: str) -> None:
    refused(f'<?xml version="1.0" encoding="{encoding}"?>'.encode() + HONEST, errors.MalformedXml)


@pytest.mark.parametrize(
    "declaration", ['<?xml version="1.1"?>', '<?xml version="2.0"?>', "<?xml?>", '<?xml encoding="UTF-8"?>']
)
def test_another_version_of_xml_is_refused(declaration: str) -> None:
    refused(declaration.encode() + HONEST, errors.MalformedXml)


@pytest.mark.parametrize("bad", [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\x00", b"\x08", b"\xef\xbf\xbf"])
def test_bytes_that_are_not_utf8_or_no_characters_are_refused(bad: bytes) -> None:
    refused(HONEST.replace(b"ada@", b"ada" + bad + b"@"), errors.MalformedXml)


@pytest.mark.parametrize(
    "data", [b"", b" ", b"hello", b"<", b"<a", b"<a></b>", b"{}", HONEST[:-1], HONEST * 2, b"x" + HONEST, HONEST + b"x"]
)
def test_what_is_not_one_document_is_refused(data: bytes) -> None:
    refused(data, errors.MalformedXml)


def test_an_attribute_given_twice_is_refused() -> None:
    refused(HONEST.replace(b'ID="_assertion1"', b'ID="_assertion1" ID="_evil"'), errors.MalformedXml)


def test_an_undeclared_prefix_is_refused() -> None:
    refused(HONEST.replace(b"<samlp:Status>", b"<samlp:Status><evil:x/>"), errors.MalformedXml)


# Floods


def test_a_document_over_the_limit_is_refused_before_it_is_parsed() -> None:
    refused(b"<" * (256 * 1024 + 1), errors.TooLarge)


def test_a_flood_of_attributes_is_refused() -> None:
    many = " ".join(f'a{i}="x"' for i in range(20_000))
    refused(HONEST.replace(b"<samlp:Status>", f"<samlp:Status {many}>".encode()), errors.TooLarge)
    refused(
        HONEST.replace(b"<samlp:Status>", b"<samlp:Status " + b" ".join(b'a%d="x"' % i for i in range(21)) + b">"),
        errors.TooLarge,
    )


def test_attributes_up_to_the_limit_are_counted_by_element() -> None:
    root = xml.parse_untrusted(b"<r>" + b'<e a="1" b="2" c="3"/>' * 200 + b"</r>")
    assert len(root) == 200


@pytest.mark.parametrize("place", [b"<samlp:Status", b"<samlp:Response"])
def test_a_flood_of_namespaces_is_refused(place: bytes) -> None:
    many = " ".join(f'xmlns:n{i}="urn:{i}"' for i in range(10_000))
    refused(HONEST.replace(place, place + b" " + many.encode(), 1), errors.TooLarge)


def test_a_flood_of_namespaces_spread_over_nested_elements_is_refused() -> None:
    deep = "".join(
        f'<x:e xmlns:x="urn:x" {" ".join(f"xmlns:n{j}x{i}=" + chr(34) + "urn:y" + chr(34) for j in range(30))}>'
        for i in range(20)
    )
    flood = f"<samlp:Extensions>{deep}{'</x:e>' * 20}</samlp:Extensions><samlp:Status>"
    refused(HONEST.replace(b"<samlp:Status>", flood.encode()), errors.TooLarge)


def test_a_long_namespace_is_refused_because_canonical_form_would_repeat_it() -> None:
    long = "urn:" + "x" * 300
    refused(HONEST.replace(b"<samlp:Response ", f'<samlp:Response xmlns:l="{long}" '.encode()), errors.TooLarge)
    refused(HONEST.replace(b"<samlp:Response ", f"<samlp:Response xmlns:l = \n'{long}' ".encode()), errors.TooLarge)
    # One that hides its length from the bytes behind the other kind of quote is no URI to the parser.
    hidden = long.replace("xxxx", 'xx"x')
    refused(HONEST.replace(b"<samlp:Response ", f"<samlp:Response xmlns:l='{hidden}' ".encode()), errors.MalformedXml)


def test_a_deep_document_is_refused() -> None:
    for depth in (40, 250, 20_000):
        deep = b"<a>" * depth + b"</a>" * depth
        refused(HONEST.replace(b"<samlp:Status>", deep + b"<samlp:Status>"), errors.TooLarge)


def test_a_flood_of_elements_is_refused() -> None:
    refused(HONEST.replace(b"<samlp:Status>", b"<a/>" * 20_000 + b"<samlp:Status>"), errors.TooLarge)


def test_a_flood_of_status_codes_is_refused() -> None:
    code = re.search(rb"<samlp:StatusCode [^>]*/>", HONEST)
    assert code
    refused(HONEST.replace(code[0], code[0] * 3000), errors.UnexpectedElement)
    nested = b'<samlp:StatusCode Value="x">' * 40 + b"</samlp:StatusCode>" * 40
    refused(HONEST.replace(code[0], nested), errors.TooLarge)


def test_what_a_hostile_message_says_is_shown_bounded_and_without_control_characters() -> None:
    evil = "https://evil.example/\u202e<script>" + "x" * 5000
    error = refused(forge.response(response_issuer=evil), errors.IssuerMismatch)
    assert len(error.received) <= 300
    assert "\u202e" not in error.received
    assert evil not in str(error)
    assert "evil" not in str(error)


@pytest.mark.parametrize("place", [b"<samlp:Status>", b"ada@example.com</saml:NameID>", b"<samlp:Response "])
def test_a_flood_of_comments_is_refused(place: bytes) -> None:
    refused(HONEST.replace(place, b"<!---->" * 30_000 + place, 1), errors.TooLarge)


def test_a_flood_of_ids_is_refused() -> None:
    refused(HONEST.replace(b"<samlp:Status>", b"<a ID='&#97;'/>" * 9000 + b"<samlp:Status>"), errors.DuplicateId)
