"""Every reason for which metadata is refused. The sentences are for the admin who pasted it (saml-metadata-2.0-os)."""

from __future__ import annotations

from vestibule.kernel.text import N_
from vestibule.saml.errors import SamlError


class MetadataInvalid(SamlError):
    """The document is not SAML metadata of an identity provider that we can use."""

    code = "metadata"
    public = N_("This is not SAML metadata of an identity provider.")
    spec = "saml-metadata-2.0-os 2"
    check = "metadata"


class MetadataEmpty(MetadataInvalid):
    """Nothing was given."""

    code = "metadata_empty"
    public = N_("There is nothing here. Paste the metadata XML of your identity provider.")


class MetadataTooLarge(MetadataInvalid):
    """More than 2 MiB, or more parts than any identity provider has."""

    code = "metadata_too_large"
    public = N_("This metadata is too large. Ask for the metadata of your identity provider alone; 2 MiB is the limit.")


class MetadataNotXml(MetadataInvalid):
    """Not well-formed XML."""

    code = "metadata_not_xml"
    public = N_("This is not well-formed XML. Copy the whole document, from the first < to the last >.")


class MetadataForbiddenXml(MetadataInvalid):
    """A DTD or a processing instruction."""

    code = "metadata_forbidden_xml"
    public = N_("This metadata has a DTD or a processing instruction, which SAML metadata never needs.")


class MetadataIsHtml(MetadataInvalid):
    """A web page."""

    code = "metadata_html"
    public = N_("This is a web page, not metadata. The address may need a sign-in, or may belong to the console.")


class MetadataIsJson(MetadataInvalid):
    """JSON, most often an OpenID Connect discovery document."""

    code = "metadata_json"
    public = N_("This is JSON, not SAML metadata. It may be the OpenID Connect address of the same identity provider.")


class MetadataIsAnAddress(MetadataInvalid):
    """A URL was pasted."""

    code = "metadata_address"
    public = N_("This is an address, not metadata. Choose “Yes” at the metadata URL question and enter it there.")


class MetadataOfServiceProvider(MetadataInvalid):
    """Metadata of a service provider, most often ours."""

    code = "metadata_sp"
    public = N_(
        "This is metadata of a service provider. What is needed here is the metadata of your identity provider."
    )


class MetadataWithoutSaml2(MetadataInvalid):
    """An identity provider that does not speak SAML 2.0."""

    code = "metadata_no_saml2"
    public = N_("This identity provider does not offer SAML 2.0 sign-in.")


class MetadataOfSeveral(MetadataInvalid):
    """An aggregate, and nobody said which entity is meant."""

    code = "metadata_several"
    public = N_("This metadata describes %(count)s entities. Enter the entity ID of the one you want.")


class EntityNotFound(MetadataInvalid):
    """The named entity is not in the document."""

    code = "metadata_entity"
    public = N_("This metadata does not describe that entity ID.")


class MetadataExpired(MetadataInvalid):
    """ValidUntil has passed."""

    code = "metadata_expired"
    public = N_("This metadata was valid until %(until)s. Ask for a fresh copy.")


class MetadataUnsigned(MetadataInvalid):
    """The document as a whole is not signed, where a certificate is pinned for it."""

    code = "metadata_unsigned"
    public = N_("This metadata is not signed as a whole, and only what the pinned certificate has signed is taken.")
    spec = "saml-metadata-2.0-os 3"


class MetadataSignatureInvalid(MetadataInvalid):
    """The signature is not of the pinned certificate, not over the whole document, or not of a form that is taken."""

    code = "metadata_signature"
    public = N_(
        "The signature of this metadata does not pass: another key made it, something was changed since, or its form is "
        "not one that is taken here."
    )
    spec = "saml-metadata-2.0-os 3.1"


class MetadataUrlInvalid(MetadataInvalid):
    """An address in the metadata is none that a browser could be sent to."""

    code = "metadata_url"
    public = N_("An address in this metadata is not a plain http or https address.")


class MetadataWithoutSignOn(MetadataInvalid):
    """No sign-on address by HTTP-Redirect or HTTP-POST."""

    code = "metadata_no_sso"
    public = N_("This metadata has no sign-on address for HTTP-Redirect or HTTP-POST.")


class MetadataWithoutCertificate(MetadataInvalid):
    """No certificate for signatures."""

    code = "metadata_no_certificate"
    public = N_("This metadata has no certificate for signatures.")
