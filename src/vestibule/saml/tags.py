"""The elements that a response is made of, as the parser names them: `{namespace}Name`. Written once, since each is compared often."""

from __future__ import annotations

from typing import Final

from vestibule.saml import names

_A: Final = f"{{{names.SAML}}}"
_P: Final = f"{{{names.SAMLP}}}"

RESPONSE: Final = _P + "Response"
EXTENSIONS: Final = _P + "Extensions"
STATUS: Final = _P + "Status"
STATUS_CODE: Final = _P + "StatusCode"
STATUS_MESSAGE: Final = _P + "StatusMessage"
STATUS_DETAIL: Final = _P + "StatusDetail"

ASSERTION: Final = _A + "Assertion"
ENCRYPTED_ASSERTION: Final = _A + "EncryptedAssertion"
ISSUER: Final = _A + "Issuer"
ADVICE: Final = _A + "Advice"

SUBJECT: Final = _A + "Subject"
NAME_ID: Final = _A + "NameID"
ENCRYPTED_ID: Final = _A + "EncryptedID"
SUBJECT_CONFIRMATION: Final = _A + "SubjectConfirmation"
SUBJECT_CONFIRMATION_DATA: Final = _A + "SubjectConfirmationData"

CONDITIONS: Final = _A + "Conditions"
AUDIENCE_RESTRICTION: Final = _A + "AudienceRestriction"
AUDIENCE: Final = _A + "Audience"
ONE_TIME_USE: Final = _A + "OneTimeUse"
PROXY_RESTRICTION: Final = _A + "ProxyRestriction"

AUTHN_STATEMENT: Final = _A + "AuthnStatement"
SUBJECT_LOCALITY: Final = _A + "SubjectLocality"
AUTHN_CONTEXT: Final = _A + "AuthnContext"
AUTHN_CONTEXT_CLASS_REF: Final = _A + "AuthnContextClassRef"
AUTHN_CONTEXT_DECL: Final = _A + "AuthnContextDecl"
AUTHN_CONTEXT_DECL_REF: Final = _A + "AuthnContextDeclRef"
AUTHENTICATING_AUTHORITY: Final = _A + "AuthenticatingAuthority"

ATTRIBUTE_STATEMENT: Final = _A + "AttributeStatement"
ATTRIBUTE: Final = _A + "Attribute"
ENCRYPTED_ATTRIBUTE: Final = _A + "EncryptedAttribute"
ATTRIBUTE_VALUE: Final = _A + "AttributeValue"
