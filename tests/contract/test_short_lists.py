"""Pages whose keys are remembered are the pages that the database finds, whatever happened in between."""

from __future__ import annotations

import threading
from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.test import Client

from entities.models import Company
from entities.registry import table_name
from security import shortlists
from security.grants import GRANTS
from security.holders import summarise_anew
from security.plan import access_for
from tests.security.people import company
from tests.security.test_totals import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from entities.models import User

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
ORDERS = ("", "comp_name", "comp_name desc", "comp_companyid desc")
PASSWORD = "one-two-three-four"


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return what is found out of remembered lists: whether each still held."""
    found: list[bool] = []
    told = shortlists.holds

    def spied(*given: Any) -> bool:
        found.append(told(*given))
        return found[-1]

    monkeypatch.setattr(shortlists, "holds", spied)
    monkeypatch.setattr(shortlists, "WORTH", 0.0)  # so few rows as here are not worth it
    return found


@pytest.fixture
def world() -> World:
    """A world whose people can log in."""
    made = World(7)
    for who in made.people:
        who.password = make_password(PASSWORD)
        who.save()
    return made


def ask(who: User, path: str) -> Any:
    """Return the answer to GET."""
    credentials = b64encode(f"{who.logon}:{PASSWORD}".encode()).decode()
    answer = Client(SERVER_NAME="localhost", headers={"Authorization": f"Basic {credentials}"}).get(path)
    return answer.json() if answer.status_code == 200 else answer.status_code


def walk(who: User, order: str, count: int) -> list[Any]:
    """Return the pages of a walk by ``$next``, without the cursors, which are random."""
    asked = {"count": count, "totals": "none"} | ({"orderBy": order} if order else {})
    path: str | None = f"/sdata/crmj/sagecrm2/-/Company?{urlencode(asked)}"
    pages = []
    while path:
        found = ask(who, path)
        if isinstance(found, int):
            return [found]
        pages.append([found["$resources"], found["$startIndex"]])
        following = found["$links"].get("$next")
        path = following["$url"].removeprefix("http://localhost") if following else None
    return pages


def test_a_walk_is_the_same_with_and_without_memory(
    world: World, held: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(who: User, order: str) -> list[Any]:
        mine = walk(who, order, 4)
        with monkeypatch.context() as patch:
            patch.setattr(shortlists, "suits", lambda *given: False)
            assert walk(who, order, 4) == mine, (who.logon, order)
        return mine

    seen: set[str] = set()
    for turn in range(30):
        with transaction.atomic():
            for _ in range(world.dice.randint(0, 2)):
                world.happen()
        who, order = world.dice.choice(world.people), world.dice.choice(ORDERS)
        for _ in range(2):
            seen.add(str(found(who, order)))
        if turn == 15:
            Company.objects.filter(pk=world.keys[0]).update(name="Zzz, renamed")
    assert len(seen) > 15
    assert held.count(True) > len(held) / 2
    assert not all(held)


def test_what_is_renamed_deleted_or_created_moves(world: World, held: list[bool]) -> None:
    who = world.people[0]  # who sees what they created
    one, two, three = (company(f"Mine {n}", created_by=who) for n in (1, 2, 3))
    Company.objects.filter(created_by=who).exclude(pk__in=[one.pk, two.pk, three.pk]).update(created_by=None)

    def names() -> list[str]:
        return [row["Comp_Name"] for page in walk(who, "comp_name", 2) for row in page[0]]

    assert names() == names() == ["Mine 1", "Mine 2", "Mine 3"]
    acts: list[tuple[Callable[[], Any], list[str]]] = [
        (lambda: Company.objects.filter(pk=one.pk).update(name="Mine 9"), ["Mine 2", "Mine 3", "Mine 9"]),
        (lambda: Company.objects.filter(pk=two.pk).update(created_by=None), ["Mine 3", "Mine 9"]),
        (lambda: company("Mine 4", created_by=who), ["Mine 3", "Mine 4", "Mine 9"]),
        (lambda: Company.objects.filter(pk=three.pk).delete(), ["Mine 4", "Mine 9"]),
    ]
    for act, expected in acts:
        act()
        assert held[-1] is True
        assert names() == expected
        assert names() == expected


def test_a_walk_goes_on_after_what_its_last_record_was(world: World, held: list[bool]) -> None:
    """A cursor is a place in the order: a record that was renamed between two pages takes nobody along."""
    who = world.people[0]
    Company.objects.all().update(created_by=None)
    made = [company(f"Mine {n}", created_by=who) for n in range(10)]
    path = f"/sdata/crmj/sagecrm2/-/Company?{urlencode({'count': 3, 'orderBy': 'comp_name'})}"

    def names(answer: Any) -> list[str]:
        return [row["Comp_Name"] for row in answer["$resources"]]

    first = ask(who, path)
    following = first["$links"]["$next"]["$url"].removeprefix("http://localhost")
    assert names(ask(who, following)) == ["Mine 3", "Mine 4", "Mine 5"]
    for name in ("Mine 75", "Mine 0 a", "Mine 2"):
        Company.objects.filter(pk=made[2].pk).update(name=name)
        for _ in range(2):  # somebody reads the list again
            ask(who, path)
            assert names(ask(who, following)) == ["Mine 3", "Mine 4", "Mine 5"], name
    made[2].delete()
    for _ in range(2):
        ask(who, path)
        assert names(ask(who, following)) == ["Mine 3", "Mine 4", "Mine 5"]


def test_an_order_is_remembered_once_however_it_is_spelt(world: World, held: list[bool]) -> None:
    who = world.people[0]
    company("Mine 1", created_by=who)
    for order in ("comp_name", "COMP_NAME", "Comp_Name asc", "comp_name,comp_name desc", "comp_name,comp_companyid"):
        walk(who, order, 50)
    lists = [key for key, _ in access_for(who.pk, external=True).memo[shortlists.keys].items()]
    assert len(lists) == 1


def test_grants_that_are_gone_without_a_trigger_leave_an_empty_list(world: World, held: list[bool]) -> None:
    """The summary of holders still names one, as after a load with triggers off."""
    who, row = world.people[-1], company("Granted")
    users = GRANTS["Company"][0]
    users._default_manager.create(user=who, permission=world.view, content_object=row)
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table_name(users)} DISABLE TRIGGER USER")
        cursor.execute(f"DELETE FROM {table_name(users)}")
        cursor.execute(f"ALTER TABLE {table_name(users)} ENABLE TRIGGER USER")
    assert walk(who, "comp_name", 5) == [[[], 1]]
    summarise_anew()
    assert walk(who, "comp_name", 5) == [404]


def test_a_change_that_is_committed_late_is_not_missed(world: World, held: list[bool]) -> None:
    """It began before the list was read, and ends after it."""
    who = world.people[0]
    Company.objects.all().update(created_by=None)
    mine = company("Mine 1", created_by=who)
    renamed, asked = threading.Event(), threading.Event()

    def rename() -> None:
        try:
            with transaction.atomic():
                Company.objects.filter(pk=mine.pk).update(name="Mine 2", created_by=None)
                company("Other", created_by=who)
                renamed.set()
                assert asked.wait(20)
        finally:
            connection.close()

    other = threading.Thread(target=rename)
    other.start()
    assert renamed.wait(20)
    for _ in range(3):
        assert [row["Comp_Name"] for row in walk(who, "comp_name", 5)[0][0]] == ["Mine 1"]
    asked.set()
    other.join()
    assert [row["Comp_Name"] for row in walk(who, "comp_name", 5)[0][0]] == ["Other"]
    assert held[-1] is False


def test_changes_of_others_do_not_end_a_list(world: World, held: list[bool]) -> None:
    who = world.people[0]
    mine = company("Mine 1", created_by=who)
    walk(who, "comp_name", 50)
    begun = len(held)
    for number in range(5):
        company(f"Theirs {number}")
        Company.objects.exclude(created_by=who).update(name="Renamed")
        Company.objects.filter(pk=mine.pk).update(web_site=f"{number}.example")  # orders nothing
        found = walk(who, "comp_name", 50)[0][0]
        assert next(row for row in found if row["$key"] == mine.pk)["Comp_WebSite"] == f"{number}.example"
    assert held[begun:] == [True] * 5


def test_other_orders_and_conditions_are_found_anew(world: World, held: list[bool]) -> None:
    who = world.people[0]
    company("Mine 1", created_by=who)
    for order in ("comp_createddate", "comp_source,comp_name", "PrimaryUser.User_LastName"):
        walk(who, order, 50)
    ask(who, "/sdata/crmj/sagecrm2/-/Company?where=comp_name+like+'Mine%25'")
    assert not held
