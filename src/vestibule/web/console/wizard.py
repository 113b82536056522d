"""Set up new provider: name and domains, then the IdP's values; and reusing an IdP in another environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from ssl import DER_cert_to_PEM_cert

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.certificate_watch import WatchedCertificate, watch
from vestibule.directory.connections import (
    Connection,
    ConnectionStatus,
    IdentityProvider,
    IdpValues,
    acs_url,
    slo_url,
    sp_entity_id,
)
from vestibule.directory.marks import Part, parts
from vestibule.directory.vendors import GENERIC, VENDORS, Vendor, app_name, vendor
from vestibule.directory.workspaces import Environment
from vestibule.flows import connection_set_up, idp_values, sign_in_tests
from vestibule.flows.parts.connecting import TypedConnection
from vestibule.flows.parts.understanding import TypedIdp, digest_of, version_of
from vestibule.kernel.errors import Invalid
from vestibule.kernel.text import N_
from vestibule.saml.certificates import fingerprint_of
from vestibule.web import flash
from vestibule.web.console.authentication import tab_of
from vestibule.web.console.sign_in_tests import send_to_test
from vestibule.web.doors import console
from vestibule.web.forms import errors_by_field
from vestibule.web.pages import redirect, render
from vestibule.web.visits import Form, Visit

_TEXT_FIELDS = (
    "metadata_url",
    "metadata_certificate",
    "metadata_xml",
    "wanted_entity_id",
    "sso_url",
    "binding",
    "entity_id",
    "certificate",
    "slo_url",
)
# With which a certificate begins that is no text.
_DER = b"\x30"


@dataclass(frozen=True, slots=True)
class StepTwo:
    """The second step as it is shown: what was typed, what is wrong with it, what was understood of it."""

    typed: Mapping[str, str]
    errors: Mapping[str, str] = field(default_factory=dict)
    values: IdpValues | None = None
    changed: bool = False
    known: IdentityProvider | None = None


def typed_connection(form: Form, prefix: str = "") -> TypedConnection:
    """Return what a form says about a connection's name and domains, in the fields with a prefix."""
    return TypedConnection(*(form.get(f"{prefix}{name}") for name in ("name", "vendor", "enforce", "domains")))


def values_to_carry(visit: Visit, connection: Connection) -> dict[str, str]:
    """Return the two values that the IdP is given."""
    public_url = visit.runtime.public_url
    return {
        "acs_url": acs_url(public_url, connection.id),
        "sp_entity_id": sp_entity_id(public_url, connection.id),
        "slo_url": slo_url(public_url, connection.id),
    }


def new_page(visit: Visit) -> Response:
    """Show step 1."""
    environment = connection_set_up.get_environment(visit.runtime, visit.admin, visit.path_params["environment"])
    typed = TypedConnection("", visit.query.get("vendor"), "selected", "")
    return _step_one(visit, environment, typed, {})


def begin(visit: Visit) -> Response:
    """Take step 1, and go on to step 2."""
    key, typed = visit.path_params["environment"], typed_connection(visit.form)
    try:
        connection = connection_set_up.begin_set_up(visit.runtime, visit.admin, key, typed)
    except Invalid as error:
        environment = connection_set_up.get_environment(visit.runtime, visit.admin, key)
        return _step_one(visit, environment, typed, errors_by_field(error))
    return redirect(f"/admin/connections/{connection.id}/set-up")


def reuse_page(visit: Visit) -> Response:
    """Ask for which domains an IdP of the workspace is enforced in this environment."""
    return _reuse(visit, None, {})


def reuse(visit: Visit) -> Response:
    """Use an IdP of the workspace in this environment."""
    key, idp_id = visit.path_params["environment"], visit.path_params["idp_id"]
    enforce, domains = visit.form.get("enforce"), visit.form.get("domains")
    try:
        connection = connection_set_up.reuse_idp(visit.runtime, visit.admin, key, idp_id, enforce, domains)
    except Invalid as error:
        return _reuse(visit, visit.form, errors_by_field(error))
    said = visit.gettext(
        N_("%(name)s now has values of its own here. Give them to it, then choose the provisioning."),
        name=connection.idp.name,
    )
    return flash.say(redirect(f"/admin/connections/{connection.id}"), visit, said)


def set_up_page(visit: Visit) -> Response:
    """Show step 2."""
    facts = idp_values.get_set_up(visit.runtime, visit.admin, visit.path_params["connection_id"])
    chosen = visit.query.get("vendor") or facts.connection.idp.vendor
    return _step_two(visit, facts, chosen, StepTwo(_stored(facts.connection.idp, chosen)))


def set_up(visit: Visit) -> Response:
    """Fetch and show what is understood, show another vendor's steps, or save."""
    form, connection_id = visit.form, visit.path_params["connection_id"]
    facts = idp_values.get_set_up(visit.runtime, visit.admin, connection_id)
    typed, shown, keep_apart = _typed(form), _kept(form), form.has("keep_apart")
    values, changed = None, False
    if form.get("act") == "vendor" and not form.get("seen"):
        return _step_two(visit, facts, form.get("vendor"), StepTwo(shown))
    if form.get("act") == "adopt":
        connection = connection_set_up.adopt_idp(visit.runtime, visit.admin, connection_id, form.get("idp"))
        return redirect(f"/admin/connections/{connection.id}")
    try:
        if form.get("act") == "use_tested":
            values = sign_in_tests.tested_values(visit.runtime, visit.admin, connection_id, form.get("test"))
            shown = _stored(_with_values(facts.connection.idp, values), form.get("vendor"))
        else:
            values = idp_values.understand_idp(visit.runtime, visit.admin, typed, facts.connection.idp)
        if form.get("act") == "test":
            return send_to_test(visit, connection_id, values)
        changed = form.get("act") != "fetch" and form.get("seen") not in {"", digest_of(values)}
        if changed or form.get("act") in {"fetch", "vendor"}:
            idp_values.refuse_known_entity_id(visit.runtime, visit.admin, connection_id, values, keep_apart=keep_apart)
            return _step_two(visit, facts, form.get("vendor"), StepTwo(shown, values=values, changed=changed))
        connection = idp_values.save_idp_values(
            visit.runtime,
            visit.admin,
            connection_id,
            values,
            vendor=form.get("vendor"),
            keep_apart=keep_apart,
            began_with=form.get("began_with"),
        )
    except Invalid as error:
        known = next((one.reusable for one in error.errors if isinstance(one, idp_values.EntityIdKnown)), None)
        step = StepTwo(shown, errors_by_field(error), values, changed, known)
        return _step_two(visit, facts, form.get("vendor"), step)
    return _done(visit, facts, connection)


def _with_values(idp: IdentityProvider, values: IdpValues) -> IdentityProvider:
    return replace(idp, **{each.name: getattr(values, each.name) for each in fields(values)})


def _done(visit: Visit, facts: idp_values.SetUpFacts, connection: Connection) -> Response:
    if facts.connection.status is not ConnectionStatus.DRAFT:
        said = visit.gettext(N_("The values of %(name)s were replaced"), name=connection.idp.name)
        return flash.say(redirect(f"/admin/connections/{connection.id}"), visit, said)
    said = visit.gettext(
        N_("%(name)s is connected. Choose how its people get an account: Set up."), name=connection.idp.name
    )
    return flash.say(redirect(tab_of(facts.environment.key)), visit, said)


def _typed(form: Form) -> TypedIdp:
    way = "url" if form.get("has_url") == "yes" else form.get("way")
    file = form.files.get("metadata_file", b"")
    if way == "xml" and file:
        way = "file"
    return TypedIdp(
        way=way,
        metadata_url=form.get("metadata_url"),
        metadata_certificate=form.get("metadata_certificate"),
        metadata_xml=form.get("metadata_xml"),
        metadata_file=file,
        wanted_entity_id=form.get("wanted_entity_id"),
        sso_url=form.get("sso_url"),
        binding=form.get("binding"),
        entity_id=form.get("entity_id"),
        certificate=form.get("certificate"),
        slo_url=form.get("slo_url"),
        certificate_file=form.files.get("certificate_file", b""),
    )


def _kept(form: Form) -> dict[str, str]:
    # A browser forgets the file that was chosen; its text goes into the box, so that nothing has to be looked for again.
    kept = {name: form.get(name) for name in (*_TEXT_FIELDS, "has_url", "way", "keep_apart")}
    if metadata := _text(form.files.get("metadata_file", b"")):
        kept["metadata_xml"] = metadata
    file = form.files.get("certificate_file", b"")
    if certificate := _pem(file) if file.startswith(_DER) else _text(file):
        # What was pasted and what was uploaded count both.
        kept["certificate"] = f"{kept['certificate']}\n{certificate}".strip()
    return kept


def _text(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return ""
    return "" if "\0" in text else text


def _stored(idp: IdentityProvider, chosen_vendor: str) -> dict[str, str]:
    brings = vendor(chosen_vendor).brings
    # Of an IdP that we don't know we know no better answer than the usual one.
    by_url = bool(idp.metadata_url) or (not idp.complete and (brings == "metadata_url" or chosen_vendor == GENERIC.key))
    by_hand = idp.complete or brings == "values"
    return {
        "has_url": "yes" if by_url else "no",
        "way": "values" if by_hand else "xml",
        "metadata_url": idp.metadata_url or "",
        "metadata_certificate": _pem(idp.metadata_certificate) if idp.metadata_certificate else "",
        "metadata_xml": "",
        "wanted_entity_id": "",
        "sso_url": idp.sso_redirect_url or idp.sso_post_url or "",
        "binding": "post" if idp.sso_post_url and not idp.sso_redirect_url else "redirect",
        "entity_id": idp.entity_id or "",
        "keep_apart": "",
        "slo_url": idp.logout.redirect_url or idp.logout.post_url or "",
        "certificate": "\n".join(_pem(one.der) for one in idp.certificates),
    }


def _pem(der: bytes) -> str:
    return DER_cert_to_PEM_cert(der).strip()


def _step_one(visit: Visit, environment: Environment, typed: TypedConnection, errors: Mapping[str, str]) -> Response:
    return render(
        visit,
        "console/wizard_step_one.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        environment=environment,
        tab_path=tab_of(environment.key),
        typed=typed,
        vendors=VENDORS.values(),
        errors=errors,
    )


def _reuse(visit: Visit, form: Form | None, errors: Mapping[str, str]) -> Response:
    offer = connection_set_up.offer_reuse(
        visit.runtime, visit.admin, visit.path_params["environment"], visit.path_params["idp_id"]
    )
    example = offer.example
    enforce = "all" if example and example.all_domains else "selected"
    typed = TypedConnection("", "", enforce, ", ".join(example.domains) if example else "")
    return render(
        visit,
        "console/wizard_reuse.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        offer=offer,
        environment=offer.environment,
        tab_path=tab_of(offer.environment.key),
        typed=typed_connection(form) if form else typed,
        errors=errors,
    )


def _step_two(visit: Visit, facts: idp_values.SetUpFacts, chosen_vendor: str, step: StepTwo) -> Response:
    chosen = vendor(chosen_vendor or facts.connection.idp.vendor)
    return render(
        visit,
        "console/wizard_step_two.html",
        status=422 if step.errors else 200,
        binding=visit.admin.session_id,
        connection=facts.connection,
        environment=facts.environment,
        shared_with=facts.shared_with,
        tab_path=tab_of(facts.environment.key),
        carry=values_to_carry(visit, facts.connection),
        vendors=VENDORS.values(),
        vendor=chosen,
        steps=_steps(visit, chosen, facts.environment),
        typed=step.typed,
        errors=step.errors,
        values=step.values,
        seen=digest_of(step.values) if step.values else "",
        watched=_watched(visit, step.values),
        signed_by=_signed_by(step.values),
        changed=step.changed,
        known=step.known,
        began_with=_began_with(visit, facts, step),
    )


def _began_with(visit: Visit, facts: idp_values.SetUpFacts, step: StepTwo) -> str:
    """Return the version of the values that the form is made of: of the first look, until the admin was told of a newer one."""
    if visit.method == "GET" or "began_with" in step.errors:
        return version_of(facts.connection.idp)
    return visit.form.get("began_with")


def _steps(visit: Visit, chosen: Vendor, environment: Environment) -> list[tuple[Part, ...]]:
    filled = {"app": app_name(environment.name)}
    return [parts(visit.gettext(text), filled) for text in (*(step.text for step in chosen.steps), chosen.note)]


def _signed_by(values: IdpValues | None) -> str:
    return fingerprint_of(values.metadata_certificate) if values and values.metadata_certificate else ""


def _watched(visit: Visit, values: IdpValues | None) -> tuple[WatchedCertificate, ...]:
    return watch(values.certificates, visit.runtime.clock()) if values else ()


_TAB = "/admin/environments/{environment}/authentication"
_SET_UP = "/admin/connections/{connection_id}/set-up"
ROUTES = [
    Route(f"{_TAB}/new", console(new_page), methods=["GET"]),
    Route(f"{_TAB}/new", console(begin), methods=["POST"]),
    Route(f"{_TAB}/use/{{idp_id}}", console(reuse_page), methods=["GET"]),
    Route(f"{_TAB}/use/{{idp_id}}", console(reuse), methods=["POST"]),
    Route(_SET_UP, console(set_up_page), methods=["GET"]),
    Route(_SET_UP, console(set_up), methods=["POST"]),
]
