"""What a page and an entry cost: the same number of statements, whoever asks for however much (contract.md §7.3)."""

from __future__ import annotations

import pytest

from entities.registry import registry
from tests.api.twins import keys
from tests.api.wire import LOGONS, at, login, statements


@pytest.mark.parametrize("kind", [entity.kind for entity in registry()])
def test_40_a_page_costs_the_same_for_everybody(kind: str) -> None:
    costs: set[int] = set()
    for logon in LOGONS[:-1]:
        wire = login(logon)
        if wire.get(kind).status == 200 and wire.keys(kind):
            for count in (10, 100):
                wire.entry(kind, count=count)  # titles of users, teams and territories are remembered
                with statements() as sent:
                    wire.entry(kind, count=count)
                costs.add(len(sent))
    # the caller with the policy's version and grants, total, rows with their flags and the titles of what they refer to
    assert costs == {3}


@pytest.mark.parametrize("logon", LOGONS[:-1])
def test_40_an_entry_costs_the_same_for_everybody(logon: str) -> None:
    wire = login(logon)
    for kind in ("Company", "Person", "Users"):
        path = at(kind, keys(logon, kind)[0])
        wire.get(path)
        with statements() as sent:
            assert wire.get(path).status == 200
        assert len(sent) == 2, (kind, sent)
        with statements() as missing:
            assert wire.get(at(kind, 999999999)).status == 404
        assert len(missing) == 2


def test_40_a_page_with_relations_costs_the_same_whatever_its_size() -> None:
    william = login("william")

    def included(count: int) -> int:
        with statements() as sent:
            william.entry("company", count=count, include="person,address,phoneCollection")
        return len(sent)

    included(50)  # titles of users, teams and territories are remembered
    assert included(5) == included(50)
