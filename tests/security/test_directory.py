"""Titles of users, teams and territories are remembered, and never for longer than they are true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from entities.models import Team, Territory, User
from entities.registry import registry, table_name
from security import directory, gate
from security.plan import policy_version
from tests.owner import owning
from tests.security.people import access, profile, right, rule, territory, user

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

    from security.plan import Access

pytestmark = pytest.mark.django_db

MODELS: dict[str, type[Any]] = {"Users": User, "Channel": Team, "Territories": Territory}


def titles(told: Access, kind: str, *keys: int) -> list[str | None]:
    """What is remembered, or found, of these records."""
    found = directory.titles(told, {kind: set(keys)})[kind]
    return [found[key] for key in keys]


@pytest.fixture
def reader() -> User:
    """Somebody who sees the directory as every profile does."""
    return user("reader", profile("Readers"))


def records() -> dict[str, Any]:
    """Return one record of each kind."""
    return {
        "Users": user("named", first_name="Ann"),
        "Channel": Team.objects.create(description="Blue"),
        "Territories": territory("North", 1, 2),
    }


@pytest.mark.parametrize("kind", directory.KINDS)
def test_all_that_a_title_is_made_of_moves_the_version(kind: str, reader: User) -> None:
    entity, record = registry()[kind], records()[kind]
    columns = [*(entity.by_name[name].column for name in entity.title), "deleted_at", "id"]
    assert len(columns) > 2
    for column in columns:
        with owning(), connection.cursor() as cursor:
            before = policy_version()
            cursor.execute(f"UPDATE {table_name(entity.model)} SET {column} = {column} WHERE id = %s", [record.pk])
        assert policy_version() != before, column


@pytest.mark.parametrize("kind", directory.KINDS)
def test_what_the_contract_writes_is_not_remembered(kind: str) -> None:
    assert registry()[kind].read_only


@pytest.mark.parametrize("kind", directory.KINDS)
def test_a_title_is_asked_for_once_and_told_as_it_is(
    kind: str, reader: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    record = records()[kind]
    (name,) = [name for name in registry()[kind].title if name != "first_name"]
    told = access(reader)
    assert kind in directory.remembered_kinds(told)
    first = titles(told, kind, record.pk, 999_999)
    assert first == [gate.titles(told, {kind: {record.pk}})[kind, record.pk], None]
    with django_assert_num_queries(0):
        assert titles(told, kind, record.pk, 999_999) == first
        assert kind in directory.remembered_kinds(told)
    setattr(record, name, "Renamed")
    record.save()
    assert "Renamed" in str(titles(access(reader), kind, record.pk)[0])
    MODELS[kind].objects.filter(pk=record.pk).update(deleted_at=timezone.now())
    assert titles(access(reader), kind, record.pk) == [None]


def test_nobody_is_told_what_another_may_read(reader: User) -> None:
    other = user("other", profile("Others"))
    rule("User_LastName", kind="Users", user=other, read=False)
    named = user("ann", first_name="Ann")
    assert titles(access(reader), "Users", named.pk) == ["Ann Ann"]
    assert titles(access(other), "Users", named.pk) == ["Ann"]


def test_what_is_seen_in_part_is_looked_up_with_the_page(reader: User) -> None:
    some = profile("Some")
    some.rights.filter(entity="Territories").delete()
    right(some, "Territories", scope="created_by")
    none = profile("None")
    none.rights.filter(entity="Users").delete()
    assert directory.remembered_kinds(access(user("partly", some))) == {"Users", "Channel"}
    assert directory.remembered_kinds(access(user("blind", none))) == {"Channel", "Territories"}
    assert directory.remembered_kinds(access(reader)) == set(directory.KINDS)


def test_a_title_that_was_taken_back_is_nobodys(reader: User) -> None:
    team = Team.objects.create(description="Blue")
    told = access(reader)
    with transaction.atomic():
        Team.objects.filter(pk=team.pk).update(description="Never")
        assert titles(told, "Channel", team.pk) == ["Never"]
        transaction.set_rollback(True)
    assert access(reader) is told
    assert titles(told, "Channel", team.pk) == ["Blue"]
    with transaction.atomic():
        added = Team.objects.create(description="Never there")
        assert titles(told, "Channel", added.pk) == ["Never there"]
        transaction.set_rollback(True)
    assert titles(told, "Channel", added.pk) == [None]


def test_all_of_a_kind_are_read_at_once(reader: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    teams = [Team.objects.create(description=f"Team {n}").pk for n in range(12)]
    told = access(reader)
    directory.remembered_kinds(told)
    with django_assert_num_queries(0):
        assert titles(told, "Channel", *teams) == [f"Team {n}" for n in range(12)]


def test_a_kind_of_too_many_is_looked_up_with_the_page(reader: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "MOST", Team.objects.count() + 2)
    teams = [Team.objects.create(description=f"Team {n}").pk for n in range(2)]
    assert "Channel" in directory.remembered_kinds(access(reader))
    teams.append(Team.objects.create(description="Team 2").pk)
    assert "Channel" not in directory.remembered_kinds(access(reader))
    assert titles(access(reader), "Channel", *teams) == ["Team 0", "Team 1", "Team 2"]
