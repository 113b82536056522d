"""What a process costs: CPU time and resident memory, as the system counts them."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used until now, with its children that are gone, where the system tells (Linux)."""

    cpu_seconds: float
    resident_mib: float


def usage(pid: int) -> Usage:
    """Return what a process has used until now."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        fields = stat.read_text().rpartition(")")[2].split()
        # A database's connections are processes that end: without their time a difference could be below nothing.
        gone = sum(int(field) for field in fields[13:15]) / os.sysconf("SC_CLK_TCK")
        return Usage(_own_seconds(pid) + gone, int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 2**20)
    said = subprocess.run(["ps", "-o", "rss=,time=", "-p", str(pid)], capture_output=True, text=True, check=True)
    resident, written = said.stdout.split()
    seconds = 0.0
    for part in written.replace("-", ":").split(":"):
        seconds = seconds * 60 + float(part)
    return Usage(seconds, int(resident) / 1024)


def _own_seconds(pid: int) -> float:
    # The clock of a process, as clock_getcpuclockid(3) names it: to the nanosecond, where /proc counts hundredths of a second.
    return time.clock_gettime(~pid << 3 | 2)
