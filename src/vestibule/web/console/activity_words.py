"""The activity in words: one sentence for each act, "who did what to whom". Knows every action that flows record."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from vestibule.directory.activity import ActorKind, Entry, Outcome
from vestibule.kernel.text import N_
from vestibule.web.visits import Visit

DONE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "app.device_signed_in": N_("%(actor)s let a device into the app %(subject)s"),
        "app.registered": N_("The app %(subject)s registered itself"),
        "app.registration_changed": N_("The app %(subject)s changed its registration"),
        "app.registration_withdrawn": N_("The app %(subject)s withdrew its registration"),
        "app.token_exchanged": N_("The app %(subject)s acts for a person"),
        "api.added": N_("%(actor)s added the API %(subject)s"),
        "api.app_allowed": N_("%(actor)s changed what an app may ask of the API %(subject)s"),
        "api.changed": N_("%(actor)s changed the API %(subject)s"),
        "api.deleted": N_("%(actor)s deleted the API %(subject)s"),
        "api.registration_allowed": N_("%(actor)s made an initial access token: apps may register themselves"),
        "api.registration_ended": N_("%(actor)s revoked an initial access token"),
        "api_client.created": N_("%(actor)s made the API client %(subject)s"),
        "api_client.revoked": N_("%(actor)s revoked the API client %(subject)s"),
        "admin.created": N_("%(actor)s created the admin %(subject)s"),
        "admin.invited": N_("%(actor)s invited %(subject)s to be an admin"),
        "admin.link_made": N_("%(actor)s made a one-time link for the admin %(subject)s"),
        "admin.other_sessions_ended": N_("%(actor)s ended their other console sessions"),
        "admin.recovery_link_made": N_("%(actor)s made a recovery link for the admin %(subject)s"),
        "admin.removed": N_("%(actor)s removed the admin %(subject)s"),
        "admin.role_changed": N_("%(actor)s changed the role of %(subject)s"),
        "admin.session_ended": N_("%(actor)s ended one of their console sessions"),
        "admin.sign_in": N_("%(subject)s signed in to the console"),
        "admin.signed_out": N_("%(subject)s signed out of the console"),
        "app.changed": N_("%(actor)s changed the app %(subject)s"),
        "app.created": N_("%(actor)s set up the app %(subject)s"),
        "app.deleted": N_("%(actor)s deleted the app %(subject)s"),
        "app.disabled": N_("%(actor)s disabled the app %(subject)s"),
        "app.enabled": N_("%(actor)s enabled the app %(subject)s"),
        "app.icon_uploaded": N_("%(actor)s gave the app %(subject)s an icon of its own"),
        "app.icon_removed": N_("%(actor)s removed the icon of the app %(subject)s"),
        "app.secret_made": N_("%(actor)s made a client secret for the app %(subject)s"),
        "app.secret_revoked": N_("%(actor)s revoked a client secret of the app %(subject)s"),
        "app.grant_revoked": N_("The app %(subject)s gave back what it was granted"),
        "app.tried": N_("%(actor)s tried the sign-in to the app %(subject)s"),
        "app.sign_in": N_("%(actor)s signed in to the app %(subject)s"),
        "app.consent_withdrawn": N_("%(actor)s took back what the app %(subject)s was allowed"),
        "connection.added": N_("%(actor)s added the connection %(subject)s"),
        "connection.cbc_allowed": N_("%(actor)s allowed AES-CBC for %(subject)s"),
        "connection.cbc_refused": N_("%(actor)s refused AES-CBC for %(subject)s"),
        "connection.changed": N_("%(actor)s changed the connection %(subject)s"),
        "connection.deleted": N_("%(actor)s deleted the connection %(subject)s"),
        "connection.disabled": N_("%(actor)s disabled the connection %(subject)s"),
        "connection.enabled": N_("%(actor)s enabled the connection %(subject)s"),
        "connection.idp_adopted": N_("%(actor)s let a connection use the identity provider %(subject)s"),
        "connection.idp_values_saved": N_("%(actor)s saved the values of the identity provider %(subject)s"),
        "connection.expired_refused": N_("%(actor)s has expired certificates of %(subject)s refused"),
        "connection.expired_taken": N_("%(actor)s has expired certificates of %(subject)s taken"),
        "connection.mapping_changed": N_("%(actor)s changed the attribute mapping of %(subject)s"),
        "connection.logout_changed": N_("%(actor)s changed whether signing out of %(subject)s reaches it"),
        "connection.idp_initiated_changed": N_("%(actor)s changed what happens to sign-ins that start at %(subject)s"),
        "connection.provisioning_saved": N_("%(actor)s chose the provisioning of %(subject)s"),
        "connection.requests_changed": N_("%(actor)s changed what requests to %(subject)s ask for"),
        "connection.request_signing_changed": N_("%(actor)s changed whether requests to %(subject)s are signed"),
        "connection.scim_held": N_("%(actor)s stopped the directory of %(subject)s: too many people would lose access"),
        "connection.scim_kept_held": N_("%(actor)s keeps the departures from %(subject)s held"),
        "connection.scim_let_through": N_("%(actor)s let the departures from %(subject)s through for a while"),
        "connection.scim_stop_line_changed": N_("%(actor)s changed the stop line of %(subject)s"),
        "connection.scim_token_made": N_("%(actor)s made a SCIM token for %(subject)s"),
        "connection.scim_token_revoked": N_("%(actor)s revoked a SCIM token of %(subject)s"),
        "connection.tested": N_("%(actor)s tested the sign-in of %(subject)s"),
        "end_user.access_granted": N_("%(actor)s gave %(subject)s access"),
        "end_user.access_removed": N_("%(actor)s took access away from %(subject)s"),
        "end_user.admitted": N_("%(subject)s came here for the first time and got access, just in time"),
        "end_user.adopted": N_("%(actor)s adopted %(subject)s, found by e-mail"),
        "end_user.added": N_("%(actor)s added %(subject)s"),
        "end_user.arrived": N_("%(subject)s came for the first time and got an account, just in time"),
        "end_user.changed": N_("%(actor)s changed the profile of %(subject)s"),
        "end_user.deactivated": N_("%(actor)s deactivated %(subject)s"),
        "end_user.deleted": N_("%(actor)s deleted %(subject)s"),
        "end_user.group_joined": N_("%(actor)s put %(subject)s into a group"),
        "end_user.group_left": N_("%(actor)s took %(subject)s out of a group"),
        "end_user.knock_dismissed": N_("%(actor)s dismissed %(subject)s from Waiting"),
        "end_user.let_go": N_("%(actor)s let go of %(subject)s, who keeps the access that was given otherwise"),
        "end_user.link_broken": N_("%(actor)s broke the link of %(subject)s to an identity"),
        "end_user.link_made": N_("%(actor)s made a one-time link for %(subject)s"),
        "end_user.link_moved_away": N_("%(actor)s moved an identity away from %(subject)s"),
        "end_user.link_moved_here": N_("%(actor)s moved an identity to %(subject)s"),
        "end_user.link_replaced": N_("%(actor)s linked %(subject)s to a new identity in place of the old one"),
        "end_user.linked": N_("%(subject)s was linked to an identity, found by e-mail"),
        "end_user.other_sessions_ended": N_("%(subject)s signed out everywhere else"),
        "end_user.password_changed": N_("%(subject)s changed their password"),
        "end_user.password_set": N_("%(subject)s chose a password"),
        "end_user.reactivated": N_("%(actor)s reactivated %(subject)s"),
        "end_user.reset_requested": N_("%(subject)s asked for a new password"),
        "end_user.session_ended": N_("%(actor)s ended a session of %(subject)s"),
        "end_user.sign_in": N_("%(subject)s signed in"),
        "end_user.signed_out": N_("%(subject)s signed out"),
        "end_user.signed_out_at_idp": N_("%(subject)s signed out at the identity provider, too"),
        "end_user.arrival_turned_down": N_(
            "%(subject)s was sent here unasked, and somebody else who is signed in in that browser stayed"
        ),
        "end_user.signed_out_by_idp": N_("The identity provider signed %(subject)s out"),
        "end_user.synced": N_("%(subject)s was brought in sync with the identity provider"),
        "environment.added": N_("%(actor)s added the environment %(subject)s"),
        "environment.changed": N_("%(actor)s changed the environment %(subject)s"),
        "environment.cookie_domain_registered": N_("%(actor)s registered a domain for the apps of %(subject)s"),
        "environment.cookie_domain_removed": N_("%(actor)s took back a domain for the apps of %(subject)s"),
        "environment.deleted": N_("%(actor)s deleted the environment %(subject)s"),
        "environment.moved": N_("%(actor)s moved the environment %(subject)s in the order"),
        "environment.saml_turned_off": N_("%(actor)s turned SAML-based SSO off for %(subject)s"),
        "environment.saml_turned_on": N_("%(actor)s turned SAML-based SSO on for %(subject)s"),
        "group.created": N_("%(actor)s created the group %(subject)s"),
        "group.deleted": N_("%(actor)s deleted the group %(subject)s"),
        "group.adopted": N_("%(actor)s let a directory adopt the group %(subject)s"),
        "group.kept_apart": N_("%(actor)s keeps the group %(subject)s apart from the one that was here"),
        "group.members_joined": N_("%(actor)s put people into %(subject)s"),
        "group.members_left": N_("%(actor)s took people out of %(subject)s"),
        "group.released": N_("%(actor)s let go of the group %(subject)s, which stays by hand"),
        "group.renamed": N_("%(actor)s renamed the group %(subject)s"),
        "saml_keys.certificate_ends": N_(
            "A certificate of this server’s own SAML keys ends soon: the admins were written to"
        ),
        "identity_provider.certificate_ends": N_("A certificate of %(subject)s ends soon: the admins were written to"),
        "identity_provider.deleted": N_("%(actor)s deleted the identity provider %(subject)s"),
        "identity_provider.metadata_applied": N_(
            "%(actor)s read new values in the metadata of %(subject)s and put them in use"
        ),
        "identity_provider.metadata_approved": N_("%(actor)s approved the new values in the metadata of %(subject)s"),
        "identity_provider.metadata_change_found": N_(
            "The metadata of %(subject)s says something new, which waits for approval"
        ),
        "identity_provider.metadata_dismissed": N_("%(actor)s kept the values of %(subject)s as they are"),
        "identity_provider.metadata_following_changed": N_(
            "%(actor)s changed how the metadata of %(subject)s is followed"
        ),
        "jwt_keys.rotated": N_("%(actor)s put new keys for tokens of %(subject)s in place of the old ones"),
        "saml_keys.retired": N_("The key %(subject)s ended and was deleted"),
        "saml_keys.rotated": N_("%(actor)s put new %(subject)s keys in place of the old ones"),
        "workspace.changed": N_("%(actor)s changed the settings of the workspace"),
        "workspace.created": N_("%(actor)s created the workspace %(subject)s"),
    }
)
REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "admin.sign_in": N_("Somebody tried to sign in to the console as %(subject)s"),
        "app.code_misused": N_("A code for the app %(subject)s was brought wrongly: what it stood for has ended"),
        "app.code_replayed": N_("A code for the app %(subject)s was brought twice: what it led to has ended"),
        "app.logout_given_up": N_("The app %(subject)s could not be told that somebody’s session has ended"),
        "app.refresh_token_misused": N_(
            "A refresh token was brought by the app %(subject)s, whose it is not: it has ended"
        ),
        "app.refresh_token_reused": N_(
            "A refresh token of the app %(subject)s was brought twice: what hung on it has ended"
        ),
        "app.tried": N_("%(actor)s tried the sign-in to the app %(subject)s, and it was refused"),
        "app.sign_in": N_("Somebody could not be signed in to the app %(subject)s"),
        "connection.tested": N_("%(actor)s tested the sign-in of %(subject)s, and it would be refused"),
        "connection.test_not_begun": N_("%(actor)s wanted to test the sign-in of %(subject)s, which could not begin"),
        "end_user.password_changed": N_("Somebody signed in as %(subject)s typed a wrong password to change it"),
        "end_user.reset_requested": N_("Somebody asked for a new password for %(subject)s, who has no account"),
        "end_user.sign_in": N_("%(subject)s was not let in"),
        "end_user.signed_out_at_idp": N_("The identity provider did not sign %(subject)s out everywhere"),
        "end_user.single_logout": N_("A logout message at the connection %(subject)s was refused"),
        "identity_provider.metadata_unreadable": N_("The metadata of %(subject)s could not be read"),
        "letter.given_up": N_("A letter to %(subject)s could not be sent"),
    }
)
KINDS: Final[tuple[tuple[str, str], ...]] = (
    ("end_user.sign_in", N_("Sign-ins")),
    ("end_user.", N_("End users")),
    ("app.", N_("Apps")),
    ("api.", N_("APIs")),
    ("api_client.", N_("API clients")),
    ("group.", N_("Groups")),
    ("connection.", N_("Connections")),
    ("identity_provider.", N_("Identity providers")),
    ("environment.", N_("Environments")),
    ("admin.", N_("Workspace admins")),
    ("saml_keys.", N_("Keys")),
    ("jwt_keys.", N_("Keys for tokens")),
    ("workspace.", N_("Workspace")),
)
_ACTORS: Final = {
    ActorKind.ANONYMOUS: N_("Somebody not signed in"),
    ActorKind.OPERATOR: N_("The operator"),
    ActorKind.SYSTEM: N_("Vestibule"),
}
_OTHER: Final = N_("%(actor)s: %(action)s, %(subject)s")
_NOBODY: Final = N_("Somebody")
# Where no app is known, as after a request that is over.
_UNNAMED: Final = {"app.sign_in": N_("Somebody could not be signed in to an app")}


def sentence(visit: Visit, entry: Entry) -> str:
    """Return who did what to whom. Names are as they were then, and untrusted: the template escapes the sentence."""
    event = entry.event
    words = REFUSED if event.outcome is Outcome.REFUSED else DONE
    unnamed = None if event.subject.name else _UNNAMED.get(event.action)
    message = unnamed or words.get(event.action) or DONE.get(event.action) or _OTHER
    subject = event.subject.name or visit.gettext(_NOBODY)
    return visit.gettext(message, actor=actor(visit, entry), subject=subject, action=event.action)


def actor(visit: Visit, entry: Entry) -> str:
    """Return who acted: the name, or what is known where there is none."""
    if entry.actor.kind in _ACTORS:
        return visit.gettext(_ACTORS[entry.actor.kind])
    return entry.actor.name or visit.gettext(_NOBODY)
