"""Where we take more than the RFCs' letter, because somebody's directory sends it: each by name, with what the admin is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from vestibule.kernel.text import N_


class Tolerance(Enum):
    """One thing that is taken, or passed over, although the letter has it otherwise. Who sends it: docs/explanation/scim-tolerances.md."""

    OP_CASE = N_("Taken: “op” in capital letters.")
    PATH_AS_NAME = N_("Taken: paths as names in an object.")
    READ_ONLY_ECHOED = N_("Passed over: what only we can change, sent back to us.")
    NO_SCHEMAS = N_("Taken: a body without “schemas”.")
    PASSWORD = N_("Passed over: the password. None is ever stored.")
    BOOLEAN_AS_TEXT = N_("Taken: true or false as text.")
    BARE_VALUE = N_("Taken: a value alone where an object belongs.")
    JSON_AS_TEXT = N_("Taken: an object as JSON in a text.")
    ONE_AS_MANY = N_("Taken: one value where a list belongs.")
    MANY_AS_ONE = N_("Taken: a list of one where a value belongs.")
    LISTED_REMOVED = N_("Taken: a list as what to remove. Only what it lists was removed.")
    ENTRY_MADE = N_("Taken: a path to an entry that was not there. It was made.")
    PARTS_KEPT = N_("Taken: a replacement of some parts. The others were kept.")
    MEMBERS_WRAPPED = N_("Taken: members inside “members” of the value.")
    UNQUOTED = N_("Taken: a filter’s value without quotation marks.")
    ENCODED_TWICE = N_("Taken: a filter that was URL-encoded twice.")
    BEHIND_BRACKET = N_("Taken: a filter that goes on behind its square bracket.")


@dataclass(slots=True)
class Noted:
    """What there is to tell about a request: names that the schema does not have, and what was tolerated."""

    ignored: list[str] = field(default_factory=list)
    tolerated: set[Tolerance] = field(default_factory=set)
