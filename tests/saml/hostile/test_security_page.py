"""What docs/explanation/saml-security.md names exists, and every clause on which a refusal stands is on it."""

from __future__ import annotations

import inspect
import re

from tests.saml.hostile.families import FAMILIES
from tests.support.tools import ROOT
from vestibule.saml import encryption_errors, errors
from vestibule.saml.errors import SamlError

PAGE = (ROOT / "docs" / "explanation" / "saml-security.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| Step")]
SHORT = {
    "saml-core-2.0-os": "core",
    "saml-profiles-2.0-os": "profiles",
    "saml-bindings-2.0-os": "bindings",
    "xmldsig-core1": "dsig",
    "xmlenc-core1": "xmlenc",
    "REC-xml": "REC-xml",
}


def clauses(text: str) -> set[str]:
    """`core 5.4.3, 5.4.4` names two clauses of core."""
    found = re.findall(r"(core|profiles|bindings|dsig|xmlenc|REC-xml) (\d[\d., ]*\d|\d)", text)
    return {f"{document} {section}" for document, sections in found for section in sections.split(", ")}


def test_every_clause_on_which_a_refusal_stands_is_named() -> None:
    refusals = [
        error
        for module in (errors, encryption_errors)
        for _, error in inspect.getmembers(module, inspect.isclass)
        if issubclass(error, SamlError)
    ]
    specs = {error.spec for error in refusals}
    assert len(specs) > 20
    wanted = {f"{SHORT[spec.partition(' ')[0]]} {spec.partition(' ')[2]}" for spec in specs}
    assert wanted - clauses(PAGE) == set()


def test_every_family_and_test_that_is_named_exists() -> None:
    named = {name for row in ROWS for name in re.findall(r"(?<!\*)\*([^*|]+)\*(?!\*)", row.rpartition(" | ")[2])}
    assert named
    assert named - {family.name for family in FAMILIES} == set()
    files = set(re.findall(r"`(tests/[\w/]+\.py)`", PAGE))
    assert files
    assert {name for name in files if not (ROOT / name).is_file()} == set()


def test_every_family_holds_some_row() -> None:
    held = " ".join(row.rpartition(" | ")[2] for row in ROWS)
    assert {family.name for family in FAMILIES if f"*{family.name}*" not in held} == set()
