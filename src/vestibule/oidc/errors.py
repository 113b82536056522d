"""What an authorization server answers when it refuses: one class per reason, with the `error` code of its specification.

`public` is the error_description: plain ASCII, as RFC 6749, 5.2 wants it, in English, for the app's developer.
"""

from __future__ import annotations

from typing import ClassVar

from vestibule.kernel.errors import VestibuleError


class OAuthError(VestibuleError):
    """A refusal in OAuth's words. The private reason goes to the log."""

    error: ClassVar[str] = "server_error"
    status: ClassVar[int] = 400

    def body(self) -> dict[str, str]:
        """Return the error as JSON answers and redirects have it (RFC 6749, 5.2 and 4.1.2.1)."""
        return {"error": self.error, "error_description": self.public}


class InvalidRequest(OAuthError):
    """A parameter is missing, unknown in this form, or stands twice."""

    code, error = "oauth_invalid_request", "invalid_request"
    public = "A parameter is missing, malformed, or stands twice."


class CodeChallengeMissing(InvalidRequest):
    """There is no code_challenge: PKCE is not optional (RFC 9700, 2.1.1)."""

    code = "oauth_code_challenge_missing"
    public = "Send a code_challenge: PKCE is required."


class CodeChallengeMethodRefused(InvalidRequest):
    """The code challenge is plain, or of a method that nobody knows."""

    code = "oauth_code_challenge_method"
    public = "The code_challenge_method must be S256."


class SubjectTokenRefused(InvalidRequest):
    """The subject_token is an ID token, or of another type that says who somebody is and not what was granted (RFC 8693, 2.1)."""

    code = "oauth_subject_token_type"
    public = "The subject_token must be an access token: what it was granted is the most that can come of it."


class PushedRequestRequired(InvalidRequest):
    """The app has to push its requests (RFC 9126, 5)."""

    code = "oauth_pushed_request_required"
    public = "This client must push its authorization requests."


class InvalidRequestUri(OAuthError):
    """The request_uri is not one of ours, has ended, or is another client's (RFC 9126, 4)."""

    code, error = "oauth_invalid_request_uri", "invalid_request_uri"
    public = "The request_uri is unknown here, was used, or has ended."


class RequestObjectRefused(OAuthError):
    """A request object was sent, which this server does not take (OpenID Connect Core 6)."""

    code, error = "oauth_request_not_supported", "request_not_supported"
    public = "Request objects are not supported."


class RequestUriRefused(RequestObjectRefused):
    """A request object was named by an address, which nobody fetches here: only what was pushed has a name (RFC 9126)."""

    code, error = "oauth_request_uri_not_supported", "request_uri_not_supported"
    public = "A request_uri is only taken for a pushed request."


class UnsupportedResponseType(OAuthError):
    """Something else than a code was asked for."""

    code, error = "oauth_unsupported_response_type", "unsupported_response_type"
    public = "The response_type must be code."


class UnsupportedTokenType(OAuthError):
    """The token hangs on nothing that could be ended: it is good until its exp (RFC 7009, 2.2.1)."""

    code, error = "oauth_unsupported_token_type", "unsupported_token_type"
    public = "A token of a client's own account can't be revoked: it ends by itself."


class InvalidScope(OAuthError):
    """A scope is unknown, or not this app's."""

    code, error = "oauth_invalid_scope", "invalid_scope"
    public = "A scope is unknown or not allowed for this client."


class InvalidTarget(OAuthError):
    """The resource is unknown here, or not this app's (RFC 8707, 2)."""

    code, error = "oauth_invalid_target", "invalid_target"
    public = "The resource is unknown or not allowed for this client."


class AccessDenied(OAuthError):
    """The person may not use the app, or does not agree."""

    code, error = "oauth_access_denied", "access_denied"
    public = "The person may not use this app, or did not agree."


class LoginRequired(OAuthError):
    """Nobody is signed in freshly enough, and the app wants no page (OpenID Connect Core 3.1.2.6)."""

    code, error = "oauth_login_required", "login_required"
    public = "The person has to sign in."


class ConsentRequired(OAuthError):
    """The person has not agreed yet, and the app wants no page."""

    code, error = "oauth_consent_required", "consent_required"
    public = "The person has to agree."


class InvalidClient(OAuthError):
    """The client is unknown here, or did not prove that it is who it says."""

    code, error, status = "oauth_invalid_client", "invalid_client", 401
    public = "The client is unknown here or could not be authenticated."


class UnauthorizedClient(OAuthError):
    """The client may not use this grant."""

    code, error = "oauth_unauthorized_client", "unauthorized_client"
    public = "The client may not use this grant type."


class UnsupportedGrantType(OAuthError):
    """There is no such grant here."""

    code, error = "oauth_unsupported_grant_type", "unsupported_grant_type"
    public = "The grant_type is not supported."


class InvalidGrant(OAuthError):
    """The code or refresh token is unknown, has ended, or is another client's. Which of these is for the log."""

    code, error = "oauth_invalid_grant", "invalid_grant"
    public = "The grant is not valid, has ended, or was given to another client."


class CodeReplayed(InvalidGrant):
    """A code came twice: what it led to has been ended (RFC 9700, 2.1.1)."""

    code = "oauth_code_replayed"


class RefreshTokenReused(InvalidGrant):
    """A refresh token came twice: what hung on it has been ended (RFC 9700, 4.14.2)."""

    code = "oauth_refresh_token_reused"


class VerifierMismatch(InvalidGrant):
    """The code_verifier does not belong to the code_challenge (RFC 7636, 4.6)."""

    code = "oauth_verifier_mismatch"


class EntryEnded(InvalidGrant):
    """The person may not use the app any more."""

    code = "oauth_entry_ended"


class InvalidToken(OAuthError):
    """The bearer token is not valid here (RFC 6750, 3.1)."""

    code, error, status = "oauth_invalid_token", "invalid_token", 401
    public = "The access token is not valid here, or has ended."


class TokenMissing(InvalidToken):
    """There is no bearer token at all: the challenge says no error code then (RFC 6750, 3.1)."""

    code = "oauth_token_missing"
    public = "Send an access token."


class InsufficientScope(OAuthError):
    """The bearer token does not reach that far (RFC 6750, 3.1)."""

    code, error, status = "oauth_insufficient_scope", "insufficient_scope", 403
    public = "The access token lacks the scope."


class RegistrationClosed(OAuthError):
    """There is no such initial access token: apps are not registered here, or not by whoever asks (RFC 7591, 3)."""

    code, error, status = "oauth_registration_closed", "invalid_token", 401
    public = "Registering needs a valid initial access token."


class RegistrationTokenRefused(RegistrationClosed):
    """The registration access token is unknown, another client's, or ended: an admin changed the app (RFC 7592, 2)."""

    code = "oauth_registration_token"
    public = "There is no such client for this registration access token (any more)."


class InvalidRedirectUri(OAuthError):
    """A redirect URI can't be registered (RFC 7591, 3.2.2)."""

    code, error = "oauth_invalid_redirect_uri", "invalid_redirect_uri"
    public = "A redirect URI must be https, http on loopback, or of a private-use scheme, without fragment or wildcard."


class InvalidClientMetadata(OAuthError):
    """The metadata says something that we don't take (RFC 7591, 3.2.2)."""

    code, error = "oauth_invalid_client_metadata", "invalid_client_metadata"
    public = "A value of the client metadata is malformed or not supported."


class NameTaken(InvalidClientMetadata):
    """The client_name is that of an app which an admin added: nobody passes for it by registering."""

    code = "oauth_client_name_taken"
    public = "Another app here has that client_name."


class AuthorizationPending(OAuthError):
    """The person has not answered yet (RFC 8628, 3.5)."""

    code, error = "oauth_authorization_pending", "authorization_pending"
    public = "The person has not answered yet."


class SlowDown(OAuthError):
    """The device asks too often; from now on it waits five seconds more (RFC 8628, 3.5)."""

    code, error = "oauth_slow_down", "slow_down"
    public = "Ask less often."


class ExpiredToken(OAuthError):
    """The device code has ended (RFC 8628, 3.5)."""

    code, error = "oauth_expired_token", "expired_token"
    public = "The device code has ended. Begin again."
