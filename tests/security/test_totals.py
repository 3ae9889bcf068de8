"""Totals that are remembered are what a count says, whatever happened in between, and whoever did it."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection, transaction
from django.utils import timezone

from entities.models import Company, Team
from entities.registry import registry, table_name
from security import gate, totals
from security.grants import GRANTS
from tests.security.people import access, company, profile, right, territory, user

if TYPE_CHECKING:
    from collections.abc import Callable

    from entities.models import User

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
COMPANY = registry()["Company"]
SCOPES = ("created_by", "assigned", "team", "home", "everywhere", "created_by assigned team home", "")


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the counts that are made, which grow with each."""
    made: list[str] = []
    counting = totals._counting

    def watched(*given: Any) -> Any:
        made.append("counted")
        return counting(*given)

    monkeypatch.setattr(totals, "_counting", watched)
    return made


class World:
    """Users of every scope, and what can happen to companies."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.places = [territory(f"Place {n}", n, n) for n in (900_001, 900_002)]
        self.teams = [Team.objects.create(description=f"Team {n}") for n in range(2)]
        self.profiles = [profile(f"Totals {scopes}") for scopes in SCOPES]
        for group, scopes in zip(self.profiles, SCOPES, strict=True):
            for scope in scopes.split():
                right(group, "Company", scope=scope)
        self.people = [
            user(f"teller-{n}", group, teams=(self.teams[0],), home_territory=self.places[0])
            for n, group in enumerate(self.profiles)
        ]
        self.keys = [company(f"Company {n}", **self.place()).pk for n in range(12)]
        self.view = Permission.objects.get(codename="view_company")

    def place(self) -> dict[str, Any]:
        """Return security columns, by chance."""
        dice = self.dice
        return {
            "territory": dice.choice([*self.places, None]),
            "team": dice.choice([*self.teams, None]),
            "primary_user": dice.choice([*self.people, None]),
            "created_by": dice.choice([*self.people, None]),
        }

    def happen(self) -> None:
        """Let something happen to companies or to grants, by chance."""
        dice, some = self.dice, Company.objects.filter(pk=self.dice.choice(self.keys))
        users, groups = GRANTS["Company"]
        row: dict[str, Any] = {"permission": self.view, "content_object_id": dice.choice(self.keys)}
        events: list[Callable[[], object]] = [
            lambda: company("New", **self.place()),
            lambda: Company.objects.bulk_create([Company(name="Many", **self.place()) for _ in range(3)]),
            lambda: some.update(**self.place()),
            lambda: Company.objects.update(team=dice.choice(self.teams)),
            lambda: some.update(name="Renamed"),
            lambda: some.update(deleted_at=timezone.now()),
            lambda: Company.objects.filter(name__startswith="Company").update(deleted_at=None),
            lambda: Company.objects.filter(name="Many").delete(),
            lambda: users._default_manager.get_or_create(user=dice.choice(self.people), **row),
            lambda: groups._default_manager.get_or_create(group=dice.choice(self.profiles).group, **row),
            lambda: users._default_manager.filter(content_object_id=row["content_object_id"]).delete(),
        ]
        dice.choice(events)()


def told(who: User) -> int:
    """Return the total that ``who`` is told, once it is known to be the number of rows there are."""
    found = totals.total(access(who), COMPANY)
    assert found == gate.rows(access(who), COMPANY).count(), who.logon
    return found


@pytest.mark.parametrize("seed", range(3))
def test_a_total_is_what_a_count_says_after_whatever_happens(seed: int, counts: list[str]) -> None:
    world = World(seed)
    for who in world.people:
        told(who)
    begun = len(counts)
    for _ in range(60):
        with transaction.atomic():
            for _ in range(world.dice.randint(1, 3)):
                world.happen()
            if world.dice.random() < 0.2:
                transaction.set_rollback(True)
        for who in world.dice.sample(world.people, 3):
            told(who)
    asked = 60 * 3
    assert len(counts) - begun < asked * 0.7  # grants that concern the caller make it count again, nothing else does


def test_what_others_have_not_finished_counts_once_they_have(counts: list[str]) -> None:
    """A transaction that began before a count and ends after it is neither missed nor counted twice."""
    world = World(1)
    everywhere = world.people[4]
    before = told(everywhere)
    written, counted, failures = threading.Event(), threading.Event(), list[Exception]()

    def write() -> None:
        try:
            with transaction.atomic():
                company("Slow", **world.place())
                written.set()
                assert counted.wait(20)
        except Exception as failure:  # told to the thread that waits
            failures.append(failure)
        finally:
            written.set()
            connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    assert written.wait(20)
    company("Quick", **world.place())
    assert told(everywhere) == before + 1
    counted.set()
    thread.join(20)
    assert not failures
    assert told(everywhere) == before + 2
    assert told(everywhere) == before + 2
    assert len(counts) == 1


def test_everything_taken_away_at_once_is_noticed() -> None:
    world = World(2)
    assert told(world.people[4]) > 0
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE entities_company CASCADE")
    assert told(world.people[4]) == 0


def test_within_a_transaction_of_ones_own_it_is_counted(counts: list[str]) -> None:
    world = World(3)
    before = told(world.people[4])
    with transaction.atomic():
        company("Mine", **world.place())
        assert told(world.people[4]) == before + 1
        transaction.set_rollback(True)
    assert told(world.people[4]) == before
    assert len(counts) == 2


def test_a_kind_whose_changes_nobody_notes_is_counted_each_time(
    counts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(4)
    monkeypatch.setattr(totals, "noted", lambda entity: None)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE entities_company DISABLE TRIGGER USER")
    try:
        before = told(world.people[4])
        company("Unnoted", **world.place())
        assert told(world.people[4]) == before + 1
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE entities_company ENABLE TRIGGER USER")
    assert len(counts) == 2


def test_every_kind_with_places_of_its_own_is_watched() -> None:
    for entity in registry():
        if entity.has_own_rights and entity.has_territory:
            assert totals.noted(entity) is not None, entity.kind


def test_notes_of_another_cluster_are_passed_over() -> None:
    """A dump brings notes with the numbers of transactions that are still to come here."""
    world = World(5)
    before = told(world.people[4])
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO security_rowchange (xid, kind, key, after) VALUES"
            " ((pg_current_xact_id()::text::bigint + 1000000)::text::xid8, 'Company', 1, '{1,1,1,1}')"
        )
    assert [told(world.people[4]) for _ in range(3)] == [before] * 3


@pytest.mark.django_db
def test_what_is_noted_are_the_columns_that_rights_are_about() -> None:
    for entity in registry():
        if not (entity.has_own_rights and entity.has_territory):
            continue
        columns = ("territory_id", f"{entity.assigned}_id", "team_id", "created_by_id")
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_get_functiondef(%s::regproc)", [f"{table_name(entity.model)}_noted"])
            (definition,) = cursor.fetchone()
        for row in ("r", "OLD", "NEW"):
            assert f"ARRAY[{', '.join(f'{row}.{column}' for column in columns)}]" in definition, entity.kind
