"""Where an access, a membership or a profile came from."""

from __future__ import annotations

from enum import StrEnum


class Source(StrEnum):
    """The way in which something came to be; removing is by source, so each row carries one."""

    MANUAL = "manual"
    JIT = "jit"
    SCIM = "scim"
    API = "api"
    IMPORT = "import"
