"""Facts about Google Workspace, OneLogin and JumpCloud: menu names and labels as in the vendors' own documentation."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from vestibule.directory.vendor import Field, Step, Vendor
from vestibule.kernel.text import N_

_GOOGLE_APP: Final = "Apps → Web and mobile apps → %(app)s"
_GOOGLE_SP: Final = f"{_GOOGLE_APP} → Service provider details"

# Signature algorithm and encryption are left out: the Admin console has no setting for either.
GOOGLE: Final = Vendor(
    key="google",
    name="Google Workspace",
    hosted=True,
    brings="file",
    steps=(
        Step(
            N_(
                "In the Google Admin console open **Apps → Web and mobile apps → Add app → Add custom SAML app**, and name it "
                "**%(app)s**."
            )
        ),
        Step(N_("Select **Download metadata**: that file is what you bring here, as there is no metadata URL.")),
        Step(N_("Under **Service provider details**, paste the Single sign-on URL into **ACS URL**.")),
        Step(N_("Paste the SP entity ID into **Entity ID**.")),
        Step(
            N_(
                "Set **Name ID format** to **EMAIL** and **Name ID** to **Basic Information > Primary email**, then finish."
            )
        ),
    ),
    note=N_(
        "Set **User access** of the app to **ON** for you first; Google needs a few minutes, sometimes more, to apply it."
    ),
    fields=MappingProxyType(
        {
            "acs_url": Field("ACS URL", _GOOGLE_SP),
            "recipient": Field("ACS URL", _GOOGLE_SP),
            "destination": Field("ACS URL", _GOOGLE_SP),
            "sp_entity_id": Field("Entity ID", _GOOGLE_SP),
            "name_id": Field("Name ID format", _GOOGLE_SP, "EMAIL"),
            "email": Field("Primary email", f"{_GOOGLE_APP} → SAML attribute mapping", "email"),
            "signing": Field("Signed response", _GOOGLE_SP, "On"),
            "certificate": Field("Certificate", _GOOGLE_SP),
            "issuer": Field("Entity ID", f"{_GOOGLE_APP} → Download metadata"),
            "assignment": Field("User access", f"{_GOOGLE_APP} → User access"),
        }
    ),
)

_ONELOGIN_APP: Final = "Applications → Applications → %(app)s"
_ONELOGIN_CONFIGURATION: Final = f"{_ONELOGIN_APP} → Configuration"

ONELOGIN: Final = Vendor(
    key="onelogin",
    name="OneLogin",
    hosted=True,
    brings="metadata_url",
    steps=(
        Step(
            N_(
                "In OneLogin open **Administration → Applications → Add App**, search for "
                "**SAML Custom Connector (Advanced)**, name it **%(app)s** and save."
            )
        ),
        Step(N_("On **Configuration**, paste the SP entity ID into **Audience (EntityID)**.")),
        Step(
            N_(
                "Paste the Single sign-on URL into **Recipient** and **ACS (Consumer) URL**, and as a regular expression "
                "(^ before, $ after, a backslash before each dot) into **ACS (Consumer) URL Validator**."
            )
        ),
        Step(N_("Set **SAML initiator** to **Service Provider** and **SAML nameID format** to **Email**.")),
        Step(N_("On **SSO**, set **SAML Signature Algorithm** to **SHA-256**, save, and bring **Issuer URL** here.")),
    ),
    note=N_("The Issuer URL is the metadata URL. Give yourself the app under **Users** first, then test the sign-in."),
    fields=MappingProxyType(
        {
            "acs_url": Field("ACS (Consumer) URL", _ONELOGIN_CONFIGURATION),
            "recipient": Field("Recipient", _ONELOGIN_CONFIGURATION),
            "destination": Field("ACS (Consumer) URL", _ONELOGIN_CONFIGURATION),
            "sp_entity_id": Field("Audience (EntityID)", _ONELOGIN_CONFIGURATION),
            "name_id": Field("SAML nameID format", _ONELOGIN_CONFIGURATION, "Email"),
            "email": Field("email", f"{_ONELOGIN_APP} → Parameters", "Email, with Include in SAML assertion"),
            "signing": Field("SAML signature element", _ONELOGIN_CONFIGURATION, "Both"),
            "signature_algorithm": Field("SAML Signature Algorithm", f"{_ONELOGIN_APP} → SSO", "SHA-256"),
            "encryption": Field("Encrypt assertion", _ONELOGIN_CONFIGURATION, "Off"),
            "certificate": Field("X.509 Certificate", f"{_ONELOGIN_APP} → SSO"),
            "issuer": Field("Issuer URL", f"{_ONELOGIN_APP} → SSO"),
            "assignment": Field("Users", f"{_ONELOGIN_APP} → Users"),
        }
    ),
)

_JUMPCLOUD_APP: Final = "SSO Applications → %(app)s"
_JUMPCLOUD_SSO: Final = f"{_JUMPCLOUD_APP} → SSO"

JUMPCLOUD: Final = Vendor(
    key="jumpcloud",
    name="JumpCloud",
    hosted=True,
    brings="metadata_url",
    steps=(
        Step(
            N_(
                "In the JumpCloud Admin Portal open **SSO Applications → Add New Application → Custom Application**, choose "
                "**Manage Single Sign-On (SSO)** with **Configure SSO with SAML**, and name it **%(app)s**."
            )
        ),
        Step(
            N_(
                "On the **SSO** tab, type an **IdP Entity ID** of your own, such as the name of your company and this app; "
                "each application needs a different one."
            )
        ),
        Step(N_("Paste the SP entity ID into **SP Entity ID**, and the Single sign-on URL into **ACS URLs**.")),
        Step(
            N_(
                "Set **SAMLSubject NameID** to **email**, **Signature Algorithm** to **RSA-SHA256**, and tick "
                "**Declare Redirect Endpoint**."
            )
        ),
        Step(N_("Save, then select **Copy Metadata URL** and bring it here.")),
    ),
    note=N_("Give a group with you in it the application on its **User Groups** tab first, then test the sign-in."),
    fields=MappingProxyType(
        {
            "acs_url": Field("ACS URLs", _JUMPCLOUD_SSO),
            "recipient": Field("ACS URLs", _JUMPCLOUD_SSO),
            "destination": Field("ACS URLs", _JUMPCLOUD_SSO),
            "sp_entity_id": Field("SP Entity ID", _JUMPCLOUD_SSO),
            "name_id": Field("SAMLSubject NameID", _JUMPCLOUD_SSO, "email"),
            "email": Field("User Attributes", f"{_JUMPCLOUD_SSO} → Attributes", "email = email"),
            "signing": Field("Sign", _JUMPCLOUD_SSO, "Assertion & Response"),
            "signature_algorithm": Field("Signature Algorithm", _JUMPCLOUD_SSO, "RSA-SHA256"),
            "certificate": Field("IDP Certificate", _JUMPCLOUD_APP),
            "issuer": Field("IdP Entity ID", _JUMPCLOUD_SSO),
            "assignment": Field("User Groups", f"{_JUMPCLOUD_APP} → User Groups"),
        }
    ),
)
