"""Why Vestibule itself lets somebody not in, though the message may be in order. One class per reason; recording is the flow's.

The reasons that lie in a SAML message are `saml.errors`. Each names the check that it fails, as the record shows it.
"""

from __future__ import annotations

from typing import ClassVar, Final

from vestibule.kernel.errors import VestibuleError
from vestibule.kernel.text import N_

# What is checked besides the message, in this order. The titles are msgids.
DOOR_CHECKS: Final[tuple[tuple[str, str], ...]] = (
    ("replay", N_("Used once")),
    ("connection", N_("Connection")),
    ("email", N_("E-mail address")),
    ("domain", N_("E-mail domain")),
    ("person", N_("Account")),
    ("identity", N_("Linked identity")),
    ("access", N_("Environment access")),
)


# What is checked of a logout message besides what it says itself.
LOGOUT_DOOR_CHECKS: Final[tuple[tuple[str, str], ...]] = (
    ("in_response_to", N_("Answer is for a sign-out we started")),
    ("connection", N_("Connection")),
)


class EntryRefusal(VestibuleError):
    """Somebody is not let in. `check` is the check that failed; `expected` and `received` are for the admin."""

    code = "entry"
    check: ClassVar[str] = "connection"

    def __init__(self, reason: str, *, expected: str = "", received: str = "") -> None:
        super().__init__(reason)
        self.expected = expected
        self.received = received


class ConnectionPending(EntryRefusal):
    """The connection was begun and not finished: it signs nobody in."""

    code = "connection_pending"
    public = N_("This way of signing in is not set up completely yet.")


class ConnectionDisabled(EntryRefusal):
    """An admin disabled the connection."""

    code = "connection_disabled"
    public = N_("This way of signing in is switched off at the moment.")


class SamlSwitchedOff(EntryRefusal):
    """SAML-based SSO is off for the environment."""

    code = "saml_switched_off"
    public = N_("This page does not use your organisation’s sign-in service at the moment.")


class OwnKeyUnreadable(EntryRefusal):
    """A key or a draft of ours, which the message needs, does not open with this server's secret key."""

    code = "own_key_unreadable"
    public = N_("This server can’t use a key of its own at the moment. Nothing is wrong with your account.")


class OwnKeyForNameUnreadable(OwnKeyUnreadable):
    """A logout message encrypts the name to a key of ours that does not open, so nobody knows whom it means."""

    check = "name_id"


class ResponseReused(EntryRefusal):
    """The request was answered, or the assertion was used, before: a replay, the Back button, or a reload."""

    code = "replayed"
    check = "replay"
    public = N_("This sign-in was used already. Each one works once.")


class SignedOutBefore(EntryRefusal):
    """The identity provider asked to end the session of the assertion before the assertion arrived (saml-core-2.0-os 3.7.3.1)."""

    code = "signed_out_before"
    check = "session_not_on_or_after"
    public = N_("Your organisation’s sign-in service has signed you out in the meantime. Please sign in again.")


class RequestUnknown(EntryRefusal):
    """The response answers no request of this connection that we still know."""

    code = "request_unknown"
    check = "in_response_to"
    public = N_("This answer belongs to another sign-in, or to one from long ago. Please start again.")


class RequestExpired(EntryRefusal):
    """The response came after the request had been given up."""

    code = "request_expired"
    check = "in_response_to"
    public = N_("This sign-in took too long and has expired. Please try again.")


class OtherBrowser(EntryRefusal):
    """The response arrives in another browser than the one that started: posted by a stranger, or the cookie is lost."""

    code = "other_browser"
    check = "in_response_to"
    public = N_(
        "This sign-in was not started in this browser, or the browser keeps no cookies. Please start again here."
    )


class SubjectTransient(EntryRefusal):
    """The NameID is transient and there is no stable id."""

    code = "name_id_transient"
    check = "name_id"
    public = N_("Your organisation’s sign-in service is not set up correctly for this page.")


class LogoutUnknown(EntryRefusal):
    """The answer belongs to no logout request of this connection that we still know."""

    code = "logout_unknown"
    check = "in_response_to"
    public = N_("This answer belongs to no sign-out that we still know of.")


class LogoutOfOtherBrowser(EntryRefusal):
    """The answer arrives in another browser than the one that signed out."""

    code = "logout_other_browser"
    check = "in_response_to"
    public = N_("This answer belongs to a sign-out in another browser.")


class EmailMissing(EntryRefusal):
    """The assertion names no e-mail address, and the subject is not linked yet."""

    code = "email_missing"
    check = "email"
    public = N_("Your organisation’s sign-in service did not say which e-mail address is yours.")


class DomainOutOfReach(EntryRefusal):
    """The connection is not enforced for the domain of the person's e-mail address."""

    code = "domain_out_of_reach"
    check = "domain"
    public = N_("Your e-mail address does not belong to this way of signing in.")


class Deactivated(EntryRefusal):
    """The account is deactivated."""

    code = "deactivated"
    check = "person"
    public = N_("Your account here is switched off. Ask your admin if you should have access.")


class NotLetIn(EntryRefusal):
    """The person is who they say, and has no access yet."""

    code = "no_access"
    check = "access"
    public = N_("You don’t have access here yet. Your admin can see that you tried.")


class PersonUnknown(NotLetIn):
    """There is no account with the e-mail address."""

    code = "person_unknown"
    check = "person"


class AddressReused(NotLetIn):
    """The account with the e-mail address is linked to another subject of this connection."""

    code = "address_reused"
    check = "identity"
