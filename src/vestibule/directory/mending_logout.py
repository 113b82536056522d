"""What an admin is told to change after a refused logout message, or one of ours that could not be sent.

Sessions here have ended or never will by it: nothing is urgent.

The same answer shape as after a refused sign-in (`mending.py`); the checks are fewer, and so are the sentences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from vestibule.directory.mending import TITLE_WITHOUT_VENDOR, TITLES, Mend
from vestibule.directory.mending_rules import OWN_KEY, Side
from vestibule.directory.vendors import GENERIC, vendor
from vestibule.kernel.text import N_


@dataclass(frozen=True, slots=True)
class LogoutRule:
    """What to say in one situation, and whose turn it is; `copies` offers the Single logout URL."""

    side: Side
    message: str
    copies: bool = False


_CLOCK: Final = LogoutRule(
    "both",
    N_(
        "The message is from the future, or too old. Set the clocks of both sides by **NTP**; two minutes are allowed for."
    ),
)
LOGOUT_RULES: Final = MappingProxyType(
    {
        "message": LogoutRule(
            "both",
            N_(
                "What arrived is no logout message as SAML has it, or another kind of message. Look at what stands between the "
                "identity provider and Vestibule; where there is nothing, treat it as an attempt to sign somebody out."
            ),
        ),
        "signature": LogoutRule(
            "both",
            N_(
                "The signature was made with a key that this connection does not know, or the message was changed on its way. "
                "Bring the metadata or the certificate again."
            ),
        ),
        "unsigned": LogoutRule(
            "idp",
            N_(
                "The message was not signed as it must be, so anybody could have sent it. Let the identity provider sign its "
                "logout requests and answers for this app."
            ),
        ),
        "algorithm": LogoutRule(
            "idp",
            N_(
                "The message was signed with an algorithm that is refused here, such as SHA-1. Let it sign with **RSA-SHA256** or better."
            ),
        ),
        "idp_entity_id": LogoutRule(
            "both",
            N_("The message came from another issuer than the one entered here. Bring the metadata of this app again."),
        ),
        "destination": LogoutRule(
            "idp",
            N_("In its settings for this app, replace the **logout URL** with this value, for both bindings."),
            copies=True,
        ),
        "not_before": _CLOCK,
        "not_on_or_after": _CLOCK,
        "name_id": LogoutRule(
            "idp",
            N_(
                "The message names nobody, or encrypts the name with a key that is not ours. Let it send the **NameID** that it "
                "sends at the sign-in."
            ),
        ),
        "in_response_to": LogoutRule(
            "person",
            N_(
                "The answer came late, twice or in another browser. The session here had ended before; there is nothing to do."
            ),
        ),
        "connection": LogoutRule(
            "here",
            N_("The connection is not set up completely: nobody has signed in through it. Finish it or delete it."),
        ),
        "own_key": LogoutRule("here", OWN_KEY),
    }
)
_NOT_TOLD: Final = LogoutRule(
    "here",
    N_(
        "The person is signed out here, and perhaps not at the identity provider, which could not be told: a key of this server does "
        "not open, because it runs with another secret key than the one that sealed it. Ask the operator to run "
        "**vestibule doctor**, which says what to do."
    ),
)
_OF_ERROR: Final = MappingProxyType(
    {
        "saml_unsigned": "unsigned",
        "saml_redirect_unsigned": "unsigned",
        "saml_redirect_signature_empty": "unsigned",
        "saml_sigalg_missing": "unsigned",
        "saml_algorithm": "algorithm",
        "saml_sha1": "algorithm",
        "own_key_unreadable": "own_key",
    }
)


def mend_logout(check: str, error_code: str, vendor_key: str, values: Mapping[str, str]) -> Mend:
    """Say what to change after a refused logout message; the arguments are those of `mend`, with `slo_url` among the values."""
    situation = _OF_ERROR.get(error_code) or (check if check in LOGOUT_RULES else "message")
    return _mend(situation, LOGOUT_RULES[situation], vendor_key, values)


def mend_sign_out(check: str, error_code: str, vendor_key: str, values: Mapping[str, str]) -> Mend:
    """Say what to change after a sign-out of which an IdP could not be told; the arguments are those of `mend_logout`.

    There is one reason for which none of our messages sets off, whatever the check.
    """
    del check, error_code
    return _mend("not_told", _NOT_TOLD, vendor_key, values)


def _mend(situation: str, rule: LogoutRule, vendor_key: str, values: Mapping[str, str]) -> Mend:
    known = vendor(vendor_key)
    copied = values.get("slo_url") if rule.copies else None
    return Mend(
        situation=f"logout_{situation}",
        side=rule.side,
        title=TITLE_WITHOUT_VENDOR if rule.side == "idp" and known is GENERIC else TITLES[rule.side],
        message=rule.message,
        values=MappingProxyType({"vendor": known.name}),
        value_to_copy=copied,
        copy_label=N_("Single logout URL") if copied else None,
    )
