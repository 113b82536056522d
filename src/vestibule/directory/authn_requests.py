"""What a connection's AuthnRequests ask for, and judging what an admin typed for it (saml-core-2.0-os 3.3.2.2, 3.4.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from vestibule.kernel.errors import FieldError, Invalid
from vestibule.kernel.text import N_

MAX_CLASSES: Final = 10
MAX_CLASS_CHARACTERS: Final = 200
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+\Z")
# Transient is not among them: it makes the same person look new at each sign-in.
NAME_ID_FORMATS: Final = (
    "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
)


class Comparison(StrEnum):
    """How the way of signing in must compare to the classes that were asked for. The words are the specification's."""

    EXACT = "exact"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    BETTER = "better"


@dataclass(frozen=True, slots=True)
class AuthnRequestOptions:
    """What requests ask for beyond an answer. Without `context_classes` any way of signing in will do."""

    force_authn: bool = False
    name_id_format: str | None = None
    allow_create: bool = True
    comparison: Comparison = Comparison.EXACT
    context_classes: tuple[str, ...] = ()

    @property
    def required_classes(self) -> tuple[str, ...]:
        """Return the classes of which the answer must name one. Only *exact* can be checked: the order of classes is the IdP's."""
        return self.context_classes if self.comparison is Comparison.EXACT else ()


PLAIN: Final = AuthnRequestOptions()


@dataclass(frozen=True, slots=True)
class TypedOptions:
    """The same as typed (untrusted). `context_classes` holds one URI a line; an empty `name_id_format` leaves it open."""

    force_authn: bool
    name_id_format: str
    allow_create: bool
    comparison: str
    context_classes: str


def judge_options(typed: TypedOptions) -> AuthnRequestOptions:
    """Return what was typed in canonical form. Raises Invalid field by field."""
    errors: list[FieldError] = []
    if typed.name_id_format and typed.name_id_format not in NAME_ID_FORMATS:
        errors.append(FieldError("name_id_format", N_("Choose one of the NameID formats.")))
    if typed.comparison not in {one.value for one in Comparison}:
        errors.append(FieldError("comparison", N_("Choose how the answer must compare.")))
    classes = tuple(dict.fromkeys(typed.context_classes.split()))
    if len(classes) > MAX_CLASSES:
        errors.append(FieldError("context_classes", N_("Name ten classes at most.")))
    elif any(len(one) > MAX_CLASS_CHARACTERS or not _URI.match(one) for one in classes):
        errors.append(
            FieldError(
                "context_classes",
                N_(
                    "Write one URI a line, such as urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken; each has 200 characters at most."
                ),
            )
        )
    if errors:
        raise Invalid(*errors)
    return AuthnRequestOptions(
        typed.force_authn, typed.name_id_format or None, typed.allow_create, Comparison(typed.comparison), classes
    )
