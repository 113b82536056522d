"""The Apps pages: the list of an environment, setting an app up, one app with its secrets, and why somebody may or may not use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.admins import Permission
from vestibule.directory.app_drafts import ICONS, AppDraft, draft_of, version_of
from vestibule.directory.apps import AppKind
from vestibule.flows import apps, explaining
from vestibule.flows.apps import AppFacts
from vestibule.kernel.errors import FieldError, Invalid
from vestibule.kernel.text import N_
from vestibule.web import flash
from vestibule.web.conditions import CONDITIONS
from vestibule.web.doors import console
from vestibule.web.forms import errors_by_field
from vestibule.web.pages import redirect, render
from vestibule.web.recipes import recipes_for
from vestibule.web.visits import Visit

KINDS: Final[Mapping[str, str]] = {
    AppKind.OIDC.value: N_("OpenID Connect"),
    AppKind.FORWARD_AUTH.value: N_("Behind a reverse proxy"),
    AppKind.LINK.value: N_("Link"),
}
_NOTHING: Final[Mapping[str, str]] = {}


def list_page(visit: Visit) -> Response:
    """Show the apps of an environment."""
    listed = apps.list_apps(visit.runtime, visit.admin, visit.query.get("environment"))
    return render(
        visit,
        "console/apps.html",
        binding=visit.admin.session_id,
        listed=listed,
        group_names={group.id: group.name for group in listed.groups},
        kinds=KINDS,
        may_manage=_may_manage(visit),
    )


def create_page(visit: Visit) -> Response:
    """Ask what kind of app it is, then for its values."""
    visit.admin.require(Permission.MANAGE_APPS)
    return _form(visit, AppDraft(name="", kind=visit.query.get("kind")), {})


def create(visit: Visit) -> Response:
    """Set an app up, and show its secret this once."""
    draft = _typed(visit)
    try:
        made = apps.create_app(visit.runtime, visit.admin, visit.form.get("environment"), draft)
    except Invalid as error:
        return _form(visit, draft, errors_by_field(error))
    if made.secret:
        return _secret_page(visit, made)
    said = visit.gettext(N_("%(name)s was set up"), name=made.facts.app.name)
    return flash.say(redirect(_path(made.facts)), visit, said)


def app_page(visit: Visit) -> Response:
    """Show an app: what to copy to it, who may use it, and its secrets."""
    return _app_page(visit, apps.look_at_app(visit.runtime, visit.admin, _id(visit)))


def edit_page(visit: Visit) -> Response:
    """Show the form for other values."""
    visit.admin.require(Permission.MANAGE_APPS)
    facts = apps.look_at_app(visit.runtime, visit.admin, _id(visit))
    return _form(visit, draft_of(facts.app), {}, facts)


def edit(visit: Visit) -> Response:
    """Change an app."""
    draft = _typed(visit)
    try:
        facts = apps.change_app(visit.runtime, visit.admin, _id(visit), draft, visit.form.get("began_with"))
    except Invalid as error:
        return _form(visit, draft, errors_by_field(error), apps.look_at_app(visit.runtime, visit.admin, _id(visit)))
    return flash.say(redirect(_path(facts)), visit, visit.gettext(N_("%(name)s was saved"), name=facts.app.name))


def confirm_page(visit: Visit) -> Response:
    """Ask before an app is disabled or deleted, and say what follows."""
    visit.admin.require(Permission.MANAGE_APPS)
    facts = apps.look_at_app(visit.runtime, visit.admin, _id(visit))
    act = visit.path.rpartition("/")[2]
    return render(
        visit, "console/app_confirm.html", binding=visit.admin.session_id, facts=facts, act=act, here=_path(facts)
    )


def disable(visit: Visit) -> Response:
    """Close an app to everybody."""
    app = apps.set_disabled(visit.runtime, visit.admin, _id(visit), disabled=True)
    return flash.say(redirect(f"/admin/apps/{app.id}"), visit, visit.gettext(N_("%(name)s is disabled"), name=app.name))


def enable(visit: Visit) -> Response:
    """Open an app again."""
    app = apps.set_disabled(visit.runtime, visit.admin, _id(visit), disabled=False)
    return flash.say(redirect(f"/admin/apps/{app.id}"), visit, visit.gettext(N_("%(name)s is enabled"), name=app.name))


def delete(visit: Visit) -> Response:
    """Delete an app."""
    app = apps.delete_app(visit.runtime, visit.admin, _id(visit))
    return flash.say(redirect("/admin/apps"), visit, visit.gettext(N_("%(name)s was deleted"), name=app.name))


def rotate_secret(visit: Visit) -> Response:
    """Make a further secret, and show it this once."""
    return _secret_page(visit, apps.rotate_secret(visit.runtime, visit.admin, _id(visit)))


def revoke_secret(visit: Visit) -> Response:
    """End a secret at once."""
    app = apps.revoke_secret(visit.runtime, visit.admin, _id(visit), visit.path_params["secret_id"])
    said = visit.gettext(N_("The secret of %(name)s was revoked"), name=app.name)
    return flash.say(redirect(f"/admin/apps/{app.id}"), visit, said)


def explain_page(visit: Visit) -> Response:
    """Answer whether somebody may use an app, and why or why not."""
    facts = apps.look_at_app(visit.runtime, visit.admin, _id(visit))
    typed, found, errors = visit.query.get("email")[:300], None, _NOTHING
    if typed:
        try:
            found = explaining.explain(visit.runtime, visit.admin, facts.app.id, typed)
        except FieldError as error:
            errors = errors_by_field(error)
    return render(
        visit,
        "console/app_explain.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        facts=facts,
        here=_path(facts),
        typed=typed,
        found=found,
        errors=errors,
        conditions=CONDITIONS,
    )


def _app_page(visit: Visit, facts: AppFacts) -> Response:
    return render(
        visit,
        "console/app.html",
        binding=visit.admin.session_id,
        facts=facts,
        kinds=KINDS,
        here=_path(facts),
        most_secrets=apps.MOST_SECRETS,
        recipes=recipes_for(facts, visit.site.templates, visit.runtime.public_url),
        may_manage=_may_manage(visit),
        may_manage_environments=visit.admin.admin.may(Permission.MANAGE_ENVIRONMENTS),
    )


def _secret_page(visit: Visit, made: apps.Made) -> Response:
    return render(visit, "console/app_secret.html", binding=visit.admin.session_id, made=made, here=_path(made.facts))


def _form(visit: Visit, draft: AppDraft, errors: Mapping[str, str], facts: AppFacts | None = None) -> Response:
    wanted = visit.form.get("environment") or visit.query.get("environment")
    listed = apps.list_apps(visit.runtime, visit.admin, wanted) if facts is None else None
    return render(
        visit,
        "console/app_form.html" if draft.kind in KINDS else "console/app_kind.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        typed=draft,
        errors=errors,
        facts=facts,
        began_with=version_of(facts.app) if facts else "",
        environment=facts.environment if facts else listed.environment if listed else None,
        groups=facts.groups if facts else listed.groups if listed else (),
        kinds=KINDS,
        icons=ICONS,
        here=_path(facts) if facts else "",
    )


def _typed(visit: Visit) -> AppDraft:
    form = visit.form
    defaults = AppDraft(name="", kind="")
    return AppDraft(
        name=form.get("name"),
        kind=form.get("kind"),
        icon=form.get("icon"),
        launch_url=form.get("launch_url"),
        everyone=form.get("who", "everyone") == "everyone",
        group_ids=frozenset(form.all("group")),
        third_party=form.has("third_party"),
        hosts=form.get("hosts"),
        redirect_uris=form.get("redirect_uris"),
        post_logout_redirect_uris=form.get("post_logout_redirect_uris"),
        authentication=form.get("authentication", defaults.authentication),
        id_token_alg=form.get("id_token_alg", defaults.id_token_alg),
        groups_claim=form.get("groups_claim", defaults.groups_claim),
        all_groups=form.has("all_groups"),
        sector=form.get("sector"),
        jwks=form.get("jwks"),
        backchannel_logout_uri=form.get("backchannel_logout_uri"),
        require_pushed_requests=form.has("require_pushed_requests"),
        grant_types=frozenset(form.all("grant_type")) or defaults.grant_types,
    )


def _may_manage(visit: Visit) -> bool:
    return visit.admin.admin.may(Permission.MANAGE_APPS)


def _id(visit: Visit) -> str:
    return str(visit.path_params["app_id"])


def _path(facts: AppFacts) -> str:
    return f"/admin/apps/{facts.app.id}"


ROUTES: Final = [
    Route("/admin/apps", console(list_page), methods=["GET"]),
    Route("/admin/apps/new", console(create_page), methods=["GET"]),
    Route("/admin/apps/new", console(create), methods=["POST"]),
    Route("/admin/apps/{app_id}", console(app_page), methods=["GET"]),
    Route("/admin/apps/{app_id}/edit", console(edit_page), methods=["GET"]),
    Route("/admin/apps/{app_id}/edit", console(edit), methods=["POST"]),
    Route("/admin/apps/{app_id}/explain", console(explain_page), methods=["GET"]),
    Route("/admin/apps/{app_id}/disable", console(confirm_page), methods=["GET"]),
    Route("/admin/apps/{app_id}/disable", console(disable), methods=["POST"]),
    Route("/admin/apps/{app_id}/enable", console(enable), methods=["POST"]),
    Route("/admin/apps/{app_id}/delete", console(confirm_page), methods=["GET"]),
    Route("/admin/apps/{app_id}/delete", console(delete), methods=["POST"]),
    Route("/admin/apps/{app_id}/secrets/new", console(rotate_secret), methods=["POST"]),
    Route("/admin/apps/{app_id}/secrets/{secret_id}/revoke", console(revoke_secret), methods=["POST"]),
]
