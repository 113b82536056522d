"""The sentences that say what to change after a refusal, one per situation, with the exceptions that some vendors need."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from vestibule.directory.vendor import Concept
from vestibule.kernel.text import N_

Side = Literal["idp", "here", "both", "person"]
Value = Literal["acs_url", "sp_entity_id", "sign_in_url", "domain", "email"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What to say in one situation: whose turn it is, the msgid, the msgid for a vendor without that field, what to copy.

    `located` may use `%(path)s`, `%(field)s` and `%(setting)s` of the vendor's `concept`; `plain` needs none of them.
    """

    side: Side
    plain: str
    concept: Concept | None = None
    located: str | None = None
    copies: Value | None = None


_REPLACE: Final = N_("Open **%(path)s** and replace **%(field)s** with this value. Then ask the person to try again.")
_SET: Final = N_("Open **%(path)s** and set **%(field)s** to **%(setting)s**. Then ask the person to try again.")
OWN_KEY: Final = N_(
    "This is not about the identity provider: a key of this server does not open, because it runs with another secret key than "
    "the one that sealed it. Ask the operator to run **vestibule doctor**, which says what to do."
)

RULES: Final = MappingProxyType(
    {
        "audience": Rule(
            "idp",
            N_(
                "In its settings for this app, replace the **audience** (SP entity ID) with this value. Then ask the person to try again."
            ),
            "sp_entity_id",
            _REPLACE,
            "sp_entity_id",
        ),
        "recipient": Rule(
            "idp",
            N_(
                "In its settings for this app, replace the **recipient** (ACS URL) with this value. Then ask the person to try again."
            ),
            "recipient",
            _REPLACE,
            "acs_url",
        ),
        "destination": Rule(
            "idp",
            N_(
                "In its settings for this app, replace the **ACS URL** with this value. Then ask the person to try again."
            ),
            "destination",
            _REPLACE,
            "acs_url",
        ),
        "issuer": Rule(
            "both",
            N_(
                "The response came from another issuer than the one entered here, as a rule because the metadata of another app was "
                "used. Bring the metadata of this app again, or correct the **entity ID** of this connection."
            ),
            "issuer",
            N_(
                "The response came from another issuer than the one entered here, as a rule because the metadata of another app was "
                "used. Compare **%(field)s** under **%(path)s** with the entity ID of this connection, and bring the metadata again."
            ),
        ),
        "signature": Rule(
            "both",
            N_(
                "The signature was made with a key that this connection does not know, or the response was changed on its way. Bring the "
                "metadata again, or add the certificate that signs for this app now."
            ),
            "certificate",
            N_(
                "The signature was made with a key that this connection does not know, or the response was changed on its way. Look up "
                "**%(field)s** under **%(path)s**, and bring the metadata or that certificate again."
            ),
        ),
        "digest": Rule(
            "both",
            N_(
                "The response was changed after it was signed. Look at what stands between the identity provider and Vestibule, such "
                "as a proxy that rewrites pages; where there is nothing, treat it as an attempt to get in."
            ),
        ),
        "no_certificate": Rule(
            "here",
            N_(
                "The connection has no certificate to check signatures with. Open it and bring the metadata or the certificate again."
            ),
        ),
        "unsigned": Rule(
            "idp",
            N_(
                "Let it sign the response, the assertion or both for this app; neither was signed. Then ask the person to try again."
            ),
            "signing",
            N_(
                "Neither response nor assertion was signed. Open **%(path)s** and set **%(field)s** to **%(setting)s**. Then ask the "
                "person to try again."
            ),
        ),
        "algorithm": Rule(
            "idp",
            N_(
                "The response was signed with an algorithm that is refused here, such as SHA-1. Let it sign with **RSA-SHA256** or better. "
                "Then ask the person to try again."
            ),
            "signature_algorithm",
            N_(
                "The response was signed with an algorithm that is refused here, such as SHA-1. Open **%(path)s** and set **%(field)s** to "
                "**%(setting)s**. Then ask the person to try again."
            ),
        ),
        "signature_form": Rule(
            "idp",
            N_(
                "The signature has a form that is refused here: it must cover exactly the response or the assertion that holds it, with "
                "**exclusive canonicalization**. Use the product’s default signature settings for this app; if it repeats with "
                "those, find out where the message came from."
            ),
        ),
        "form": Rule(
            "both",
            N_(
                "What arrived is not a SAML response in the form that the standard prescribes. Ask the person to try again from the "
                "sign-in page; where it repeats, look at what stands between the identity provider and Vestibule, such as a proxy."
            ),
            copies="sign_in_url",
        ),
        "encrypted": Rule(
            "idp",
            N_(
                "Single attributes are encrypted, which is not supported here. Let it encrypt the whole assertion for this app, or "
                "nothing. Then ask the person to try again."
            ),
        ),
        "encryption_form": Rule(
            "idp",
            N_(
                "The assertion is encrypted in a way that is refused here. Let it use **AES-256-GCM** or AES-128-GCM, with the key "
                "wrapped by **RSA-OAEP**, as the SP metadata at this address says. Then ask the person to try again."
            ),
            copies="sp_entity_id",
        ),
        "certificate_expired": Rule(
            "both",
            N_(
                "The certificate that signs has ended, and this connection refuses such ones. Let the provider **sign with its new "
                "certificate**, and bring that one here; or turn **Refuse expired certificates** off on the page of this connection."
            ),
        ),
        "encryption_cbc": Rule(
            "both",
            N_(
                "The assertion is encrypted with AES-CBC, which can be altered unseen. Let it use **AES-256-GCM** for this app. Where it "
                "can’t, let it **sign the response** and allow AES-CBC under **Encryption** on the page of this connection."
            ),
        ),
        "decryption": Rule(
            "idp",
            N_(
                "The assertion can’t be opened with our keys, as a rule because it is encrypted to an old certificate. Load the SP "
                "metadata at this address into it again, or replace the encryption certificate with the one in there."
            ),
            "encryption",
            N_(
                "The assertion can’t be opened with our keys, as a rule because it is encrypted to an old certificate. Load the SP "
                "metadata at this address again; for **%(field)s** under **%(path)s**, use the encryption certificate in there."
            ),
            "sp_entity_id",
        ),
        "confirmation": Rule(
            "idp",
            N_(
                "The assertion is not confirmed for a browser sign-in: that takes the method **bearer**, a recipient, and a time until "
                "which it counts. Let it use its default SAML 2.0 web sign-in settings for this app, with this value as **ACS URL**."
            ),
            copies="acs_url",
        ),
        "status": Rule(
            "idp",
            N_(
                "The identity provider itself did not sign the person in. Check there that they may use this app; its own sign-in log "
                "has the reason."
            ),
            "assignment",
            N_(
                "The identity provider itself did not sign the person in. Open **%(path)s** and check that they may use this app; its own "
                "sign-in log has the reason."
            ),
        ),
        "not_before": Rule(
            "both",
            N_(
                "The response begins to count in the future, so two clocks differ. Set the clock of the identity provider’s server and of "
                "this server by **NTP**; two minutes of difference are allowed for."
            ),
        ),
        "not_on_or_after": Rule(
            "both",
            N_(
                "The response was too old when it arrived. Ask the person to try again; where it repeats, set the clock of the identity "
                "provider’s server and of this server by **NTP**."
            ),
        ),
        "session": Rule(
            "person",
            N_(
                "The person’s session at the identity provider was already over. Ask them to sign out there, and to start again from "
                "the sign-in page."
            ),
            copies="sign_in_url",
        ),
        "authn_instant": Rule(
            "both",
            N_(
                "The person was asked to sign in again (ForceAuthn), and the identity provider answered with an earlier sign-in. Let it "
                "heed **ForceAuthn** for this app, or switch **Sign in again each time** off on the page of this connection."
            ),
        ),
        "authn_context": Rule(
            "both",
            N_(
                "The person signed in in another way than this connection asks for. Let the identity provider demand that way for this "
                "app, such as a second factor, or change **Way of signing in** on the page of this connection."
            ),
        ),
        "unsolicited": Rule(
            "person",
            N_(
                "The sign-in was started at the identity provider, which this connection does not accept. Ask the person to start at "
                "this address, or make it the app’s link there."
            ),
            copies="sign_in_url",
        ),
        "in_response_to": Rule(
            "person",
            N_(
                "The response belongs to another or an older sign-in: another browser, a bookmark of the identity provider’s page, or a "
                "page left open for long. There is nothing to change; ask the person to start again at this address."
            ),
            copies="sign_in_url",
        ),
        "replay": Rule(
            "person",
            N_(
                "The same response arrived a second time, as after the **Back** button or a reload. There is nothing to change; ask the "
                "person to start again at this address. If nobody did that, somebody may have copied the response."
            ),
            copies="sign_in_url",
        ),
        "name_id": Rule(
            "idp",
            N_(
                "The assertion names nobody. Let it send a **NameID**, best the e-mail address. Then ask the person to try again."
            ),
            "name_id",
            N_(
                "The assertion names nobody. Open **%(path)s** and set **%(field)s** to **%(setting)s**. Then ask the person to try again."
            ),
        ),
        "transient": Rule(
            "idp",
            N_(
                "The NameID is transient, so the same person looks new at each sign-in. Let it send a lasting **NameID** (emailAddress or "
                "persistent), or a stable ID as an attribute. Then ask the person to try again."
            ),
            "name_id",
            N_(
                "The NameID is transient, so the same person looks new at each sign-in. Open **%(path)s** and set **%(field)s** to "
                "**%(setting)s**, or let it send a stable ID as an attribute. Then ask the person to try again."
            ),
        ),
        "email": Rule(
            "idp",
            N_(
                "The assertion has no e-mail address. Let it send one as **NameID** or as the attribute **email**. Then ask the person to "
                "try again."
            ),
            "email",
            N_(
                "The assertion has no e-mail address. Open **%(path)s** and set **%(field)s** to **%(setting)s**; also check that the "
                "person has an address there. Then ask the person to try again."
            ),
        ),
        "domain": Rule(
            "here",
            N_(
                "This connection does not cover the domain of the person’s e-mail address. If it should, add this domain under **Enforce "
                "SAML authentication for** of the connection."
            ),
            copies="domain",
        ),
        "person": Rule(
            "here",
            N_(
                "Nobody with this e-mail address has an account. If they should come in, open **End users → Waiting** and select **Add**."
            ),
            copies="email",
        ),
        "identity": Rule(
            "here",
            N_(
                "The account with this e-mail address is linked to another identity, so the address may have been given to somebody new. "
                "Find out who it is; open **End users → Waiting** to add them, or break the old link."
            ),
            copies="email",
        ),
        "access": Rule(
            "here",
            N_(
                "The person has an account, but not for this environment. If they should come in, open **End users**, choose them and "
                "tick it under **Environment access**."
            ),
            copies="email",
        ),
        "deactivated": Rule(
            "here",
            N_(
                "The account is deactivated. If the person should come in again, open **End users**, choose them and **Reactivate**."
            ),
            copies="email",
        ),
        "pending": Rule(
            "here",
            N_(
                "The connection is not finished, so it signs nobody in. Open **Authentication & Groups → Authentication**, select **Set "
                "up** beside it, choose how people get accounts, and save."
            ),
        ),
        "disabled": Rule(
            "here",
            N_(
                "The connection is disabled. Open **Authentication & Groups → Authentication**, choose it and enable it."
            ),
        ),
        "switched_off": Rule(
            "here",
            N_(
                "SAML is switched off for this environment. Open **Authentication & Groups → Authentication** and switch "
                "**SAML-based SSO authentication** on."
            ),
        ),
        "own_key": Rule("here", OWN_KEY),
        "other": Rule(
            "both",
            N_(
                "Compare **Expected** and **Received** of the failed check below, then the app’s settings at the identity provider with "
                "the values of this connection."
            ),
        ),
    }
)
