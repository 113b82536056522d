"""`make bench`, or `python -m bench`: measures and prints. Loopback only; ends by itself; leaves nothing behind but `.cache/bench`."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from bench import forward_auth, parts, scim, tokens
from bench.ground import Ground, cores, ground
from bench.tables import Plan, Target, console, show_targets
from vestibule.outside.logs import set_up_logs

WHOLE: Final = Plan(
    sign_ins=2000,
    slow_sign_ins=500,
    warm=10_000,
    more=10_000,
    few=1000,
    many=1_000_000,
    times=30,
    rounds=60,
    pushed=20_000,
    groups=1000,
    asked=2000,
)
# A push of this many takes half an hour by itself.
FULL: Final = replace(WHOLE, pushed=100_000)
QUICK: Final = Plan(
    sign_ins=300,
    slow_sign_ins=100,
    warm=300,
    more=600,
    few=1000,
    many=20_000,
    times=10,
    rounds=10,
    pushed=1000,
    groups=20,
    asked=100,
)
PARTS: Final[dict[str, Callable[[Ground, Plan], list[Target]]]] = {
    "verification": parts.verifying,
    "refusals": parts.refusing,
    "acs": parts.acs,
    "lists": parts.long_lists,
    "memory": parts.memory,
    "scim": scim.scim,
    "forward-auth": forward_auth.answers,
    "tokens": tokens.tokens,
}


def main() -> int:
    """Measure what was asked for; return 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="What the product costs on this machine.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of {', '.join(PARTS)}; all when none is named")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="fewer of everything: to see that it works")
    size.add_argument(
        "--full", action="store_true", help=f"a push of {FULL.pushed:,} users instead of {WHOLE.pushed:,}"
    )
    chosen = parser.parse_args()
    if unknown := set(chosen.parts) - set(PARTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    plan, started = (QUICK if chosen.quick else FULL if chosen.full else WHOLE), time.monotonic()
    console.print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}. {_pinned()}\n")
    targets: list[Target] = []
    set_up_logs("warning")  # some parts run the server in this process
    with ground() as where:
        for name in chosen.parts or PARTS:
            began = time.monotonic()
            targets += PARTS[name](where, plan)
            console.print(f"{name}: {time.monotonic() - began:.0f} seconds\n")
    show_targets(targets)
    console.print(f"Done in {(time.monotonic() - started) / 60:.1f} minutes.")
    return 1 if any(one.met is False for one in targets) else 0


def _pinned() -> str:
    if cores().server is None:
        return "The server shares its cores with everything else: the rates below are too low."
    return "The server has one core to itself; clients and PostgreSQL have the others."


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that it cleans up after itself, then too
    sys.exit(main())
