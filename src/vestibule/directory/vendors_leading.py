"""Facts about Okta, Microsoft Entra ID and PingOne: menu names and labels as in the vendors' own documentation."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from vestibule.directory.vendor import Field, Step, Vendor
from vestibule.kernel.text import N_

_OKTA_APP: Final = "Applications → Applications → %(app)s"
_OKTA_SAML: Final = f"{_OKTA_APP} → General → SAML Settings → Edit"
_OKTA_ADVANCED: Final = f"{_OKTA_SAML} → Show Advanced Settings"

OKTA: Final = Vendor(
    key="okta",
    name="Okta",
    hosted=True,
    brings="metadata_url",
    steps=(
        Step(
            N_(
                "In the Okta Admin Console open **Applications → Applications → Create App Integration**, choose **SAML 2.0**, "
                "and name the app **%(app)s**."
            )
        ),
        Step(
            N_(
                "Paste the Single sign-on URL into **Single sign-on URL**, and leave "
                "**Use this for Recipient URL and Destination URL** ticked."
            )
        ),
        Step(N_("Paste the SP entity ID into **Audience URI (SP Entity ID)**.")),
        Step(N_("Set **Name ID format** to **EmailAddress** and **Application username** to **Email**, then finish.")),
        Step(N_("On the **Sign On** tab, copy **Metadata URL** and bring it here.")),
    ),
    note=N_("Assign yourself to the app on its **Assignments** tab first, then test the sign-in."),
    fields=MappingProxyType(
        {
            "acs_url": Field("Single sign-on URL", _OKTA_SAML),
            "recipient": Field("Recipient URL", _OKTA_SAML),
            "destination": Field("Destination URL", _OKTA_SAML),
            "sp_entity_id": Field("Audience URI (SP Entity ID)", _OKTA_SAML),
            "name_id": Field("Name ID format", _OKTA_SAML, "EmailAddress"),
            "email": Field("Attribute statements", f"{_OKTA_APP} → Sign On", "email = user.email"),
            "signing": Field("Assertion Signature", _OKTA_ADVANCED, "Signed"),
            "signature_algorithm": Field("Signature Algorithm", _OKTA_ADVANCED, "RSA-SHA256"),
            "encryption": Field("Assertion Encryption", _OKTA_ADVANCED, "Unencrypted"),
            "certificate": Field("SAML Signing Certificates", f"{_OKTA_APP} → Sign On"),
            "issuer": Field("Issuer", f"{_OKTA_APP} → Sign On → Metadata details → More details"),
            "assignment": Field("Assignments", f"{_OKTA_APP} → Assignments"),
        }
    ),
)

_ENTRA_APP: Final = "Entra ID → Enterprise apps → All applications → %(app)s"
_ENTRA_SSO: Final = f"{_ENTRA_APP} → Single sign-on"
_ENTRA_BASIC: Final = f"{_ENTRA_SSO} → Basic SAML Configuration → Edit"
_ENTRA_CLAIMS: Final = f"{_ENTRA_SSO} → Attributes & Claims → Edit"
_ENTRA_CERTIFICATES: Final = f"{_ENTRA_SSO} → SAML Certificates"

ENTRA: Final = Vendor(
    key="entra",
    name="Microsoft Entra ID",
    hosted=True,
    brings="metadata_url",
    steps=(
        Step(
            N_(
                "In the Microsoft Entra admin center open "
                "**Entra ID → Enterprise apps → New application → Create your own application**, name it **%(app)s** and "
                "choose **Integrate any other application you don't find in the gallery (Non-gallery)**."
            )
        ),
        Step(N_("Open **Single sign-on → SAML**, then **Edit** in **Basic SAML Configuration**.")),
        Step(N_("Paste the SP entity ID into **Identifier (Entity ID)**.")),
        Step(N_("Paste the Single sign-on URL into **Reply URL (Assertion Consumer Service URL)**, then save.")),
        Step(N_("Under **SAML Certificates**, copy **App Federation Metadata Url** and bring it here.")),
    ),
    note=N_("Add yourself under **Users and groups** of the application first, then test the sign-in."),
    fields=MappingProxyType(
        {
            "acs_url": Field("Reply URL (Assertion Consumer Service URL)", _ENTRA_BASIC),
            "recipient": Field("Reply URL (Assertion Consumer Service URL)", _ENTRA_BASIC),
            "destination": Field("Reply URL (Assertion Consumer Service URL)", _ENTRA_BASIC),
            "sp_entity_id": Field("Identifier (Entity ID)", _ENTRA_BASIC),
            "name_id": Field("Unique User Identifier (Name ID)", _ENTRA_CLAIMS, "user.mail, format Email address"),
            "email": Field("emailaddress", _ENTRA_CLAIMS, "user.mail"),
            "signing": Field("Signing Option", f"{_ENTRA_CERTIFICATES} → Edit", "Sign SAML response and assertion"),
            "signature_algorithm": Field("Signing Algorithm", f"{_ENTRA_CERTIFICATES} → Edit", "SHA-256"),
            "encryption": Field("Token encryption", f"{_ENTRA_APP} → Token encryption", "Deactivated"),
            "certificate": Field("App Federation Metadata Url", _ENTRA_CERTIFICATES),
            "issuer": Field("Microsoft Entra Identifier", f"{_ENTRA_SSO} → Set up %(app)s"),
            "assignment": Field("Users and groups", f"{_ENTRA_APP} → Users and groups"),
        }
    ),
)

_PING_APP: Final = "Applications → Applications → %(app)s"
_PING_EDIT: Final = f"{_PING_APP} → Configuration → Edit"
_PING_MAPPINGS: Final = f"{_PING_APP} → Attribute Mappings"

PINGONE: Final = Vendor(
    key="pingone",
    name="PingOne",
    hosted=True,
    brings="metadata_url",
    steps=(
        Step(
            N_(
                "In the PingOne admin console open **Applications → Applications**, select **+**, name the application "
                "**%(app)s**, choose **SAML Application** and select **Configure**."
            )
        ),
        Step(N_("Choose **Manually Enter**, and paste the Single sign-on URL into **ACS URLs**.")),
        Step(N_("Paste the SP entity ID into **Entity ID**, then save.")),
        Step(N_("On the **Attribute Mappings** tab, map **saml_subject** to **Email Address**.")),
        Step(N_("On the **Configuration** tab, copy **IDP Metadata URL** and bring it here.")),
    ),
    note=N_("Switch the application on with the toggle beside its name first, then test the sign-in."),
    fields=MappingProxyType(
        {
            "acs_url": Field("ACS URLs", _PING_EDIT),
            "recipient": Field("ACS URLs", _PING_EDIT),
            "destination": Field("ACS URLs", _PING_EDIT),
            "sp_entity_id": Field("Entity ID", _PING_EDIT),
            "name_id": Field("saml_subject", _PING_MAPPINGS, "Email Address"),
            "email": Field("email", _PING_MAPPINGS, "Email Address"),
            "signing": Field("Signing Key", _PING_EDIT, "Sign Assertion & Response"),
            "signature_algorithm": Field("Signing Algorithm", _PING_EDIT, "RSA_SHA256"),
            "encryption": Field("Encryption", _PING_EDIT, "Off"),
            "certificate": Field("IDP Metadata URL", f"{_PING_APP} → Configuration"),
            "issuer": Field("Issuer ID", f"{_PING_APP} → Configuration"),
            "assignment": Field("Access", f"{_PING_APP} → Access"),
        }
    ),
)
