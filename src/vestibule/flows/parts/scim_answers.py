"""What a directory is answered: pushed users and groups as resources, narrowed to what was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vestibule.directory.pushed import PushedGroup, PushedMember, PushedUser
from vestibule.directory.scim import Caller, base_url
from vestibule.flows.parts.runtime import Runtime
from vestibule.scim.attributes import ResourceType
from vestibule.scim.etags import etag, tag_of
from vestibule.scim.rendering import Projection, meta, project, schemas_of
from vestibule.scim.schemas import GROUP, USER
from vestibule.storage import scim_members
from vestibule.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a body (None for none), and headers."""

    status: int
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A resource as it is answered, and the tag of all of it, whatever part was asked for."""

    id: str
    tag: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Renderer:
    """Renders the resources of one connection under its base URL."""

    base: str
    projection: Projection

    @staticmethod
    def of(runtime: Runtime, caller: Caller, projection: Projection) -> Renderer:
        """Return the renderer for a directory."""
        return Renderer(base_url(runtime.public_url, caller.connection_id), projection)

    def location(self, resource_type: ResourceType, resource_id: str) -> str:
        """Return the address of a resource."""
        return f"{self.base}{resource_type.endpoint}/{resource_id}"

    def users(self, tx: Transaction, found: Sequence[PushedUser]) -> list[Rendered]:
        """Return users as resources with the groups that they are in, which are a part of their tags; one statement for all."""
        groups = scim_members.list_groups_of(tx, [one.id for one in found])
        return [self.user(one, groups.get(one.id, ())) for one in found]

    def groups(self, tx: Transaction, found: Sequence[PushedGroup]) -> list[Rendered]:
        """Return groups as resources; members are read only where they are wanted, in one statement for all."""
        wanted = self.projection.wants("members")
        members = scim_members.list_members(tx, [one.id for one in found]) if wanted else {}
        return [self.group(one, members.get(one.id, ())) for one in found]

    def user(self, user: PushedUser, groups: Sequence[PushedMember]) -> Rendered:
        """Return a user who is in these groups as a resource."""
        resource: dict[str, Any] = {"schemas": schemas_of(USER, user.attributes), "id": user.id, **user.attributes}
        listed = [self._reference(GROUP, one, "direct") for one in groups]
        if listed:
            resource["groups"] = listed
        location, tag = self.location(USER, user.id), user_tag(user, groups)
        resource["meta"] = meta(USER, location, tag, user.created_at, user.last_modified_at)
        return Rendered(user.id, tag, project(resource, self.projection))

    def group(self, group: PushedGroup, members: Iterable[PushedMember]) -> Rendered:
        """Return a group with these members as a resource."""
        resource: dict[str, Any] = {"schemas": schemas_of(GROUP, ()), "id": group.id}
        if group.external_id:
            resource["externalId"] = group.external_id
        resource["displayName"] = group.display_name
        if self.projection.wants("members"):
            named = "members.display" in self.projection.only
            resource["members"] = [self._reference(USER, one, "User", named=named) for one in members]
        location, tag = self.location(GROUP, group.id), tag_of(group.version)
        resource["meta"] = meta(GROUP, location, tag, group.created_at, group.last_modified_at)
        return Rendered(group.id, tag, project(resource, self.projection))

    def _reference(
        self, resource_type: ResourceType, one: PushedMember, kind: str, *, named: bool = True
    ) -> dict[str, Any]:
        display = {"display": one.display} if named else {}
        return {"value": one.value, "$ref": self.location(resource_type, one.value), **display, "type": kind}

    def answer(self, resource_type: ResourceType, status: int, rendered: Rendered) -> Answer:
        """Return an answer about one resource."""
        headers = {"Location": self.location(resource_type, rendered.id), "ETag": etag(rendered.tag)}
        return Answer(status, rendered.body, headers)


def user_tag(user: PushedUser, groups: Iterable[PushedMember]) -> str:
    """Return the tag of a user who is in these groups. A group has those who are in it in its version."""
    return tag_of(user.version, (one.value for one in groups))
