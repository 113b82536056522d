"""`python -m tests.fuzz`: every target in turn, until stopped. `python -m tests.fuzz TARGET [options of libFuzzer]`: one of them.

Coverage guides atheris, where its wheel exists (Linux). Elsewhere the same targets run on seeds that are changed blindly.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

try:
    import atheris
except ImportError:  # no wheel for this system
    atheris = None

SEEDS: Final = Path(__file__).parent / "seeds"
FOUND: Final = Path(".cache") / "fuzz"
SECONDS_EACH: Final = 600


def main() -> int:
    """Fuzz as the arguments say; return 1 when something else than a refusal came out."""
    if len(sys.argv) > 1:
        return _one(sys.argv[1], sys.argv[2:])
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - a target's own process imports it instrumented

    while True:
        for name in TARGETS:
            found = FOUND / name
            found.mkdir(parents=True, exist_ok=True)
            limits = [f"-max_total_time={SECONDS_EACH}", "-max_len=20000", f"-artifact_prefix={found}-"]
            done = subprocess.run([sys.executable, "-m", "tests.fuzz", name, *limits, str(found)], check=False)
            if done.returncode:
                sys.stderr.write(f"{found}-* holds what did it; move it to {SEEDS / name} when it is mended\n")
                return 1


def _one(name: str, options: list[str]) -> int:
    if atheris is None:
        return _blindly(name, options)
    with atheris.instrument_imports(include=["vestibule.saml"]):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - imported where it is instrumented
    # The first folder is where libFuzzer writes what it finds; the seeds that are kept are only read.
    atheris.Setup(["fuzz", *options, str(SEEDS / name)], TARGETS[name])
    atheris.Fuzz()
    return 0


def _blindly(name: str, options: list[str]) -> int:
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - as above

    runs = next((int(found[1]) for each in options if (found := re.fullmatch(r"-runs=(\d+)", each))), 1_000_000)
    chance = random.Random(1)  # noqa: S311 - the same run each time is wanted
    seeds = [path.read_bytes() for path in sorted((SEEDS / name).iterdir())]
    for _ in range(runs):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randrange(8)):
            at = chance.randrange(len(data) + 1)
            data[at : at + chance.randrange(4)] = chance.randbytes(chance.randrange(4))
        TARGETS[name](bytes(data))
    sys.stdout.write(f"Done {runs} runs, blindly\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
