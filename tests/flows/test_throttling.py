"""Attempts at passwords and links: who is slowed down by whose, and that nobody is locked out from one place alone."""

from __future__ import annotations

import pytest
from sqlalchemy import event, select

from tests.support import sign_ins
from tests.support.house import PASSWORD, House, TestClock, furnish, make_runtime
from vestibule.flows import admin_sign_in, sign_in, sign_in_links
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.people import hand_out_link
from vestibule.flows.parts.throttling import (
    PASSWORD_PER_ACCOUNT,
    PASSWORD_PER_ACCOUNT_AND_ADDRESS,
    PASSWORD_PER_ADDRESS,
    count_password_attempt,
)
from vestibule.kernel.errors import Throttled
from vestibule.storage.tables import one_time_links


def count(house: House, address: str, account: str = "ada@example.com") -> bool:
    """Count an attempt, and say whether it may be judged."""
    try:
        count_password_attempt(house.runtime, visitor(address), account)
    except Throttled:
        return False
    return True


def visitor(address: str) -> Visitor:
    return Visitor(address, "a test", "request-1")


def test_attempts_from_one_address_lock_nobody_out_elsewhere(house: House) -> None:
    judged = 0
    for _ in range(4):
        judged += sum(count(house, "198.51.100.1") for _ in range(30))
        assert count(house, "192.0.2.7")
        house.clock.advance(minutes=15)
    assert judged == 4 * PASSWORD_PER_ACCOUNT_AND_ADDRESS.attempts


def test_many_addresses_together_have_few_attempts_at_one_account(house: House) -> None:
    judged = [count(house, f"198.51.100.{number}") for number in range(PASSWORD_PER_ACCOUNT.attempts + 5)]
    assert judged == [True] * PASSWORD_PER_ACCOUNT.attempts + [False] * 5


def test_all_addresses_of_one_ipv6_network_count_as_one(house: House) -> None:
    limit = PASSWORD_PER_ACCOUNT_AND_ADDRESS.attempts
    assert [count(house, f"2001:db8:0:1::{number:x}") for number in range(limit + 1)] == [True] * limit + [False]
    left = PASSWORD_PER_ADDRESS.attempts - limit - 1
    sprayed = [count(house, f"2001:db8:0:1:{number:x}::", f"p{number}@example.com") for number in range(left + 1)]
    assert sprayed == [True] * left + [False]
    assert count(house, "2001:db8:0:2::1")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("a socket", "a socket"),
    ],
)
def test_a_visitors_network_is_the_address_or_the_ipv6_subscribers_prefix(address: str, network: str) -> None:
    assert visitor(address).network == network


def test_both_doors_start_the_count_over_at_the_right_password(house: House) -> None:
    sign_ins.add_person(house, "ada@example.com", password=PASSWORD)
    accounts = ("admin ada@example.com", f"end user {house.workspace.id} ada@example.com")
    for account in accounts:
        for _ in range(PASSWORD_PER_ACCOUNT_AND_ADDRESS.attempts - 1):
            assert count(house, "192.0.2.7", account)
    here = visitor("192.0.2.7")
    admin_sign_in.sign_in_with_password(house.runtime, here, "ada@example.com", PASSWORD)
    sign_in.sign_in_with_password(
        house.runtime, here, "dev", "ada@example.com", PASSWORD, return_to="/e/dev/", earlier=""
    )
    for account in accounts:
        assert all(count(house, "192.0.2.7", account) for _ in range(PASSWORD_PER_ACCOUNT_AND_ADDRESS.attempts))
        assert not count(house, "192.0.2.7", account)


def test_a_wrong_password_of_an_admin_and_of_nobody_cost_as_many_writes(house: House) -> None:
    statements = list[str]()
    event.listen(house.runtime.database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    costs = []
    for email in ("ada@example.com", "nobody@example.com"):
        statements.clear()
        with pytest.raises(admin_sign_in.WrongCredentials):
            admin_sign_in.sign_in_with_password(house.runtime, visitor("192.0.2.7"), email, "wrong")
        costs.append([one.split()[0] for one in statements])
    assert costs[0] == costs[1]


def test_a_stranger_who_asks_for_a_reset_makes_no_invitation_worthless(database_url: str, clock: TestClock) -> None:
    runtime = make_runtime(database_url, clock, mail_enabled=True)
    house = furnish(runtime, clock)
    person = sign_ins.add_person(house, "grace@example.com")
    with runtime.database.transaction() as tx:
        hand_out_link(tx, runtime, house.owner, person)
    for _ in range(2):
        sign_in_links.request_reset(runtime, visitor("198.51.100.1"), "dev", "grace@example.com")
    with runtime.database.reading() as tx:
        kept = sorted(tx.execute(select(one_time_links.c.purpose)).scalars())
    assert kept == ["end_user_invitation", "end_user_reset"]
    runtime.database.close()
