"""The families in the order of the table in docs/explanation/hostile-families.md. A new family is a module, and a line here."""

from __future__ import annotations

from typing import Final

from tests.saml.hostile import (
    algorithms,
    assertions,
    documents,
    encryption,
    logouts,
    metadata,
    redirects,
    rules,
    signatures,
    signed_metadata,
    smuggling,
    texts,
    wrapping,
)
from tests.saml.hostile.corpus import Family, Hostile

FAMILIES: Final[tuple[Family, ...]] = (
    wrapping.FAMILY,
    signatures.FAMILY,
    signatures.KEYS,
    algorithms.FAMILY,
    algorithms.TRANSFORMS,
    algorithms.REFERENCES,
    smuggling.FAMILY,
    texts.IDS,
    texts.TEXTS,
    texts.NAMESPACES,
    assertions.SEVERAL,
    assertions.MESSAGES,
    documents.DTD,
    documents.FLOODS,
    documents.ENCODINGS,
    encryption.FAMILY,
    rules.WHOM,
    rules.WHEN,
    rules.SHAPE,
    logouts.POSTED,
    redirects.REDIRECTED,
    metadata.FAMILY,
    signed_metadata.FAMILY,
)
CORPUS: Final[tuple[Hostile, ...]] = tuple(message for family in FAMILIES for message in family.messages)
JUDGES: Final = {family.name: family.judge for family in FAMILIES}
