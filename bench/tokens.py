"""The part `tokens` of a run: what an app's requests cost, the exchange of a code beside a peer's, and a whole sign-in to an app."""

from __future__ import annotations

from typing import Final

from bench import apps
from bench.ground import ENGINES, Ground
from bench.peers import PeerMissingError, PeerRate, jackson
from bench.sign_ins import CLIENTS
from bench.tables import Plan, Target, at_least, console, not_measured, table

LEAST_JACKSON: Final = 3
_PEER: Final = "saml-jackson, PostgreSQL in memory: code"


def tokens(where: Ground, plan: Plan) -> list[Target]:
    """Show what tokens cost here and at the peer, and what a whole sign-in to an app asks of server and database."""
    statements = {}
    for engine in ENGINES:
        with where.database(engine, "memory") as url:
            statements[engine] = apps.count_statements(url)
    shown = table(f"What an app asks, one core, {CLIENTS} connections", "per second", "CPU ms", "statements")
    ours: dict[str, PeerRate] = {}
    for engine in ENGINES:
        console.print(f"… {engine}")
        ours = apps.measure(where, engine, plan.sign_ins)
        for name, one in ours.items():
            asked = str(statements[engine][name][1])
            shown.add_row(f"{engine}, {name}", f"{one.per_second:,.0f}", f"{one.cpu_ms:.2f}", asked)
    targets = []
    promise = "codes exchanged for tokens, PostgreSQL beside saml-jackson"
    console.print(f"… {_PEER}")
    try:
        theirs = jackson.measure_tokens(where, plan.slow_sign_ins, CLIENTS)
    except PeerMissingError as missing:
        targets.append(not_measured(promise, missing))
    else:
        shown.add_row(_PEER, f"{theirs.per_second:,.0f}", f"{theirs.cpu_ms:.2f}", "")
        by_rate = ours["code"].per_second / theirs.per_second
        targets.append(at_least(f"{promise}, times by CPU", theirs.cpu_ms / ours["code"].cpu_ms, LEAST_JACKSON))
        targets.append(at_least(f"{promise}, times by rate", by_rate, LEAST_JACKSON))
    console.print(shown)
    console.print(f"Each ID token is signed with RS256, for a person in {apps.GROUPS} groups.\n")
    shown = table("From the app's link to userinfo", "requests", "CPU ms", "statements")
    for engine in ENGINES:
        cost_ms = apps.measure_whole(where, engine, plan.slow_sign_ins // 5)
        requests, count = statements[engine]["whole sign-in"]
        shown.add_row(engine, str(requests), f"{cost_ms:.1f}", str(count))
    console.print(shown, "")
    return targets
