"""Two worlds that differ only in what a user cannot see give that user the same bytes (contract.md §23, number 57).

``crm.proof`` makes the worlds and the requests; a reduced run for everybody here, 20,000 requests each with
PARAPET_DEEP=1. Planted leaks show that it would find one.
"""

from __future__ import annotations

import os
import random
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import TextField, Value

from api import entries, etags, feeds
from crm.proof import prove
from crm.proof.caller import Asked, Caller
from crm.proof.changing import Difference, differences, unseen
from crm.proof.hidden import kinds, rights, sight_of
from crm.proof.shrinking import fewest, smallest
from crm.proof.still import Keys, held_still
from crm.proof.worlds import _Proof, undone
from entities.models import Company, User
from entities.registry import registry
from security import plan, reading
from security.gate import system_rows
from security.models import PolicyVersion, Token
from security.statements import part
from tests.api.twins import keys
from tests.api.wire import BASE, LOGONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEEP = os.environ.get("PARAPET_DEEP", "") == "1"
REQUESTS = 20_000 if DEEP else 60


def key_of(logon: str) -> int:
    """Return a demo user's key."""
    return system_rows(User).get(logon=logon).pk


@pytest.mark.timeout(7200 if DEEP else 600)
@pytest.mark.parametrize("logon", LOGONS)
def test_57_two_worlds_that_differ_in_what_is_hidden_answer_alike(logon: str) -> None:
    outcome = prove(logon, REQUESTS, seed=LOGONS.index(logon))
    assert outcome.leak is None, outcome.leak
    assert outcome.requests == REQUESTS
    assert outcome.statuses.get(200, 0) > REQUESTS // 10 or logon == "nora"
    assert outcome.changes > 50 or logon in ("admin", "ian")


def test_57_the_requests_are_of_every_kind_verb_and_channel() -> None:
    with undone():
        caller = Caller(system_rows(User).get(logon="peter"), Keys())
        asker = asker_of("peter", caller)
        every = list(asker.every())
    assert {asked.method for asked in every} == {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}
    asked_for = {name for asked in every for name in asked.path.partition("?")[2].replace("&", "=").split("=")[::2]}
    assert {"where", "orderBy", "select", "include", "count", "startIndex", "after", "totals", "labels"} <= asked_for
    assert {"query", "action", "field", "user", "term", "q", "o"} <= asked_for
    assert {"If-Match", "If-None-Match", "Prefer", "Idempotency-Key"} <= {n for one in every for n, _ in one.headers}
    for path in (
        "/$batch",
        "/$query",
        "/$explain",
        "$service/quickFind",
        "/sagecrm/",
        "$prototypes/",
        "/admin/",
        "/docs/",
    ):
        assert any(path in asked.path for asked in every), path
    for entity in registry():
        assert any(f"/{entity.kind}" in asked.path for asked in every), entity.kind


def asker_of(logon: str, caller: Caller) -> Any:
    """Return what makes the requests of a member of staff."""
    return _Proof(system_rows(User).get(logon=logon), caller, 1, lambda _: None)._asker()


def test_57_the_other_world_differs_in_all_that_is_hidden_and_in_nothing_that_is_seen() -> None:
    user = key_of("olivia")
    sight, before = sight_of(user, random.Random(1)), rights(user)
    hidden = {field.wire for entity in kinds() if sight.visible[entity.kind] for field in sight.hidden(entity)}
    assert {"Comp_Revenue", "Comp_Employees", "Oppo_Forecast", "Oppo_Certainty"} <= hidden
    assert not hidden & {"Comp_Name", "Comp_Status", "Pers_LastName"}
    assert not set(sight.invisible["Company"]) & set(keys("olivia", "Company"))
    made = unseen(user, differences(sight, random.Random(1)), before)
    assert {one.what for one in made} >= {"hidden", "invisible", "deletion", "copy", "grant", "edit"}
    assert {one.kind for one in made} >= {"Company", "Person", "Opportunity", "Cases", "Quotes", "Phone", "Address"}
    assert rights(user) == before


def test_57_a_change_of_what_is_seen_is_no_part_of_the_other_world() -> None:
    """A change that takes a row from the user, and one that gives one, are left out; what stands beside them stays."""
    user, mine = key_of("olivia"), keys("olivia", "Company")
    other = next(key for key in keys("admin", "Company") if key not in mine)
    fine = Difference("hidden", "Company", mine, "revenue", "zzzz")
    gone = Difference("deletion", "Company", mine[:1])
    given = Difference("invisible", "Company", (other,), "primary_user", user)
    assert unseen(user, [gone, fine, given], rights(user)) == [fine]


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """What was worked out while a leak was planted is gone when it is, and the other way round."""
    plan._policies.clear()
    yield
    plan._policies.clear()


# Leaks, planted: who notices, and what is broken.
def total_of_all(patch: pytest.MonkeyPatch) -> None:
    """The total counts what nobody showed."""
    told = feeds.page_of

    def broken(access: Any, entity: Any, *rest: Any, **options: Any) -> Any:
        page = told(access, entity, *rest, **options)
        return replace(page, total=system_rows(entity.model).count()) if page.total is not None else page

    patch.setattr(feeds, "page_of", broken)


def tag_of_everything(patch: pytest.MonkeyPatch) -> None:
    """The entity tag is made of hidden columns, too."""
    told = etags.tagger

    def broken(fingerprint: str) -> Callable[[int, list[Any]], str]:
        tag = told(fingerprint)

        def of_more(key: int, values: list[Any]) -> str:
            return tag(key, [*values, system_rows(Company).filter(pk=key).values_list("revenue", flat=True).first()])

        return of_more

    patch.setattr(entries, "tagger", broken)


def references_as_stored(patch: pytest.MonkeyPatch) -> None:
    """A reference tells its key although its record is invisible."""

    def broken(access: Any, kind: str) -> str:
        every = system_rows(registry()[kind].model).annotate(_shown=Value("its title", output_field=TextField()))
        return part(every.order_by().values_list("pk", "_shown")).sql

    patch.setattr(reading, "_titles", broken)


LEAKS: dict[str, tuple[str, Callable[[pytest.MonkeyPatch], None]]] = {
    "a total": ("olivia", total_of_all),
    "a reference": ("olivia", references_as_stored),
}


@pytest.mark.parametrize(("logon", "plant"), LEAKS.values(), ids=LEAKS)
def test_57_a_planted_leak_is_found(
    logon: str, plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    outcome = prove(logon, 200, seed=1)
    assert outcome.leak is not None
    assert len(outcome.leak.changes) == 1


def test_57_the_command_names_request_change_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    tag_of_everything(monkeypatch)
    with pytest.raises(CommandError) as found:
        call_command("prove_no_leak", user="olivia", requests=200, seed=1, stderr=StringIO())
    text = str(found.value)
    assert "LEAK: olivia can tell two worlds apart" in text
    assert "  request  GET /sdata/crmj/sagecrm2/-/" in text
    assert "differ in 1 of " in text
    assert "Comp_Revenue, which is hidden, becomes" in text
    assert " ≠ " in text
    assert "manage.py prove_no_leak --user olivia --requests 200 --seed 1" in text


def test_57_the_command_says_what_was_proved_and_stores_nothing() -> None:
    tables = (Token, PolicyVersion, User, Company)
    before = [list(table._default_manager.order_by("pk").values_list()) for table in tables]
    said = StringIO()
    call_command("prove_no_leak", user="olivia", requests=20, stdout=said, stderr=StringIO())
    assert "20 requests of olivia" in said.getvalue()
    assert "every byte equal" in said.getvalue()
    assert [list(table._default_manager.order_by("pk").values_list()) for table in tables] == before


@pytest.mark.parametrize(
    ("options", "said"), [({"user": "nosuch"}, "no user"), ({"user": "olivia", "requests": 0}, "from 1")]
)
def test_57_the_command_refuses_what_it_cannot_prove(options: dict[str, Any], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("prove_no_leak", **options, stderr=StringIO())


def test_57_a_counterexample_is_made_small() -> None:
    """Of twenty changes of many records two rows are left, of the request what is needed."""
    made = [Difference("hidden", "Company", tuple(range(30)), "revenue", number) for number in range(20)]

    def tells(asked: Asked, changes: Any) -> bool:
        rows = {(one.value, key) for one in changes for key in one.keys}
        return {(3, 7), (11, 29)} <= rows and "where=a" in asked.path

    asked = Asked("GET", f"{BASE}/Company?count=3&where=a&labels=true", headers=(("If-None-Match", "*"),), then="next")
    small, few = smallest(asked, made, tells)
    assert small == Asked("GET", f"{BASE}/Company?where=a")
    assert [(one.value, one.keys) for one in few] == [(3, (7,)), (11, (29,))]
    assert fewest(made, lambda some: made[4] in some) == [made[4]]


def test_57_random_worlds_are_the_same_for_the_same_seed() -> None:
    user = key_of("olivia")
    sight = sight_of(user, random.Random(1))
    with held_still(Keys()):
        assert differences(sight, random.Random(5)) == differences(sight, random.Random(5))
        assert differences(sight, random.Random(5)) != differences(sight, random.Random(6))
