"""Authorization requests: read out of untrusted parameters into a checked value (RFC 6749, 4.1.1; OpenID Connect Core 3.1.2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from vestibule.oidc import parameters as read
from vestibule.oidc.errors import (
    CodeChallengeMethodRefused,
    CodeChallengeMissing,
    InvalidRequest,
    RequestObjectRefused,
    RequestUriRefused,
    UnsupportedResponseType,
)
from vestibule.oidc.parameters import Parameters
from vestibule.oidc.pkce import is_challenge

ResponseMode = Literal["query", "form_post"]

_PROMPTS: Final = frozenset({"none", "login", "select_account", "consent"})
_MODES: Final[Mapping[str, ResponseMode]] = {"query": "query", "form_post": "form_post"}
_MAX_AGE_DIGITS: Final = 9
_MAX_RESOURCES: Final = 8


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What an app asks for. Checked in form; that the app may have it is decided elsewhere.

    `hinted_sub` is the `sub` of a verified id_token_hint: nobody else may be answered for (OpenID Connect Core 3.1.2.1).
    """

    client_id: str
    redirect_uri: str
    response_mode: ResponseMode
    scope: tuple[str, ...]
    code_challenge: str
    state: str | None = None
    nonce: str | None = None
    prompt: frozenset[str] = frozenset()
    max_age: int | None = None
    login_hint: str | None = None
    hinted_sub: str | None = None
    resources: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """Return the request as JSON keeps it."""
        return {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "response_mode": self.response_mode,
            "scope": list(self.scope),
            "code_challenge": self.code_challenge,
            "state": self.state,
            "nonce": self.nonce,
            "prompt": sorted(self.prompt),
            "max_age": self.max_age,
            "login_hint": self.login_hint,
            "hinted_sub": self.hinted_sub,
            "resources": list(self.resources),
        }


def request_from_data(data: Mapping[str, Any]) -> AuthorizationRequest:
    """Return the request that `as_data` wrote."""
    return AuthorizationRequest(
        client_id=data["client_id"],
        redirect_uri=data["redirect_uri"],
        response_mode=data["response_mode"],
        scope=tuple(data["scope"]),
        code_challenge=data["code_challenge"],
        state=data["state"],
        nonce=data["nonce"],
        prompt=frozenset(data["prompt"]),
        max_age=data["max_age"],
        login_hint=data["login_hint"],
        hinted_sub=data["hinted_sub"],
        resources=tuple(data["resources"]),
    )


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a request says it is from, and where its answer goes. Until both are known to be right, no error is sent there."""

    client_id: str
    redirect_uri: str


def read_addressee(parameters: Parameters) -> Addressee:
    """Return who asks and where the answer should go. Raises InvalidRequest (RFC 6749, 4.1.2.1: shown to the person, never sent on)."""
    return Addressee(read.required(parameters, "client_id"), read.required(parameters, "redirect_uri"))


def response_mode_of(parameters: Parameters) -> ResponseMode:
    """Return how an answer is wanted, `query` where that can't be told: an error has to be sent in some way."""
    values = parameters.get("response_mode", ())
    return _MODES.get(values[0], "query") if len(values) == 1 else "query"


def state_of(parameters: Parameters) -> str | None:
    """Return the state to send back with an error, nothing where it can't be told."""
    try:
        return read.optional(parameters, "state")
    except InvalidRequest:
        return None


def read_request(parameters: Parameters, addressee: Addressee) -> AuthorizationRequest:
    """Return the checked request of an app whose address is known to be right. Raises OAuthError, to be sent to that address."""
    for name, refused in (("request", RequestObjectRefused), ("request_uri", RequestUriRefused)):
        if name in parameters:
            raise refused(f"{name} was sent")
    if read.required(parameters, "response_type") != "code":
        raise UnsupportedResponseType("not code")
    mode = read.optional(parameters, "response_mode") or "query"
    if mode not in _MODES:
        raise InvalidRequest("response_mode is neither query nor form_post")
    return AuthorizationRequest(
        client_id=addressee.client_id,
        redirect_uri=addressee.redirect_uri,
        response_mode=_MODES[mode],
        scope=read.words(parameters, "scope"),
        code_challenge=_challenge(parameters),
        state=read.optional(parameters, "state"),
        nonce=read.optional(parameters, "nonce"),
        prompt=_prompt(parameters),
        max_age=_max_age(parameters),
        login_hint=read.hint(parameters, "login_hint"),
        resources=read_resources(parameters),
    )


def read_resources(parameters: Parameters) -> tuple[str, ...]:
    """Return the resources that a token is wanted for; which may be several (RFC 8707, 2). Raises InvalidRequest."""
    values = tuple(dict.fromkeys(parameters.get("resource", ())))
    if len(values) > _MAX_RESOURCES:
        raise InvalidRequest("too many resources")
    return tuple(read.required({"resource": (value,)}, "resource") for value in values)


def _challenge(parameters: Parameters) -> str:
    challenge = read.optional(parameters, "code_challenge")
    if challenge is None:
        raise CodeChallengeMissing("no code_challenge")
    # Left out it means plain (RFC 7636, 4.3), which whoever sees the request can answer.
    if read.optional(parameters, "code_challenge_method") != "S256":
        raise CodeChallengeMethodRefused("not S256")
    if not is_challenge(challenge):
        raise InvalidRequest("the code_challenge is not of its form")
    return challenge


def _prompt(parameters: Parameters) -> frozenset[str]:
    prompt = frozenset(read.words(parameters, "prompt"))
    if not prompt <= _PROMPTS or ("none" in prompt and len(prompt) > 1):
        raise InvalidRequest("prompt has an unknown word, or none beside others")
    return prompt


def _max_age(parameters: Parameters) -> int | None:
    value = read.optional(parameters, "max_age")
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= _MAX_AGE_DIGITS):
        raise InvalidRequest("max_age is no number of seconds")
    return int(value)
