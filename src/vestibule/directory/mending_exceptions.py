"""Sentences for one vendor's way of going wrong, where the rule's own sentence would not help there."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from vestibule.kernel.text import N_

# Where the rule's sentence would send an admin to a setting that this vendor does not have, or leave out the one that matters.
EXCEPTIONS: Final = MappingProxyType(
    {
        ("okta", "recipient"): N_(
            "Open **%(path)s**, replace **Single sign-on URL** with this value and tick **Use this for "
            "Recipient URL and Destination URL**. Then ask the person to try again."
        ),
        ("okta", "destination"): N_(
            "Open **%(path)s**, replace **Single sign-on URL** with this value and tick **Use this for "
            "Recipient URL and Destination URL**. Then ask the person to try again."
        ),
        ("entra", "recipient"): N_(
            "Open **%(path)s**, replace **%(field)s** with this value and remove the others, or make it "
            "the default. Then ask the person to try again."
        ),
        ("entra", "destination"): N_(
            "Open **%(path)s**, replace **%(field)s** with this value and remove the others, or make it "
            "the default. Then ask the person to try again."
        ),
        ("google", "algorithm"): N_(
            "Google Workspace has no setting for the algorithm and signs with SHA-256 itself, so this "
            "response may not come from it. Compare the certificate below with the one of the app in the "
            "Google Admin console."
        ),
        ("google", "decryption"): N_(
            "Google Workspace does not encrypt assertions, so this response may not come from it. Check "
            "where the person signed in."
        ),
        ("google", "email"): N_(
            "The assertion has no e-mail address. Under **Apps → Web and mobile apps → %(app)s → SAML "
            "attribute mapping**, map **Primary email** to the app attribute **email**. Then ask the "
            "person to try again."
        ),
        ("onelogin", "recipient"): N_(
            "Open **%(path)s** and put this value into **Recipient** and **ACS (Consumer) URL**; **ACS "
            "(Consumer) URL Validator** has to match it as a regular expression. Then ask the person to "
            "try again."
        ),
        ("onelogin", "destination"): N_(
            "Open **%(path)s** and put this value into **Recipient** and **ACS (Consumer) URL**; **ACS "
            "(Consumer) URL Validator** has to match it as a regular expression. Then ask the person to "
            "try again."
        ),
        ("jumpcloud", "transient"): N_(
            "The NameID is transient, so the same person looks new at each sign-in. Open **%(path)s** and set "
            "**SAMLSubject NameID Format** to the one that ends in **emailAddress**. Then ask the person to try again."
        ),
        ("pingone", "transient"): N_(
            "The NameID is transient, so the same person looks new at each sign-in. Open **Applications → Applications → "
            "%(app)s → Configuration**, and set **Subject NameID Format** to the one that ends in **emailAddress**. "
            "Then ask the person to try again."
        ),
        ("adfs", "recipient"): N_(
            "Open **%(path)s**, edit the **SAML Assertion Consumer Endpoint** with binding **POST** and "
            "replace its trusted URL with this value. Then ask the person to try again."
        ),
        ("adfs", "destination"): N_(
            "Open **%(path)s**, edit the **SAML Assertion Consumer Endpoint** with binding **POST** and "
            "replace its trusted URL with this value. Then ask the person to try again."
        ),
        ("adfs", "audience"): N_(
            "Open **%(path)s**, add this value to **%(field)s** and remove the wrong one. Then ask the "
            "person to try again."
        ),
        ("adfs", "not_before"): N_(
            "The response begins to count in the future, so two clocks differ. Set the clocks of the AD "
            "FS server and of this server by **NTP**; where that can’t be done, "
            "**Set-AdfsRelyingPartyTrust** has **NotBeforeSkew** in minutes."
        ),
        ("adfs", "name_id"): N_(
            "The assertion names nobody. Open **%(path)s** and add the rule **Transform an Incoming "
            "Claim**: **E-Mail Address** to **Name ID**, outgoing name ID format **Email**. Then ask the "
            "person to try again."
        ),
        ("adfs", "email"): N_(
            "The assertion has no e-mail address. Open **%(path)s** and add the rule **Send LDAP "
            "Attributes as Claims**: **E-Mail-Addresses** to **E-Mail Address**. The person also needs an "
            "address in Active Directory."
        ),
        ("keycloak", "audience"): N_(
            "Open **%(path)s** and replace **%(field)s** with this value; Keycloak sends the Client ID as "
            "audience. Then ask the person to try again."
        ),
        ("keycloak", "signature_form"): N_(
            "The signature has a form that is refused here. Under **Clients → Settings → Signature and "
            "Encryption**, set **Canonicalization method** to **EXCLUSIVE**. Then ask the person to try "
            "again."
        ),
        ("keycloak", "transient"): N_(
            "The NameID is transient, so the same person looks new at each sign-in. Open **%(path)s**, "
            "set **%(field)s** to **%(setting)s** and switch **Force name ID format** on. Then ask the "
            "person to try again."
        ),
        ("keycloak", "email"): N_(
            "The assertion has no e-mail address. Open **%(path)s**, select **Add predefined mapper** and "
            "add **X500 email**; also check that the user has an address in the realm. Then ask the "
            "person to try again."
        ),
        ("shibboleth", "audience"): N_(
            "Load the SP metadata of this connection into the IdP again, and remove an older copy of it: "
            "the entity ID in it is this value. Then ask the person to try again."
        ),
        ("shibboleth", "email"): N_(
            "The assertion has no e-mail address. Release **mail** to this SP in **%(path)s**. Then ask "
            "the person to try again."
        ),
    }
)
# For IdPs that run in a provider's cloud: their clock is right, so only ours can be wrong.
HOSTED_EXCEPTIONS: Final = MappingProxyType(
    {
        "not_before": N_(
            "The response begins to count in the future. The provider’s clock is right as a rule, so set "
            "the clock of this server by **NTP**; two minutes of difference are allowed for."
        ),
        "not_on_or_after": N_(
            "The response was too old when it arrived. Ask the person to try again; where it repeats, set "
            "the clock of this server by **NTP**."
        ),
    }
)
