"""Two readers of one document: texts that are split, IDs that are found twice, names whose namespace is mistaken."""

from __future__ import annotations

from tests.saml import forge
from tests.saml.forge import Attribute, Raw, Recipe
from tests.saml.hostile.corpus import EVERY_WAY, SIGNATURE, SIGNED, Family, part, shortened, sub, swap
from vestibule.saml import errors

HONEST = SIGNED["assertion"]
TEXTS = Family(
    "split texts",
    "A name that one reader sees whole and another in part: comments, instructions, child elements in NameID, Audience, Issuer, groups.",
    "CVE-2017-11427, CVE-2017-11428, CVE-2018-0489 (Ludwig, Duo Labs 2018); saml-core 1.3.1",
)
IDS = Family(
    "IDs",
    "The ID that a signature refers to is found at another element: twice, in other spellings, injected, or by another name.",
    "saml-core 1.3.4, 5.4.2; xml-id",
)
NAMESPACES = Family(
    "namespaces",
    "Elements that look like SAML and are not, or are and don't look it: rebound prefixes, look-alike names, no namespace.",
    "REC-xml-names 6; saml-core 1.3",
)


def _comments() -> None:
    for name_id in (
        "ada@example.com<!---->.evil.example",
        "<!--x-->ada@example.com",
        "ada@example.com<!--x-->",
        "ada<!--@-->@example.com",
    ):
        for sign in EVERY_WAY:
            TEXTS.add(
                f"the NameID {shortened(name_id)}, {sign} signed",
                errors.ForbiddenXml,
                forge.response(sign=sign, name_id=Raw(name_id)),
            )
    for value in (forge.SP, forge.IDP, "Engineering", forge.PASSWORD_CONTEXT):
        TEXTS.add(
            f"a comment added behind {shortened(value)}",
            errors.ForbiddenXml,
            swap(HONEST, f">{value}<", f">{value}<!-- --><"),
        )
        TEXTS.add(
            f"a comment added before {shortened(value)}",
            errors.ForbiddenXml,
            swap(HONEST, f">{value}<", f"><!-- -->{value}<"),
        )
    TEXTS.add(
        "a comment in a group, signed",
        errors.ForbiddenXml,
        forge.response(attributes=(Attribute("groups", (Raw("Own<!-- -->ers"),)),)),
    )
    TEXTS.add(
        "a comment beside CDATA",
        errors.ForbiddenXml,
        forge.response(name_id=Raw("<![CDATA[ada@example.com]]><!---->.evil.example")),
    )


def _instructions() -> None:
    for place in ("<samlp:Status>", "</samlp:Response>", "ada@example.com</saml:NameID>", "<samlp:Response"):
        TEXTS.add(
            f"a processing instruction before {shortened(place)}",
            errors.ForbiddenXml,
            swap(HONEST, place, "<?php evil() ?>" + place, 1),
        )
    TEXTS.add("a processing instruction behind the end", errors.ForbiddenXml, HONEST + b"<?after the end?>")
    TEXTS.add(
        "a processing instruction in the NameID, signed",
        errors.ForbiddenXml,
        forge.response(name_id=Raw("ada@example.com<?x?>.evil.example")),
    )
    TEXTS.add("a stylesheet", errors.MalformedXml, b'<?xml-stylesheet href="https://evil.example/x.xsl"?>' + HONEST)


def _children() -> None:
    for name_id in (
        "ada<saml:b>@</saml:b>example.com",
        "<saml:b>ada@example.com</saml:b>",
        "ada@example.com<saml:b/>.evil.example",
        "<saml:NameID>eve</saml:NameID>",
        '<x:y xmlns:x="urn:x"/>ada@example.com',
    ):
        TEXTS.add(f"the NameID {shortened(name_id)}", errors.SubjectInvalid, forge.response(name_id=Raw(name_id)))
    for value in (
        "Own<saml:b/>ers",
        "<saml:b>Owners</saml:b>",
        "<saml:NameID>a</saml:NameID><saml:NameID>b</saml:NameID>",
        "Own<saml:NameID>ers</saml:NameID>",
        "<saml:NameID>Own<saml:b/>ers</saml:NameID>",
        "<saml:AttributeValue>Owners</saml:AttributeValue>",
    ):
        TEXTS.add(
            f"the group {shortened(value)}",
            errors.UnexpectedElement,
            forge.response(attributes=(Attribute("groups", (Raw(value),)),)),
        )
    for value in (forge.SP, forge.IDP, forge.PASSWORD_CONTEXT):
        xml = Recipe().xml().replace(f">{value}<", f'><saml:b xmlns:saml="{forge.SAML}">{value}</saml:b><')
        TEXTS.add(f"an element around {shortened(value)}", errors.UnexpectedElement, forge.sign_xml(xml, "_assertion1"))
        xml = Recipe().xml().replace(f">{value}<", f'>{value}<saml:b xmlns:saml="{forge.SAML}"/>.evil.example<')
        TEXTS.add(f"an element behind {shortened(value)}", errors.UnexpectedElement, forge.sign_xml(xml, "_assertion1"))


def _ids() -> None:
    for name in ("ID", "Id", "id", "iD", "xml:id", "samlp:ID", "samlp:id"):
        for value in ("_assertion1", "_response1"):
            IDS.add(
                f"{name} {value} once more",
                errors.DuplicateId,
                swap(HONEST, "<samlp:Status>", f'<samlp:Status {name}="{value}">'),
            )
    IDS.add(
        "the ID once more, written with a character reference",
        errors.DuplicateId,
        swap(HONEST, "<samlp:Status>", '<samlp:Status id = "&#95;assertion1">'),
    )
    IDS.add(
        "the ID once more, in single quotes and on a line of its own",
        errors.DuplicateId,
        swap(HONEST, "<samlp:Status>", "<samlp:Status\n\tID\n=\n'_assertion1'>"),
    )
    IDS.add(
        "the ID once more, inside an extension",
        errors.DuplicateId,
        swap(
            HONEST,
            "<samlp:Status>",
            '<samlp:Extensions><x:y xmlns:x="urn:x" ID="_assertion1"/></samlp:Extensions><samlp:Status>',
        ),
    )
    IDS.add(
        "the ID once more, in an attribute of another namespace on the assertion",
        errors.DuplicateId,
        swap(HONEST, "<saml:Assertion ", '<saml:Assertion saml:ID="_assertion1" '),
    )
    for way in EVERY_WAY:
        IDS.add(
            f"response and assertion with one ID, {way} signed",
            errors.DuplicateId,
            SIGNED[way].replace(b"_response1", b"_assertion1"),
        )
    for name in ("AssertionID", "Id", "id", "xml:id"):
        recipe = Recipe().xml().replace('ID="_assertion1"', f'ID="_evil" {name}="_assertion1"')
        signed = forge.sign_xml(recipe, "_evil", forge.Signing(reference_uri="#_assertion1"))
        IDS.add(f"the reference names an attribute {name}", errors.SignatureReferenceInvalid, signed)


def _ids_of_other_names() -> None:
    bare = SIGNED["assertion"].replace(b'ID="_assertion1"', b'AssertionID="_assertion1"')
    IDS.add(
        "the signed assertion has an AssertionID of SAML 1.1 in place of ID", errors.SignatureReferenceInvalid, bare
    )
    IDS.add(
        "an ID injected through the destination",
        errors.DestinationMismatch,
        forge.response(destination=f'{forge.ACS}" ID="_evil'),
    )
    IDS.add(
        "an ID that differs in case from the reference",
        errors.SignatureReferenceInvalid,
        swap(HONEST, 'ID="_assertion1"', 'ID="_Assertion1"'),
    )
    IDS.add(
        "an ID with white space around it",
        errors.SignatureReferenceInvalid,
        swap(HONEST, 'ID="_assertion1"', 'ID=" _assertion1 "'),
    )


def _rebound() -> None:
    for before, after, error in (
        ("<ds:SignedInfo>", f'<ds:SignedInfo xmlns:ds="{forge.DS.rstrip("#")}">', errors.SignatureMalformed),
        ("<ds:Reference ", '<ds:Reference xmlns:ds="urn:evil" ', errors.SignatureReferenceInvalid),
        ("<ds:DigestValue>", '<ds:DigestValue xmlns:ds="urn:evil">', errors.SignatureMalformed),
        ("<ds:SignatureValue>", '<ds:SignatureValue xmlns:ds="urn:evil">', errors.SignatureMalformed),
        ("<ds:SignatureMethod ", '<ds:SignatureMethod xmlns:ds="urn:evil" ', errors.SignatureMalformed),
        ("<ds:CanonicalizationMethod ", '<ds:CanonicalizationMethod xmlns:ds="urn:evil" ', errors.TransformNotAllowed),
        ("<saml:NameID ", '<saml:NameID xmlns:saml="urn:evil" ', errors.DigestMismatch),
        ("<saml:Subject>", '<saml:Subject xmlns:saml="urn:evil">', errors.DigestMismatch),
        ("<samlp:Status>", '<samlp:Status xmlns:samlp="urn:evil">', errors.MissingElement),
        ("<samlp:StatusCode ", '<samlp:StatusCode xmlns:samlp="urn:evil" ', errors.MissingElement),
        ("<saml:Conditions ", '<saml:Conditions xmlns:x="relative/uri" x:y="z" ', errors.MalformedXml),
    ):
        NAMESPACES.add(f"{before} becomes {shortened(after)}", error, swap(HONEST, before, after, 1))
    NAMESPACES.add(
        "an undeclared prefix", errors.MalformedXml, swap(HONEST, "<samlp:Status>", "<samlp:Status><evil:x/>")
    )
    NAMESPACES.add(
        "the prefix xml rebound",
        errors.MalformedXml,
        swap(HONEST, "<samlp:Response ", '<samlp:Response xmlns:xml="urn:evil" '),
    )
    NAMESPACES.add(
        "the prefix xmlns declared",
        errors.MalformedXml,
        swap(HONEST, "<samlp:Response ", '<samlp:Response xmlns:xmlns="urn:evil" '),
    )
    NAMESPACES.add(
        "an attribute twice by two prefixes",
        errors.MalformedXml,
        swap(HONEST, "<samlp:Status>", '<samlp:Status xmlns:a="urn:x" xmlns:b="urn:x" a:y="1" b:y="2">'),
    )
    NAMESPACES.add(
        "a prefix that is undeclared again",
        errors.MalformedXml,
        swap(HONEST, "<samlp:Status>", '<samlp:Status xmlns:saml="">'),
    )


def _alike() -> None:
    declared = f'xmlns:saml="{forge.SAML}" ID'
    for alike in (forge.SAML + "#", forge.SAML.upper(), "urn:oasis:names:tc:SAML:1.0:assertion"):
        xml = Recipe().xml().replace(declared, f'xmlns:saml="{alike}" ID')
        NAMESPACES.add(
            f"the assertion in {shortened(alike)}", errors.UnexpectedElement, forge.sign_xml(xml, "_assertion1")
        )
    for alike in (forge.SAML + " ", forge.SAML.replace("a", "\u0430", 1)):
        NAMESPACES.add(
            f"the assertion in {alike!a}", errors.MalformedXml, swap(HONEST, declared, f'xmlns:saml="{alike}" ID')
        )
    for alike in (forge.SAMLP + "#", forge.SAMLP.upper(), "urn:oasis:names:tc:SAML:1.0:protocol", forge.SAML):
        NAMESPACES.add(
            f"the response in {shortened(alike)}",
            errors.NotAResponse,
            forge.sign_xml(Recipe().xml().replace(forge.SAMLP, alike), "_assertion1"),
        )
    bare = Recipe(saml_prefix="").xml().replace(f' xmlns="{forge.SAML}" ID', ' xmlns="" ID')
    NAMESPACES.add("the assertion in no namespace", errors.UnexpectedElement, forge.sign_xml(bare, "_assertion1"))
    NAMESPACES.add(
        "the response in no namespace",
        errors.NotAResponse,
        Recipe(samlp_prefix="").xml().replace(f' xmlns="{forge.SAMLP}"', ""),
    )
    for alike in (
        "http://www.w3.org/2000/09/XMLdsig#",
        "http://www.w3.org/2000/09/xmldsig",
        "https://www.w3.org/2000/09/xmldsig#",
        "urn:evil",
    ):
        NAMESPACES.add(
            f"the signature in {shortened(alike)}",
            errors.SignatureMissing,
            sub(HONEST, f'xmlns:ds="{forge.DS}"', f'xmlns:ds="{alike}"'),
        )
    signature = part(HONEST, SIGNATURE)
    evil = (
        signature.replace("ds:", "evil:")
        .replace("xmlns:evil", "xmlns:ds")
        .replace(forge.DS, "urn:evil")
        .replace("evil:", "ds:")
    )
    NAMESPACES.add(
        "a look-alike signature in Status beside the real one",
        errors.UnexpectedElement,
        swap(HONEST, "</samlp:Status>", evil + "</samlp:Status>"),
        "CVE-2025-25292",
    )
    NAMESPACES.add(
        "a look-alike signature before the real one",
        errors.SignatureMalformed,
        swap(HONEST, signature, evil + signature),
        "CVE-2025-25292",
    )
    for name in ("assertion", "ASSERTION", "Assertion2", "Assertíon"):
        NAMESPACES.add(
            f"the assertion is called {name!a}",
            errors.UnexpectedElement,
            HONEST.decode().replace("saml:Assertion", f"saml:{name}"),
        )


_comments()
_instructions()
_children()
_ids()
_ids_of_other_names()
_rebound()
_alike()
