"""Explaining one SAML message to a person: what it is, what it says, each check, and the document made readable.

Decides nothing and lets nobody in. All that comes out is bounded and printable, and untrusted unless it says `verified`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from vestibule.kernel.text import N_
from vestibule.saml import names, reading, tags, xml
from vestibule.saml.assertions import Assertion
from vestibule.saml.captures import Captured
from vestibule.saml.certificates import Certificate
from vestibule.saml.encoding import format_instant
from vestibule.saml.errors import SamlError
from vestibule.saml.inspection_checks import NOT_KNOWN, Finding, Measure, judge_response
from vestibule.saml.metadata import IdpMetadata, parse_idp_metadata
from vestibule.saml.readable import HIDDEN, personal_texts, readable, readable_bytes, scrub
from vestibule.saml.trace import CHECKS, showable

Verdict = Literal["accepted", "refused", "unknown"]
_MAX_VALUES: Final = 500
_METADATA: Final = frozenset({f"{{{names.MD}}}EntityDescriptor", f"{{{names.MD}}}EntitiesDescriptor"})
_METADATA_ROOT: Final = re.compile(rb"<(?:[\w.-]{1,40}:)?Entit(?:y|ies)Descriptor\b")
_BEGINNING: Final = 4096
_FACTS: Final = (
    "ID",
    "Version",
    "IssueInstant",
    "InResponseTo",
    "Destination",
    "AssertionConsumerServiceURL",
    "ProtocolBinding",
    "ForceAuthn",
    "IsPassive",
    "NotOnOrAfter",
    "Reason",
    "entityID",
    "validUntil",
)
_INNER: Final = (tags.ISSUER, tags.NAME_ID, f"{{{names.SAMLP}}}SessionIndex", f"{{{names.SAMLP}}}StatusMessage")
_PERSONAL_FACTS: Final = frozenset({"NameID", "SessionIndex"})
_TITLES: Final = dict(CHECKS)
MENDED: Final = N_(
    "Its base64 has no padding, or letters that are for addresses. That is mended here; were it sent so, a sign-in would be refused."
)


@dataclass(frozen=True, slots=True)
class Inspection:
    """One message explained. `kind` is the name of its root element, or empty when it can't be read.

    `attributes` and `facts` are the message's own claims unless `verified`. `problem` is a public sentence (a msgid) with
    its private reason, for a document that was not read at all. `personal` are the texts to hide, where that is asked for.
    """

    kind: str
    captured: Captured
    text: str
    verdict: Verdict = "unknown"
    verified: bool = False
    facts: tuple[tuple[str, str], ...] = ()
    attributes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    findings: tuple[Finding, ...] = ()
    problem: str = ""
    reason: str = ""
    opened_text: str = ""
    redacted: bool = field(default=False)
    personal: frozenset[str] = field(default=frozenset(), repr=False)


def inspect_message(captured: Captured, measure: Measure, *, redact: bool = False) -> Inspection:
    """Return an untrusted message explained. Raises nothing for what is wrong with it."""
    try:
        root = xml.parse_untrusted(captured.data, xml.METADATA)
    except SamlError as error:
        # What can't be read can't be redacted either.
        text = "" if redact else readable_bytes(captured.data)
        refusal = _of_metadata(captured.data, measure) or error
        finding = Finding("message", _TITLES["message"], "failed", refusal.expected, refusal.received or refusal.reason)
        found = Inspection(
            "", captured, text, "refused", findings=(finding,), problem=refusal.public, reason=refusal.reason
        )
        return _redacted(found) if redact else found
    kind = reading.local_name(root)
    found = Inspection(showable(kind), captured, readable(root, redact=redact), facts=_facts(root))
    if redact:
        found = replace(found, personal=personal_texts(root))
    # One in another namespace is refused for it.
    if kind == "Response":
        found = _response(found, measure, redact=redact)
    elif root.tag in _METADATA:
        found = _metadata(found, measure)
    return _redacted(found) if redact else found


def _of_metadata(data: bytes, measure: Measure) -> SamlError | None:
    """Return what an admin who brings this as metadata would be told, where it begins like some: most often that it is too large."""
    if _METADATA_ROOT.search(data, 0, _BEGINNING) is None:
        return None
    try:
        parse_idp_metadata(data, now=measure.now)
    except SamlError as error:
        return error
    return None


def as_data(inspection: Inspection) -> dict[str, Any]:
    """Return an inspection for JSON."""
    captured = inspection.captured
    return {
        "kind": inspection.kind,
        "found": {
            "as": captured.carrier,
            "field": captured.parameter,
            "relay_state": captured.relay_state,
            "place": captured.place,
            "bytes": len(captured.data),
        },
        "verdict": inspection.verdict,
        "verified": inspection.verified,
        "redacted": inspection.redacted,
        "problem": inspection.problem,
        "reason": inspection.reason,
        "facts": dict(inspection.facts),
        "attributes": {name: list(values) for name, values in inspection.attributes},
        "checks": [
            {
                "name": one.name,
                "title": one.title,
                "outcome": one.outcome,
                "expected": one.expected,
                "received": one.received,
                "note": one.note,
                "code": one.code,
            }
            for one in inspection.findings
        ],
        "text": inspection.text,
        "opened_text": inspection.opened_text,
    }


def _facts(root: xml.Element) -> tuple[tuple[str, str], ...]:
    found = [(name, showable(value)) for name in _FACTS if (value := root.get(name)) is not None]
    leaves = [child for child in root if child.tag in _INNER and not len(child)]
    return (*found, *((reading.local_name(leaf), showable((leaf.text or "").strip())) for leaf in leaves))


def _response(found: Inspection, measure: Measure, *, redact: bool) -> Inspection:
    judged = judge_response(found.captured.data, measure)
    verdict: Verdict = "unknown" if judged.accepted is None else "accepted" if judged.accepted else "refused"
    findings = judged.findings
    if found.captured.mended:
        findings = tuple(replace(one, note=MENDED) if one.name == "message" else one for one in findings)
    found = replace(found, verdict=verdict, verified=judged.verified, findings=findings)
    if judged.opened is not None:
        found = replace(found, opened_text=readable(judged.opened, redact=redact))
        if redact:
            found = replace(found, personal=found.personal | personal_texts(judged.opened))
    if judged.assertion is None:
        return found
    facts = (*found.facts, *_assertion_facts(judged.assertion))
    return replace(found, facts=facts, attributes=_attributes(judged.assertion.attributes))


def _assertion_facts(assertion: Assertion) -> list[tuple[str, str]]:
    subject, authn = assertion.subject, assertion.authn
    said = {
        "NameID": subject.name_id,
        "NameID Format": subject.name_id_format,
        "SessionIndex": authn.session_index,
        "AuthnInstant": format_instant(authn.authn_instant),
        "AuthnContextClassRef": authn.authn_context_class_ref,
    }
    return [(name, showable(value)) for name, value in said.items() if value]


def _attributes(attributes: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    room = _MAX_VALUES
    found = []
    for name, values in attributes.items():
        shown = tuple(showable(value) for value in values[:room])
        room -= len(shown)
        found.append((showable(name), shown))
        if room <= 0:
            break
    return tuple(found)


def _metadata(found: Inspection, measure: Measure) -> Inspection:
    title = N_("Metadata of an identity provider")
    try:
        read = parse_idp_metadata(found.captured.data, measure.idp_entity_id, now=measure.now)
    except SamlError as error:
        finding = Finding("metadata", title, "failed", error.expected, error.received or error.reason, code=error.code)
        return replace(found, verdict="refused", findings=(finding,), problem=_sentence(error), reason=error.reason)
    findings = (Finding("metadata", title, "passed"), _entity(read, measure), _certificates(read, measure))
    refused = any(one.outcome == "failed" for one in findings)
    verdict: Verdict = "refused" if refused else "accepted" if measure.idp_entity_id else "unknown"
    return replace(found, verdict=verdict, facts=_metadata_facts(read), findings=findings)


def _sentence(error: SamlError) -> str:
    return showable(str(error))


def _metadata_facts(read: IdpMetadata) -> tuple[tuple[str, str], ...]:
    said = {
        "entityID": read.entity_id,
        "SingleSignOnService HTTP-Redirect": read.sso_redirect_url,
        "SingleSignOnService HTTP-POST": read.sso_post_url,
        "SingleLogoutService HTTP-Redirect": read.slo_redirect_url,
        "SingleLogoutService HTTP-POST": read.slo_post_url,
        "WantAuthnRequestsSigned": "true" if read.want_authn_requests_signed else "false",
        "NameIDFormat": ", ".join(read.name_id_formats),
        "validUntil": format_instant(read.valid_until) if read.valid_until else None,
        "DisplayName": read.display_name,
    }
    facts = [(name, showable(value)) for name, value in said.items() if value]
    return (*facts, *(("Certificate", _describe(one)) for one in read.certificates))


def _describe(one: Certificate) -> str:
    return showable(f"{one.key_description}, until {one.not_after:%Y-%m-%d}, SHA-256 {one.fingerprint}")


def _entity(read: IdpMetadata, measure: Measure) -> Finding:
    outcome: Literal["passed", "not_checked"] = "passed" if measure.idp_entity_id else "not_checked"
    note = "" if measure.idp_entity_id else NOT_KNOWN
    expected = measure.idp_entity_id or ""
    return Finding("idp_entity_id", _TITLES["idp_entity_id"], outcome, expected, showable(read.entity_id), note)


def _certificates(read: IdpMetadata, measure: Measure) -> Finding:
    title = N_("Certificates are those in use")
    known = {one.fingerprint for one in measure.certificates}
    shown = showable(", ".join(one.short_fingerprint for one in read.certificates))
    if not known:
        return Finding("certificates", title, "not_checked", "", shown, NOT_KNOWN)
    expected = showable(", ".join(one.short_fingerprint for one in measure.certificates))
    same = known == {one.fingerprint for one in read.certificates}
    return Finding("certificates", title, "passed" if same else "failed", expected, shown)


def _redacted(found: Inspection) -> Inspection:
    captured = found.captured
    return replace(
        found,
        captured=replace(
            captured,
            relay_state=None if captured.relay_state is None else scrub(captured.relay_state),
            place=scrub(captured.place),
            query="",
        ),
        facts=tuple(
            (name, HIDDEN if name in _PERSONAL_FACTS else scrub(value, found.personal)) for name, value in found.facts
        ),
        attributes=tuple((scrub(name), tuple(HIDDEN for _ in values)) for name, values in found.attributes),
        findings=tuple(_redacted_finding(one, found.personal) for one in found.findings),
        reason=scrub(found.reason),
        redacted=True,
        personal=frozenset(),
    )


def _redacted_finding(one: Finding, personal: frozenset[str]) -> Finding:
    received = HIDDEN if one.name == "name_id" and one.received else scrub(one.received, personal)
    return replace(one, expected=scrub(one.expected), received=received)
