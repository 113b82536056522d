"""The schemas that we serve (RFC 7643, 4.1 to 4.3, 7) and the documents that describe the service."""

from __future__ import annotations

from typing import Any, Final

from vestibule.scim.attributes import ENTERPRISE_URN, GROUP_URN, USER_URN, Attribute, ResourceType, Schema

MAX_RESULTS: Final = 500
DEFAULT_COUNT: Final = 100
MAX_OPERATIONS: Final = 1000
MAX_PAYLOAD_BYTES: Final = 2 * 1024 * 1024
_SCHEMA_URN: Final = "urn:ietf:params:scim:schemas:core:2.0:Schema"
_RESOURCE_TYPE_URN: Final = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
_CONFIG_URN: Final = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
_KINDS_OF_MAIL: Final = ("work", "home", "other")


def _plain(*names: str) -> tuple[Attribute, ...]:
    return tuple(Attribute(name, description=f"The {name}.") for name in names)


def _plural(name: str, description: str, kinds: tuple[str, ...] = (), value: Attribute | None = None) -> Attribute:
    # Entra's schema check refuses `emails.display`; it is still kept and given back.
    display = () if name == "emails" else (Attribute("display", description="A name to show."),)
    subs = (
        value or Attribute("value", description="The value."),
        *display,
        Attribute("type", description="What the value is for.", canonical=kinds),
        Attribute("primary", "boolean", "Whether this is the preferred one."),
    )
    return Attribute(name, "complex", description, multi=True, subs=subs)


_NAME: Final = Attribute(
    "name",
    "complex",
    "The parts of the person's name.",
    subs=_plain("formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix"),
)
_ADDRESSES: Final = Attribute(
    "addresses",
    "complex",
    "Postal addresses.",
    multi=True,
    subs=(
        *_plain("formatted", "streetAddress", "locality", "region", "postalCode", "country"),
        Attribute("type", description="What the address is for.", canonical=_KINDS_OF_MAIL),
        Attribute("primary", "boolean", "Whether this is the preferred one."),
    ),
)
_GROUPS: Final = Attribute(
    "groups",
    "complex",
    "The groups that the user is in; they are changed at the group.",
    multi=True,
    mutability="readOnly",
    subs=(
        Attribute("value", description="The id of the group.", mutability="readOnly"),
        Attribute("$ref", "reference", "The address of the group.", mutability="readOnly", references=("Group",)),
        Attribute("display", description="The name of the group.", mutability="readOnly"),
        Attribute("type", description="Direct membership.", mutability="readOnly", canonical=("direct", "indirect")),
    ),
)
_USER: Final = Schema(
    USER_URN,
    "User",
    "User Account",
    (
        Attribute(
            "userName",
            description="The name by which the directory knows the user.",
            required=True,
            uniqueness="server",
        ),
        _NAME,
        *_plain("displayName", "nickName"),
        Attribute("profileUrl", "reference", "A page about the user.", references=("external",)),
        *_plain("title", "userType", "preferredLanguage", "locale", "timezone"),
        Attribute("active", "boolean", "Whether the user may enter the environment."),
        Attribute("password", description="Ignored: never stored.", mutability="writeOnly", returned="never"),
        _plural("emails", "E-mail addresses. The primary one is the account's.", _KINDS_OF_MAIL),
        _plural("phoneNumbers", "Telephone numbers.", ("work", "home", "mobile", "fax", "pager", "other")),
        _plural("ims", "Addresses for instant messages."),
        _plural(
            "photos",
            "Pictures.",
            ("photo", "thumbnail"),
            Attribute("value", "reference", "The address of the picture.", references=("external",)),
        ),
        _ADDRESSES,
        _GROUPS,
        _plural("entitlements", "Entitlements, kept as sent."),
        _plural("roles", "Roles, kept as sent."),
        _plural(
            "x509Certificates",
            "Certificates, kept as sent.",
            (),
            Attribute("value", "binary", "DER in base64.", case_exact=True),
        ),
    ),
)
_ENTERPRISE: Final = Schema(
    ENTERPRISE_URN,
    "EnterpriseUser",
    "Enterprise User",
    (
        *_plain("employeeNumber", "costCenter", "organization", "division", "department"),
        Attribute(
            "manager",
            "complex",
            "The user's manager.",
            subs=(
                Attribute("value", description="The id of the manager."),
                Attribute("$ref", "reference", "The address of the manager.", references=("User",)),
                Attribute("displayName", description="The manager's name.", mutability="readOnly"),
            ),
        ),
    ),
)
_GROUP: Final = Schema(
    GROUP_URN,
    "Group",
    "Group",
    (
        Attribute("displayName", description="The name of the group.", required=True),
        Attribute(
            "members",
            "complex",
            "The users in the group.",
            multi=True,
            subs=(
                Attribute("value", description="The id of the user.", mutability="immutable"),
                Attribute(
                    "$ref", "reference", "The address of the user.", mutability="immutable", references=("User",)
                ),
                Attribute("type", description="User.", mutability="immutable", canonical=("User", "Group")),
                # In a group of 10,000 nobody reads the names; who wants them says so.
                Attribute("display", description="The user's name.", mutability="readOnly", returned="request"),
            ),
        ),
    ),
)
_META: Final = Attribute(
    "meta",
    "complex",
    mutability="readOnly",
    subs=(
        Attribute("resourceType", case_exact=True, mutability="readOnly"),
        Attribute("created", "dateTime", mutability="readOnly"),
        Attribute("lastModified", "dateTime", mutability="readOnly"),
        Attribute("location", "reference", mutability="readOnly"),
        Attribute("version", case_exact=True, mutability="readOnly"),
    ),
)
_COMMON: Final = (
    Attribute("id", case_exact=True, mutability="readOnly", returned="always"),
    Attribute("externalId", case_exact=True),
    Attribute("schemas", "reference", multi=True, returned="always"),
    _META,
)
USER: Final = ResourceType("User", "/Users", "User Account", _USER, (_ENTERPRISE,), _COMMON)
GROUP: Final = ResourceType("Group", "/Groups", "Group", _GROUP, (), _COMMON)
RESOURCE_TYPES: Final = (USER, GROUP)
SCHEMAS: Final = (_USER, _ENTERPRISE, _GROUP)


def schema_document(schema: Schema, base: str) -> dict[str, Any]:
    """Return a schema as it is served (RFC 7643, 7)."""
    return {
        "schemas": [_SCHEMA_URN],
        "id": schema.urn,
        "name": schema.name,
        "description": schema.description,
        "attributes": [_described(one) for one in schema.attributes],
        "meta": {"resourceType": "Schema", "location": f"{base}/Schemas/{schema.urn}"},
    }


def resource_type_document(resource_type: ResourceType, base: str) -> dict[str, Any]:
    """Return a resource type as it is served (RFC 7643, 6)."""
    return {
        "schemas": [_RESOURCE_TYPE_URN],
        "id": resource_type.name,
        "name": resource_type.name,
        "endpoint": resource_type.endpoint,
        "description": resource_type.description,
        "schema": resource_type.core.urn,
        "schemaExtensions": [{"schema": one.urn, "required": False} for one in resource_type.extensions],
        "meta": {"resourceType": "ResourceType", "location": f"{base}/ResourceTypes/{resource_type.name}"},
    }


def service_provider_config(base: str) -> dict[str, Any]:
    """Return what the service can do (RFC 7643, 5; RFC 9865, 5). authentik reads `maxOperations` as the size of its chunks."""
    return {
        "schemas": [_CONFIG_URN],
        "documentationUri": "https://www.rfc-editor.org/rfc/rfc7644",
        "patch": {"supported": True},
        "bulk": {"supported": True, "maxOperations": MAX_OPERATIONS, "maxPayloadSize": MAX_PAYLOAD_BYTES},
        "filter": {"supported": True, "maxResults": MAX_RESULTS},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "pagination": {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": DEFAULT_COUNT,
            "maxPageSize": MAX_RESULTS,
        },
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "A token that an admin of the workspace makes for the connection.",
                "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
                "primary": True,
            }
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{base}/ServiceProviderConfig"},
    }


def _described(one: Attribute) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": one.name,
        "type": one.kind,
        "multiValued": one.multi,
        "description": one.description,
        "required": one.required,
        "caseExact": one.case_exact,
        "mutability": one.mutability,
        "returned": one.returned,
        "uniqueness": one.uniqueness,
    }
    if one.canonical:
        described["canonicalValues"] = list(one.canonical)
    if one.references:
        described["referenceTypes"] = list(one.references)
    if one.subs:
        described["subAttributes"] = [_described(sub) for sub in one.subs]
    return described
