"""Facts about AD FS, Keycloak, Shibboleth and SimpleSAMLphp, and the words for an IdP that we know nothing about."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from vestibule.directory.vendor import Field, Step, Vendor
from vestibule.kernel.text import N_

_ADFS_TRUST: Final = "AD FS → Relying Party Trusts → %(app)s"
_ADFS_PROPERTIES: Final = f"{_ADFS_TRUST} → Properties"
_ADFS_CLAIMS: Final = f"{_ADFS_TRUST} → Edit Claim Issuance Policy"

ADFS: Final = Vendor(
    key="adfs",
    name="AD FS",
    hosted=False,
    brings="metadata_url",
    steps=(
        Step(
            N_(
                "In AD FS Management select **Add Relying Party Trust**, choose **Claims aware**, then "
                "**Enter data about the relying party manually**, and name it **%(app)s**."
            )
        ),
        Step(
            N_(
                "On **Configure URL** tick **Enable support for the SAML 2.0 WebSSO protocol** and paste the Single sign-on URL "
                "into **Relying party SAML 2.0 SSO service URL**."
            )
        ),
        Step(N_("On **Configure Identifiers** add the SP entity ID as **Relying party trust identifier**.")),
        Step(
            N_(
                "In **Edit Claim Issuance Policy** add **Send LDAP Attributes as Claims** (**E-Mail-Addresses** to "
                "**E-Mail Address**), then **Transform an Incoming Claim** (**E-Mail Address** to **Name ID**, format **Email**)."
            )
        ),
        Step(
            N_(
                "Bring the metadata URL of your server here: https://, its host name, and "
                "**/FederationMetadata/2007-06/FederationMetadata.xml**."
            )
        ),
    ),
    note=N_(
        "Where Vestibule can’t reach your AD FS server, open that address in a browser, save the file and upload it here."
    ),
    fields=MappingProxyType(
        {
            "acs_url": Field("SAML Assertion Consumer Endpoints", f"{_ADFS_PROPERTIES} → Endpoints"),
            "recipient": Field("SAML Assertion Consumer Endpoints", f"{_ADFS_PROPERTIES} → Endpoints"),
            "destination": Field("SAML Assertion Consumer Endpoints", f"{_ADFS_PROPERTIES} → Endpoints"),
            "sp_entity_id": Field("Relying party identifiers", f"{_ADFS_PROPERTIES} → Identifiers"),
            "name_id": Field("Outgoing name ID format", _ADFS_CLAIMS, "Email"),
            "email": Field("E-Mail-Addresses", _ADFS_CLAIMS, "E-Mail Address"),
            "signing": Field("SamlResponseSignature", "PowerShell → Set-AdfsRelyingPartyTrust", "AssertionOnly"),
            "signature_algorithm": Field("Secure hash algorithm", f"{_ADFS_PROPERTIES} → Advanced", "SHA-256"),
            "encryption": Field("Encryption certificate", f"{_ADFS_PROPERTIES} → Encryption", "Remove"),
            "certificate": Field("Token-signing", "AD FS → Service → Certificates"),
            "issuer": Field("Federation Service identifier", "AD FS → Edit Federation Service Properties → General"),
            "assignment": Field("Access Control Policy", f"{_ADFS_TRUST} → Edit Access Control Policy"),
        }
    ),
)

# Keycloak lists clients by Client ID, which has to be our entity ID, so the paths don't name the app.
_KEYCLOAK_CLIENT: Final = "Clients → this connection’s SP entity ID"
_KEYCLOAK_SETTINGS: Final = f"{_KEYCLOAK_CLIENT} → Settings"

KEYCLOAK: Final = Vendor(
    key="keycloak",
    name="Keycloak",
    hosted=False,
    brings="metadata_url",
    steps=(
        Step(
            N_(
                "In the Keycloak Admin Console choose the realm, then **Clients → Create client**, and set **Client type** to **SAML**."
            )
        ),
        Step(N_("Paste the SP entity ID into **Client ID**, and name it **%(app)s**.")),
        Step(
            N_(
                "Paste the Single sign-on URL into **Valid redirect URIs** and **Master SAML Processing URL**, then save."
            )
        ),
        Step(
            N_(
                "On **Settings** set **Name ID format** to **email**; keep **Force POST binding** and **Sign documents** on. "
                "On **Keys** switch **Client signature required** off."
            )
        ),
        Step(
            N_(
                "In **Realm settings → General → Endpoints**, copy the address of **SAML 2.0 Identity Provider Metadata** and "
                "bring it here."
            )
        ),
    ),
    note=N_(
        "Keycloak adds e-mail and names as attributes only when you add mappers; the NameID alone is enough to sign in."
    ),
    fields=MappingProxyType(
        {
            "acs_url": Field("Master SAML Processing URL", _KEYCLOAK_SETTINGS),
            "recipient": Field("Master SAML Processing URL", _KEYCLOAK_SETTINGS),
            "destination": Field("Master SAML Processing URL", _KEYCLOAK_SETTINGS),
            "sp_entity_id": Field("Client ID", _KEYCLOAK_SETTINGS),
            "name_id": Field("Name ID format", _KEYCLOAK_SETTINGS, "email"),
            "email": Field(
                "X500 email", f"{_KEYCLOAK_CLIENT} → Client scopes → dedicated scope", "Add predefined mapper"
            ),
            "signing": Field("Sign documents", f"{_KEYCLOAK_SETTINGS} → Signature and Encryption", "On"),
            "signature_algorithm": Field(
                "Signature algorithm", f"{_KEYCLOAK_SETTINGS} → Signature and Encryption", "RSA_SHA256"
            ),
            "encryption": Field("Encrypt assertions", f"{_KEYCLOAK_CLIENT} → Keys", "Off"),
            "certificate": Field("RS256", "Realm settings → Keys"),
            "issuer": Field("SAML 2.0 Identity Provider Metadata", "Realm settings → General → Endpoints"),
        }
    ),
)

_SP_METADATA: Final = "conf/metadata-providers.xml (Shibboleth) or metadata/saml20-sp-remote.php (SimpleSAMLphp)"
_RELEASE: Final = "conf/attribute-filter.xml (Shibboleth) or authproc (SimpleSAMLphp)"
_RELYING_PARTY: Final = "conf/relying-party.xml (Shibboleth) or metadata/saml20-sp-remote.php (SimpleSAMLphp)"

SHIBBOLETH: Final = Vendor(
    key="shibboleth",
    name="Shibboleth / SimpleSAMLphp",
    hosted=False,
    brings="metadata_url",
    steps=(
        Step(
            N_(
                "Give the IdP the SP metadata of this connection: download it above, or fetch it from the SP entity ID, which "
                "is its address."
            )
        ),
        Step(
            N_(
                "Shibboleth: add it to **conf/metadata-providers.xml**. SimpleSAMLphp: convert it in the administration pages and "
                "add it to **metadata/saml20-sp-remote.php**."
            )
        ),
        Step(
            N_(
                "Release the e-mail address: **mail** in **conf/attribute-filter.xml** (Shibboleth), or in the **attributes** of "
                "the entry (SimpleSAMLphp)."
            )
        ),
        Step(
            N_(
                "Switch assertion encryption off for this SP: **p:encryptAssertions** in **conf/relying-party.xml** (Shibboleth) "
                "or **assertion.encryption** (SimpleSAMLphp)."
            )
        ),
        Step(
            N_(
                "Bring the IdP’s metadata URL here: it ends in **/idp/shibboleth** (Shibboleth) or, as a rule, in "
                "**/saml2/idp/metadata.php** or **/module.php/saml/idp/metadata** (SimpleSAMLphp)."
            )
        ),
    ),
    note=N_(
        "Where the NameID is transient, also release a stable ID such as **subject-id**, so that people are recognised again."
    ),
    fields=MappingProxyType(
        {
            "acs_url": Field("AssertionConsumerService", _SP_METADATA),
            "recipient": Field("AssertionConsumerService", _SP_METADATA),
            "destination": Field("AssertionConsumerService", _SP_METADATA),
            "sp_entity_id": Field("entityID", _SP_METADATA),
            "name_id": Field(
                "NameID",
                "conf/saml-nameid.xml (Shibboleth) or NameIDFormat (SimpleSAMLphp)",
                "emailAddress or persistent",
            ),
            "email": Field("mail", _RELEASE, "released to this SP"),
            "signing": Field("signResponses or saml20.sign.response", _RELYING_PARTY, "true"),
            "signature_algorithm": Field(
                "signing algorithm",
                "conf/relying-party.xml (Shibboleth) or signature.algorithm (SimpleSAMLphp)",
                "RSA-SHA256",
            ),
            "encryption": Field("encryptAssertions or assertion.encryption", _RELYING_PARTY, "false"),
            "certificate": Field(
                "signing certificate", "credentials/idp-signing.crt (Shibboleth) or cert/ (SimpleSAMLphp)"
            ),
            "issuer": Field(
                "entity ID", "conf/idp.properties (Shibboleth) or metadata/saml20-idp-hosted.php (SimpleSAMLphp)"
            ),
        }
    ),
)

GENERIC: Final = Vendor(
    key="generic",
    name=N_("Another SAML 2.0 IdP"),
    hosted=False,
    brings="values",
    steps=(
        Step(
            N_(
                "Create a SAML 2.0 application, called service provider or relying party in some products, and name it **%(app)s**."
            )
        ),
        Step(
            N_(
                "Paste the Single sign-on URL where it asks for **ACS URL**, Reply URL or Recipient; the binding is **HTTP-POST**."
            )
        ),
        Step(N_("Paste the SP entity ID where it asks for **Audience**, SP entity ID or Identifier.")),
        Step(
            N_(
                "Let it send the e-mail address as **NameID**, and sign the response or the assertion with **RSA-SHA256** or better."
            )
        ),
        Step(N_("Bring its **metadata URL** here, or its metadata file, or sign-on URL, entity ID and certificate.")),
    ),
    note=N_("Give yourself the application there first, then test the sign-in."),
)
