"""What the steps of an authorization request share: what comes of it, how it is refused, and what goes back to the app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from vestibule.directory.activity import Actor, Event, Outcome, Subject
from vestibule.directory.apps import App
from vestibule.directory.end_users import EndUser
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.clients import Client, issuer_of
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.refusing import REFUSAL_PER_ADDRESS, REFUSAL_PER_PLACE
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.throttling import count_attempt
from vestibule.kernel.errors import Throttled, VestibuleError
from vestibule.kernel.secrets import new_reference
from vestibule.kernel.text import N_, printable
from vestibule.oidc.errors import OAuthError
from vestibule.oidc.requests import AuthorizationRequest, ResponseMode


class UnknownClient(VestibuleError):
    """The request names no app of this environment, or an address that is not that app's. Nothing is sent there (RFC 6749, 4.1.2.1)."""

    code = "unknown_client"
    public = N_("The app that sent you here is not set up for this environment, or not with this address.")


class AppChanged(VestibuleError):
    """A request waited, and meanwhile its app was turned off or lost the address to answer at. Nothing is sent there."""

    code = "app_changed"
    public = N_("The app that sent you here was changed while you signed in. Start again from the app.")


class AppClosed(VestibuleError):
    """The person is known, and may not use the app."""

    code = "app_closed"
    public = N_("You may not use %(app)s. Ask for access to it.")


class RequestEnded(VestibuleError):
    """The request was answered, took too long, or began in another browser."""

    code = "request_ended"
    public = N_(
        "This sign-in took too long, was finished already, or began in another browser. Start again from the app."
    )


class AuthorizationRefused(VestibuleError):
    """A request was refused on a page of ours, and recorded under `reference`. `answer` is how the person may go back to the app."""

    code = "authorization_refused"

    def __init__(self, place: Place, cause: VestibuleError, reference: str, answer: Answer | None = None) -> None:
        super().__init__(cause.reason)
        self.place = place
        self.cause = cause
        self.reference = reference
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to an app's address, and how. The address is one that is registered."""

    place: Place
    app: App
    redirect_uri: str
    response_mode: ResponseMode
    parameters: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignInFirst:
    """The person has to sign in, `again` also where a session lives; then the request goes on by its handle."""

    place: Place
    handle: str = field(repr=False)
    login_hint: str
    again: bool


@dataclass(frozen=True, slots=True)
class AskConsent:
    """The person has to agree that a third-party app gets what it asks for."""

    place: Place
    app: App
    handle: str = field(repr=False)
    scope: tuple[str, ...]
    person: EndUser
    redirect_uri: str
    resources: tuple[str, ...] = ()


Step = Answer | SignInFirst | AskConsent


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request under way: since when, and by what handle it is stored, if it is."""

    client: Client
    request: AuthorizationRequest
    since: datetime
    handle: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True)
class Browser:
    """Who is before us: the browser's own secret and its session cookie of the environment, both untrusted."""

    secret: str = field(repr=False)
    token: str = field(repr=False)


def answer_to(runtime: Runtime, place: Place, waiting: Waiting, parameters: Mapping[str, str]) -> Answer:
    """Return what goes back for a request: `parameters`, its state, and whose answer it is."""
    request = waiting.request
    return answer_at(
        runtime, place, waiting.client, request.redirect_uri, request.response_mode, request.state, parameters
    )


def answer_at(
    runtime: Runtime,
    place: Place,
    client: Client,
    redirect_uri: str,
    mode: ResponseMode,
    state: str | None,
    parameters: Mapping[str, str],
) -> Answer:
    """Return what goes to a client's registered address. `iss` tells an app that knows several issuers whose it is (RFC 9207)."""
    told = {} if state is None else {"state": state}
    whole = {**parameters, **told, "iss": issuer_of(runtime, place.environment.key)}
    return Answer(place, client.app, redirect_uri, mode, whole)


def error_to(runtime: Runtime, place: Place, waiting: Waiting, error: OAuthError) -> Answer:
    """Return what goes back for a request that fails (RFC 6749, 4.1.2.1)."""
    return answer_to(runtime, place, waiting, error.body())


def refused(
    runtime: Runtime,
    visitor: Visitor,
    place: Place,
    cause: VestibuleError,
    app: App | None = None,
    actor: Actor | None = None,
    answer: Answer | None = None,
) -> AuthorizationRefused:
    """Record a refusal under a reference code, and return the error to raise. Floods are not recorded."""
    reference = new_reference()
    try:
        count_attempt(
            runtime,
            (REFUSAL_PER_ADDRESS, visitor.network),
            (REFUSAL_PER_PLACE, app.id if app else place.environment.id),
        )
    except Throttled:
        return AuthorizationRefused(place, cause, reference, answer)
    with runtime.database.transaction() as tx:
        event = Event(
            "app.sign_in",
            Subject("app", app.id if app else None, app.name if app else ""),
            Outcome.REFUSED,
            environment_id=place.environment.id,
            reference=reference,
            details={"code": cause.code, "reason": printable(cause.reason)},
        )
        record(tx, runtime, place.workspace.id, actor or visitor.anonymous, event)
    return AuthorizationRefused(place, cause, reference, answer)
