"""The summary of who holds grants is what the tables of grants say, whoever wrote at the same time."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Permission
from django.db import DatabaseError, OperationalError, connection, transaction

from entities.registry import registry, table_name
from security.facts import facts_of
from security.grants import GRANTS, granted_statement
from security.holders import HOLDERS, summarised_tables
from security.plan import compiled, granted_by
from security.running import run
from tests.security.people import access, company, profile, user

if TYPE_CHECKING:
    from collections.abc import Callable

    from entities.models import Company, User
    from security.access import Action

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
COMPANY = registry()["Company"]
HANDS, ROUNDS = 3, 50


def summary() -> set[tuple[Any, ...]]:
    """Return what is kept: kind, holding user, holding group, permission."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT kind, user_id, group_id, permission_id FROM security_holder")
        return set(cursor.fetchall())


def stored() -> set[tuple[Any, ...]]:
    """Return the same as all tables of grants say it."""
    found: set[tuple[Any, ...]] = set()
    for kind, (users, groups) in GRANTS.items():
        found |= {(kind, who, None, key) for who, key in users._default_manager.values_list("user", "permission")}
        found |= {(kind, None, who, key) for who, key in groups._default_manager.values_list("group", "permission")}
    return found


def happenings(
    dice: random.Random, people: list[User], groups: list[Any], rows: list[Company]
) -> list[Callable[[], Any]]:
    """Return what can happen to grants."""
    permissions = list(Permission.objects.filter(codename__in=("view_company", "change_company")))
    mine, theirs = (table._default_manager for table in GRANTS["Company"])
    row: dict[str, Any] = {"permission": dice.choice(permissions), "content_object": dice.choice(rows)}
    who, group = dice.choice(people), dice.choice(groups)
    return [
        lambda: mine.get_or_create(user=who, **row),
        lambda: theirs.get_or_create(group=group, **row),
        lambda: mine.bulk_create(
            [mine.model(user=one, **row) for one in reversed(people)],
            ignore_conflicts=True,
        ),
        lambda: mine.filter(user=who, permission=row["permission"]).delete(),
        lambda: theirs.filter(content_object=row["content_object"]).delete(),
        lambda: mine.filter(user=who, content_object=row["content_object"]).delete(),
        lambda: mine.filter(pk__in=list(mine.filter(user=who).values_list("pk", flat=True)[:1])).update(
            permission=permissions[0] if row["permission"] == permissions[1] else permissions[1]
        ),
    ]


def test_grants_that_come_and_go_at_the_same_time_are_summed_up_right() -> None:
    people = [user(f"holder-{n}") for n in range(2)]
    groups = [profile(f"Holders {n}").group for n in range(2)]
    rows = [company(f"Held {n}") for n in range(3)]
    done, failures = [0], list[Exception]()

    def act(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(ROUNDS):
            try:
                with transaction.atomic():
                    for _ in range(dice.randint(1, 3)):
                        dice.choice(happenings(dice, people, groups, rows))()
                        time.sleep(dice.random() / 200)
                    transaction.set_rollback(dice.random() < 0.2)
                done[0] += 1
            except OperationalError as error:  # a deadlock: who gives and takes of one holder in one transaction
                if "deadlock" not in str(error):
                    failures.append(error)
            except Exception as error:  # told below
                if "duplicate key" not in str(error):
                    failures.append(error)
        connection.close()

    for world in range(3):
        hands = [threading.Thread(target=act, args=(world * HANDS + n,)) for n in range(HANDS)]
        for hand in hands:
            hand.start()
        for hand in hands:
            hand.join()
        assert not failures
        assert summary() == stored()
    assert done[0] > 3 * HANDS * ROUNDS / 2


@pytest.mark.parametrize("slow", ["give", "take", "take another"])
@pytest.mark.parametrize("quick", ["give", "take"])
def test_what_others_have_not_finished_is_not_overlooked(slow: str, quick: str) -> None:
    """``slow`` begins first and ends last, on grants of one holder."""
    who, rows = user("holder"), [company("First"), company("Second"), company("Third")]
    view = Permission.objects.get(codename="view_company")
    mine = GRANTS["Company"][0]._default_manager
    for row in rows[: 2 if slow == "take another" else 1]:
        mine.create(user=who, permission=view, content_object=row)
    acts: dict[str, Callable[[], Any]] = {
        "give": lambda: mine.create(user=who, permission=view, content_object=rows[2]),
        "take": lambda: mine.filter(content_object=rows[0]).delete(),
        "take another": lambda: mine.filter(content_object=rows[1]).delete(),
    }
    begun, ended, failures = threading.Event(), threading.Event(), list[Exception]()

    def slowly() -> None:
        with transaction.atomic():
            acts[slow]()
            begun.set()
            ended.wait(0.5)  # the other waits for this transaction, or would have overlooked it

    def quickly() -> None:
        assert begun.wait(20)
        acts[quick]()
        ended.set()

    def hand(work: Callable[[], None]) -> threading.Thread:
        def act() -> None:
            try:
                work()
            except Exception as error:  # told below
                failures.append(error)
            finally:
                connection.close()

        return threading.Thread(target=act)

    one, other = hand(slowly), hand(quickly)
    for started in (one, other):
        started.start()
    for started in (one, other):
        started.join()
    assert [error for error in failures if "duplicate key" not in str(error)] == []
    assert summary() == stored()
    holds = bool(mine.filter(user=who).exists())
    assert ("view" in access(who).plans["Company"].granted) is holds


def test_grants_are_not_taken_away_where_others_could_be_overlooked() -> None:
    """Under REPEATABLE READ a grant that somebody has given meanwhile is not to be seen."""
    who, row = user("holder"), company("First")
    mine = GRANTS["Company"][0]._default_manager
    mine.create(user=who, permission=Permission.objects.get(codename="view_company"), content_object=row)
    with pytest.raises(DatabaseError, match="READ COMMITTED"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        mine.filter(user=who).delete()
    assert summary() == stored() != set()


def test_a_table_that_is_emptied_leaves_nothing() -> None:
    who, row = user("holder"), company("First")
    mine = GRANTS["Company"][0]
    for codename in ("view_company", "delete_company"):
        mine._default_manager.create(user=who, permission=Permission.objects.get(codename=codename), content_object=row)
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {table_name(mine)}")
    assert summary() == set()


def test_every_kind_with_rights_of_its_own_is_summarised() -> None:
    expected = {table_name(table) for tables in GRANTS.values() for table in tables}
    assert summarised_tables() == expected
    ends = {
        table_name(table).removeprefix(table_name(registry()[kind].model)) for kind, t in GRANTS.items() for table in t
    }
    assert ends == set(HOLDERS)


def test_a_kind_that_is_not_summarised_is_looked_up_itself() -> None:
    """Such as that of another app, which has not called ``summarised`` in a migration."""
    group = profile("Holders")
    who, row = user("holder", group), company("First")
    view, edit = (Permission.objects.get(codename=f"{name}_company") for name in ("view", "change"))
    mine, theirs = (table._default_manager for table in GRANTS["Company"])
    with connection.cursor() as cursor:
        for table in GRANTS["Company"]:
            cursor.execute(f"ALTER TABLE {table_name(table)} DISABLE TRIGGER USER")
    try:
        mine.create(user=who, permission=view, content_object=row)
        theirs.create(group=group.group, permission=edit, content_object=row)
        assert summary() == set()
        permissions: dict[int, tuple[str, Action]] = {view.pk: ("Company", "view"), edit.pk: ("Company", "edit")}
        found = run(granted_statement(permissions, summarised_tables()), [who.pk, [group.pk]])
        assert set(found) == {(view.pk, "user"), (edit.pk, "group")}
        assert granted_by(compiled(facts_of(who.pk))) == {("Company", "view", "user"), ("Company", "edit", "group")}
    finally:
        with connection.cursor() as cursor:
            for table in GRANTS["Company"]:
                cursor.execute(f"ALTER TABLE {table_name(table)} ENABLE TRIGGER USER")
