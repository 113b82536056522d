"""Why a logout message is refused, where no reason of `errors` says it: those are shared with the responses."""

from __future__ import annotations

from vestibule.kernel.text import N_
from vestibule.saml.errors import Expired, SamlError, SignatureMalformed


class NotALogoutMessage(SamlError):
    """The field holds another message: a Response or an AuthnRequest, or the answer in the place of the request."""

    code = "saml_not_a_logout"
    spec = "saml-core-2.0-os 3.7"


class SignedTwice(SignatureMalformed):
    """A message in a signed query has a ds:Signature as well, which the binding has removed (saml-bindings 3.4.4.1)."""

    code = "saml_signed_twice"
    spec = "saml-bindings-2.0-os 3.4.4.1"


class LogoutExpired(Expired):
    """The LogoutRequest is not valid any more; the instant of expiry is expired."""

    code = "saml_logout_expired"
    public = N_("This sign-out took too long and has expired.")
    spec = "saml-core-2.0-os 3.7.1"
