"""What is worked out once for an access: bounded, shared by threads, gone with the policy."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from security import access as accesses
from security import plan
from security.access import remembered
from tests.security.people import access, company, profile, right, user

if TYPE_CHECKING:
    from security.plan import Access

pytestmark = pytest.mark.django_db


def test_threads_share_what_is_remembered_and_make_place_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accesses, "REMEMBERED", 3)
    told = access(user("reader"))

    def ask(number: int) -> int:
        return remembered(told, ask, number % 7, lambda: number % 7)

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(ask, range(4_000)))
    assert found == [number % 7 for number in range(4_000)]
    assert len(told.memo[ask]) == 3


def test_what_followed_from_an_earlier_policy_is_let_go() -> None:
    group = profile("Sellers")
    who = user("seller", group)
    seen: list[Access] = []
    for scope in ("created_by", "assigned", "everywhere"):
        right(group, "Company", scope=scope)
        company()
        seen.append(access(who))
        assert access(who) is seen[-1]
    assert len({id(one) for one in seen}) == 3
    assert list(plan._policies[who.pk].accesses.values()) == seen[-1:]


def test_the_policies_of_the_latest_users_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "_CACHED_USERS", 3)
    plan._policies.clear()
    people = [user(f"reader-{n}") for n in range(6)]
    for count, who in enumerate(people, 1):
        access(who)
        assert list(plan._policies) == [one.pk for one in people[max(0, count - 3) : count]]
    plan._policies.clear()
