"""Why a push is refused. The sentences go to the directory's admin; what they are in SCIM's words is said where they are answered."""

from __future__ import annotations

from vestibule.kernel.errors import VestibuleError
from vestibule.kernel.text import N_


class PushConflict(VestibuleError):
    """Something is somebody else's already (RFC 7644, 3.12: uniqueness)."""

    code = "push_conflict"


class UserExists(PushConflict):
    """The connection has a user of that userName or externalId."""

    code = "user_exists"
    public = N_("Another user has this userName or externalId.")


class UserNameTaken(PushConflict):
    """A user is to have the userName of another one. Two who swap theirs go on only by a third name: each request stands alone."""

    code = "user_name_taken"
    public = N_("Another user has this userName. Where two users swap theirs, give one of them another one first.")


class UserNameOfFormer(PushConflict):
    """The userName belongs to somebody inactive whom the directory knows by another externalId."""

    code = "user_name_of_former"
    public = N_(
        "The userName belongs to somebody else, who is not active. An admin of the workspace can delete that account."
    )


class ManagedElsewhere(PushConflict):
    """Another directory of the environment pushed the account."""

    code = "managed_elsewhere"
    public = N_("The e-mail address belongs to somebody whom another directory of this environment manages.")


class AddressOfFormer(PushConflict):
    """The address was given to somebody new."""

    code = "address_of_former"
    public = N_(
        "The e-mail address belongs to the account of somebody else, who had it before. "
        "An admin of the workspace can delete that account, or change its address."
    )


class AddressTaken(PushConflict):
    """Another account has the address. Of two users who swap theirs it is so whoever comes first."""

    code = "address_taken"
    public = N_(
        "The e-mail address belongs to another account. Where two users swap theirs, give one of them another one first."
    )


class GroupExists(PushConflict):
    """The connection has a group of that displayName or externalId."""

    code = "group_exists"
    public = N_("Another group has this displayName or externalId.")


class DomainNotReached(VestibuleError):
    """The connection may not bring people of that domain."""

    code = "domain_not_reached"
    public = N_("This connection is not enforced for the domain %(domain)s.")


class DeparturesHeld(VestibuleError):
    """More people would lose access within an hour than the connection's stop line allows; an admin decides."""

    code = "departures_held"
    public = N_(
        "Held: more people would lose access within an hour than the stop line of this connection allows. "
        "An admin has been told and decides; try again later."
    )
