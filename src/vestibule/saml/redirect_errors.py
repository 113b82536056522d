"""Why a query of the HTTP-Redirect binding is refused (saml-bindings 3.4.4). What the message in it says is for others to judge."""

from __future__ import annotations

from vestibule.saml.errors import SamlError, SignatureInvalid, SignatureMissing

_BINDING = "saml-bindings-2.0-os 3.4.4"


class RedirectMalformed(SamlError):
    """The query is not one that the HTTP-Redirect binding writes."""

    code = "saml_redirect"
    spec = _BINDING


class RedirectWithoutMessage(RedirectMalformed):
    """There is neither a SAMLRequest nor a SAMLResponse, or there are both."""

    code = "saml_redirect_message"


class RedirectParameterTwice(RedirectMalformed):
    """A parameter stands twice: one reader would take the first, another the last."""

    code = "saml_redirect_twice"


class RedirectParameterUnknown(RedirectMalformed):
    """A parameter is not of the binding, or only looks like one: no signature covers it, so nothing may depend on it."""

    code = "saml_redirect_unknown"


class RedirectEscaping(RedirectMalformed):
    """The octets are escaped as no encoder does it, so two readers could see two messages."""

    code = "saml_redirect_escaping"


class RedirectEscapesMixed(RedirectEscaping):
    """Escapes of both cases: somebody wrote a part of the query again after it was signed."""

    code = "saml_redirect_mixed"


class RedirectEncodingUnknown(RedirectMalformed):
    """The message is said to be packed in another way than DEFLATE."""

    code = "saml_redirect_encoding"
    spec = "saml-bindings-2.0-os 3.4.4"


class DeflateInvalid(RedirectMalformed):
    """What was packed does not unpack, or something stands behind it."""

    code = "saml_deflate"
    spec = "saml-bindings-2.0-os 3.4.4.1"


class RedirectUnsigned(SignatureMissing):
    """There is no Signature."""

    code = "saml_redirect_unsigned"
    spec = "saml-bindings-2.0-os 3.4.4.1"


class RedirectSignatureEmpty(SignatureInvalid):
    """Signature is there and says nothing."""

    code = "saml_redirect_signature_empty"
    spec = "saml-bindings-2.0-os 3.4.4.1"


class SigAlgMissing(SignatureInvalid):
    """There is a Signature, and nothing says how it was made."""

    code = "saml_sigalg_missing"
    spec = "saml-bindings-2.0-os 3.4.4.1"
