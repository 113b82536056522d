"""Writes docs/explanation/hostile-families.md from the corpus: `make families`. A test holds the page current."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from tests.saml.hostile.corpus import Family
from tests.saml.hostile.families import CORPUS, FAMILIES
from tests.saml.hostile.legitimate import PASSING
from tests.saml.hostile.opinions import Explanation, Opinion, differences, opinions
from tests.support.tools import ROOT

PAGE: Final = ROOT / "docs" / "explanation" / "hostile-families.md"
# Where it was, what the trick was (from the public advisory or the finder's own words), and what it meets here.
HOLES: Final[dict[str, tuple[str, str, str]]] = {
    "CVE-2024-45409": (
        "ruby-saml",
        "the digest was searched in the whole document, so one in StatusDetail stood in for the signed one",
        "the digest is read from the canonical bytes of SignedInfo that the signature covers, and from nowhere else",
    ),
    "CVE-2025-25291": (
        "ruby-saml",
        "two parsers, and a document type that made each see another document",
        "one parser; a document type is refused by its bytes, before anything is parsed",
    ),
    "CVE-2025-25292": (
        "ruby-saml",
        "two parsers, and namespaces that made each find another signature",
        "one parser; names are compared with their namespace; a signature is a direct child at its one place",
    ),
    "CVE-2025-29774": (
        "xml-crypto",
        "two SignedInfo: the signature of one was verified, the references of the other were followed",
        "a Signature has exactly SignedInfo, SignatureValue and perhaps KeyInfo",
    ),
    "CVE-2025-29775": (
        "xml-crypto",
        "a comment in DigestValue: canonical form drops it, the reader of the first text node does not",
        "a comment inside any text is refused; the digest is read from canonical bytes",
    ),
    "CVE-2025-47949": (
        "samlify",
        "any signed element of the document vouched for a forged assertion beside it",
        "exactly one assertion, and it is read from the bytes that its own or its parent’s signature covers",
    ),
    "CVE-2025-66567": (
        "ruby-saml",
        "after the first fix still two parsers: polluted attributes and confused namespaces",
        "one parser; attributes that the schema has not are refused; SignedInfo is matched against a closed grammar",
    ),
    "CVE-2025-66568": (
        "ruby-saml",
        "a relative namespace, for which libxml2 has no canonical form; the empty result was digested",
        "an error of canonicalization is a refusal, and so is a form that does not begin with an element",
    ),
    "CVE-2026-47201": (
        "authentik",
        "a good signature somewhere, and identity read from another assertion; the advisory tells the class, no sample is public",
        "as for CVE-2025-47949",
    ),
}


def written() -> str:
    """Return the page."""
    return f"""# What is thrown at the SAML verifier

Written by the tests (`make families`); a test fails when this page is not what they do. The messages are in
[tests/saml/hostile](../../tests/saml/hostile), a module for each subject, and each is a value: its family, its source, its bytes
and the one class of refusal that it must meet. **{len(CORPUS):,} hostile messages in {len(FAMILIES)} families are
refused, {len(PASSING)} legitimate ones pass.** What is checked, in order, is told in [SAML security](saml-security.md).

Of each hostile message the tests hold that it is refused for exactly its reason; that nothing is opened, read, written or connected
meanwhile (an audit hook, and the kernel's count of system calls); that the work is bounded, counted in calls, parses and bytes and
not in time; and that what the refusal says is bounded and printable.

## Families

| family | messages | what is tried | described in |
|---|---:|---|---|
{_families()}

## Refused as

How many messages each class of refusal answers; the classes are in `saml/errors.py` and the modules beside it.

| class | messages |
|---|---:|
{_classes()}

## Published holes

Each is rebuilt as the trick that it was, in several spellings.

| hole | of | the trick | messages | what it meets here |
|---|---|---|---:|---|
{_holes()}

## Second opinions

Every message with a signature in the clear is also judged by signxml (Python) and bergshamra (Rust), which share no code with us.
They answer a narrower question, whether a signature is good.
Of {len(opinions()):,} messages there is none whose signature we accept and one of them refuses. Where we refuse and another
accepts, this is why:

{_differences()}
"""


def _families() -> str:
    def row(family: Family) -> str:
        return f"| {family.name} | {len(family.messages)} | {family.attempt} | {family.source} |"

    return "\n".join(row(family) for family in FAMILIES)


def _classes() -> str:
    counts = Counter(message.error.__name__ for message in CORPUS)
    return "\n".join(f"| `{name}` | {times} |" for name, times in sorted(counts.items()))


def _holes() -> str:
    counts = Counter(cve for message in CORPUS for cve in re.findall(r"CVE-\d+-\d+", message.source))
    return "\n".join(
        f"| {cve} | {of} | {trick} | {counts[cve]} | {meets} |" for cve, (of, trick, meets) in HOLES.items()
    )


def _differences() -> str:
    return "\n".join(_difference(explanation, found) for explanation, found in differences().items())


def _difference(explanation: Explanation, found: tuple[Opinion, ...]) -> str:
    names = "\n".join(f"- {_cell(opinion)}" for opinion in found)
    refused = ", ".join(f"`{name}`" for name in sorted(explanation.errors))
    summary = f"{len(found)} refused as {re.sub('`', '', refused)}"
    return f"{explanation.sentence}\n\n<details><summary>{summary}</summary>\n\n{names}\n\n</details>\n"


def _cell(opinion: Opinion) -> str:
    accepting = [
        name for name, accepts in (("signxml", opinion.signxml), ("bergshamra", opinion.bergshamra)) if accepts
    ]
    name = str(opinion.message).replace("`", "'")
    return f"`{name}`: {' and '.join(accepting)}"


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
