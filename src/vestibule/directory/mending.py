"""What an admin is told to change after a refused sign-in. Owns the choice of the sentence; the sentences are in `mending_rules.py`.

It explains a decision that was made elsewhere and decides nothing, so an unknown check or vendor gets the general answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from vestibule.directory.marks import Part, fill, parts
from vestibule.directory.mending_exceptions import EXCEPTIONS, HOSTED_EXCEPTIONS
from vestibule.directory.mending_rules import RULES, Side
from vestibule.directory.vendor import Field, Vendor, app_name
from vestibule.directory.vendors import GENERIC, vendor
from vestibule.kernel.text import N_

Translate = Callable[[str], str]

# What a failed check means when its error says no more. Names as in the trace; the last ones are those of the door.
SITUATION_OF_CHECK: Final = MappingProxyType(
    {
        "message": "form",
        "status": "status",
        "in_response_to": "in_response_to",
        "idp_entity_id": "issuer",
        "destination": "destination",
        "assertion": "form",
        "signature": "signature",
        "name_id": "name_id",
        "subject_confirmation": "recipient",
        "recipient": "recipient",
        "not_before": "not_before",
        "not_on_or_after": "not_on_or_after",
        "audience": "audience",
        "session_not_on_or_after": "session",
        "authn_instant": "authn_instant",
        "authn_context": "authn_context",
        "replay": "replay",
        "connection": "pending",
        "email": "email",
        "domain": "domain",
        "person": "person",
        "identity": "identity",
        "access": "access",
    }
)
# Error codes that say more than the check that they failed.
SITUATION_OF_ERROR: Final = MappingProxyType(
    {
        "saml_unsolicited": "unsolicited",
        "saml_encrypted": "encrypted",
        "saml_encryption": "encryption_form",
        "saml_encryption_malformed": "encryption_form",
        "saml_encryption_algorithm": "encryption_form",
        "saml_encryption_cbc": "encryption_cbc",
        "saml_decryption": "decryption",
        "saml_unsigned": "unsigned",
        "saml_certificate_expired": "certificate_expired",
        "saml_digest": "digest",
        "saml_signature_malformed": "signature_form",
        "saml_signature_reference": "signature_form",
        "saml_transform": "signature_form",
        "saml_algorithm": "algorithm",
        "saml_sha1": "algorithm",
        "saml_no_certificate": "no_certificate",
        "saml_condition": "form",
        "saml_authn_statement": "form",
        "saml_subject_confirmation": "confirmation",
        "name_id_transient": "transient",
        "deactivated": "deactivated",
        "connection_pending": "pending",
        "connection_disabled": "disabled",
        "saml_switched_off": "switched_off",
        "own_key_unreadable": "own_key",
    }
)
_COPY_LABELS: Final = MappingProxyType(
    {
        "acs_url": N_("Single sign-on URL"),
        "sp_entity_id": N_("Service provider (SP) entity ID"),
        "sign_in_url": N_("Sign-in page"),
        "domain": N_("Domain"),
        "email": N_("Email address"),
    }
)
TITLES: Final[Mapping[Side, str]] = MappingProxyType(
    {
        "idp": N_("What to change in %(vendor)s"),
        "here": N_("What to change in Vestibule"),
        "both": N_("What to check"),
        "person": N_("What the person can do"),
    }
)
TITLE_WITHOUT_VENDOR: Final = N_("What to change at the identity provider")


def _untranslated(message: str) -> str:
    return message


@dataclass(frozen=True, slots=True)
class Mend:
    """One answer to "what now?": whose turn it is, a title, a sentence or a few, and a value to copy where one is needed.

    `title`, `message` and `copy_label` are msgids; translate them through `title_text` and `parts`.
    """

    situation: str
    side: Side
    title: str
    message: str
    values: Mapping[str, str]
    value_to_copy: str | None
    copy_label: str | None

    def title_text(self, translate: Translate = _untranslated) -> str:
        """Return the title, translated and filled in."""
        return fill(translate(self.title), self.values)

    def parts(self, translate: Translate = _untranslated) -> tuple[Part, ...]:
        """Return the sentence as bold and plain pieces, translated and filled in. Not escaped: the template does that."""
        return parts(translate(self.message), self.values)


def situation_of(check: str, error_code: str) -> str:
    """Return which rule speaks for a failed check, given the `code` of the error that it ended with."""
    return SITUATION_OF_ERROR.get(error_code) or SITUATION_OF_CHECK.get(check, "other")


def mend(check: str, error_code: str, vendor_key: str, values: Mapping[str, str]) -> Mend:
    """Say what to change after a refusal: `check` and `error_code` as in the trace, `vendor_key` as in VENDORS.

    `values` are our own: `acs_url`, `sp_entity_id`, `sign_in_url`, `environment` (its name), and for checks about a person
    `email` and `domain`. They end in text and in the value to copy, never in markup. A value that is missing is not offered.
    """
    situation = situation_of(check, error_code)
    rule = RULES[situation]
    known = vendor(vendor_key)
    concept = known.fields.get(rule.concept) if rule.concept else None
    return Mend(
        situation=situation,
        side=rule.side,
        title=TITLE_WITHOUT_VENDOR if rule.side == "idp" and known is GENERIC else TITLES[rule.side],
        message=_message(situation, known, concept),
        values=_filled(known, concept, values),
        value_to_copy=values.get(rule.copies) or None if rule.copies else None,
        copy_label=_COPY_LABELS[rule.copies] if rule.copies else None,
    )


def _message(situation: str, known: Vendor, concept: Field | None) -> str:
    rule = RULES[situation]
    exception = EXCEPTIONS.get((known.key, situation))
    if exception is None and known.hosted:
        exception = HOSTED_EXCEPTIONS.get(situation)
    if exception is not None:
        return exception
    return rule.located if rule.located is not None and concept is not None else rule.plain


def _filled(known: Vendor, concept: Field | None, values: Mapping[str, str]) -> Mapping[str, str]:
    app = {"app": app_name(values.get("environment"))}
    own = {"path": fill(concept.path, app), "field": concept.name, "setting": concept.setting} if concept else {}
    return MappingProxyType({"vendor": known.name, **app, **own})
