"""The second lock: the database itself shows the application what a user may see, and nothing unasked."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.db.models import Q

from entities.models import Company
from entities.registry import registry
from security import gate, row_policies
from security.plan import access_for
from tests.owner import as_application
from tests.security.people import access, company, profile, right, rule, seen, user

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import Settings

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(django_settings.ROW_SECURITY, reason="it puts on the lock itself, as the owner"),
]


@pytest.fixture
def locked() -> Iterator[str]:
    """The tables are locked and we are the application."""
    with as_application() as role:
        yield role


def told(statement: str, *values: Any) -> Any:
    """Return the only value of what a statement of the application answers."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()[0]


def test_what_names_no_reader_shows_no_record(locked: str) -> None:
    company()
    assert told("SELECT count(*) FROM public.entities_company") == 0
    assert told("SELECT count(*) FROM entities_company") == 1  # the rules' own view of every row


def test_each_actor_sees_their_own_in_turn_whatever_was_taken_back(
    locked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "rows_where", lambda *_, **__: Q())
    sales = profile("Sales")
    right(sales, "Company", "view", "created_by")
    one, other = user("one", sales), user("other", sales)
    mine, theirs = company(created_by=one), company(created_by=other)
    assert seen(one) == {mine.pk}
    with transaction.atomic():
        assert seen(other) == {theirs.pk}
        transaction.set_rollback(True)
    assert seen(one) == {mine.pk}
    assert seen(other) == {theirs.pk}
    rows = [gate.rows(access(who), registry()["Company"]).values_list("pk", flat=True) for who in (one, other, one)]
    assert [list(each) for each in rows] == [[mine.pk], [theirs.pk], [mine.pk]]


def test_a_right_taken_away_binds_the_very_next_read(locked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "rows_where", lambda *_, **__: Q())
    sales = profile("Sales")
    given = right(sales, "Company")
    right(sales, "Person")
    susan, _ = user("susan", sales), company()
    assert len(seen(susan)) == 1
    with transaction.atomic():
        given.delete()
        assert seen(susan) == set()
        transaction.set_rollback(True)
    assert len(seen(susan)) == 1


def test_nobody_reads_for_two_at_once(locked: str) -> None:
    sales = profile("Sales")
    right(sales, "Company")
    one, other = (gate.rows(access(user(name, sales)), registry()["Company"]).values("pk") for name in ("one", "other"))
    with pytest.raises(ValueError, match="too many values"):
        list(one.filter(pk__in=other))


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO public.entities_company (name) VALUES ('x')",
        "UPDATE public.entities_company SET name = 'x'",
        "DELETE FROM public.entities_company",
        "TRUNCATE public.entities_company CASCADE",
        "ALTER TABLE public.entities_company DISABLE ROW LEVEL SECURITY",
        "DROP POLICY row_seen ON public.entities_company",
    ],
)
def test_the_application_does_nothing_to_a_table_of_records(locked: str, statement: str) -> None:
    with pytest.raises(DatabaseError, match=r"permission denied|must be owner"), transaction.atomic():
        told(statement)


def test_a_seen_record_may_be_locked_and_not_be_changed(locked: str) -> None:
    sales = profile("Sales")
    right(sales, "Company")
    mine = company()
    assert len(seen(user("susan", sales))) == 1
    with pytest.raises(DatabaseError, match="violates row-level security policy"), transaction.atomic():
        told("UPDATE public.entities_company SET id = 77")
    mine.name = "Through the rules"
    mine.save()
    assert Company.objects.get().name == "Through the rules"


def test_a_record_may_be_locked_for_a_write(locked: str) -> None:
    sales = profile("Sales")
    right(sales, "Company", "view edit")
    mine = company()
    assert gate.locked(access(user("susan", sales)), registry()["Company"], mine.pk, "edit").pk == mine.pk


def test_a_field_rule_reaches_what_is_about_fields(locked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "rows_where", lambda *_, **__: Q())
    sales = profile("Sales")
    right(sales, "Company")
    susan = user("susan", sales)
    entity = registry()["Custom_Captions"]

    def about(name: str) -> bool:
        captions: Any = gate.rows(access_for(susan.pk), entity)
        return bool(captions.filter(wire=name).exists())

    assert about("Comp_Name")
    assert not about("Oppo_Forecast")
    rule("Comp_Name", profile=sales, read=False)
    assert not about("Comp_Name")


def test_an_owner_is_not_locked_and_so_may_not_serve(locked: str) -> None:
    susan = user("susan", profile("Sales"))
    right(profile("Other"), "Company")
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        with pytest.raises(DatabaseError, match="does not bind the role"), transaction.atomic():
            cursor.execute("SELECT unfiltered.enter(%s, '{}', '{}', true)", [susan.pk])


def test_the_lock_is_put_on_renewed_by_migrations_and_taken_away() -> None:
    out = StringIO()
    call_command("row_security", "on", stdout=out)
    database = told("SELECT current_database()")
    assert f"a member of the role {database}_app" in out.getvalue()
    locked = "SELECT count(*) FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace"
    assert told(locked) == len(row_policies.tables())
    row_policies.set_aside(plan=["a migration"])
    assert told(locked) == 0
    row_policies.renew()
    assert told(locked) == len(row_policies.tables())
    call_command("row_security", "off", stdout=out)
    assert told(locked) == 0
    row_policies.set_aside(plan=["a migration"])
    row_policies.renew()
    assert not row_policies.is_in_place()


def test_who_is_locked_does_not_put_on_the_lock(settings: Settings) -> None:
    settings.ROW_SECURITY = True
    for command in (
        ["row_security", "off"],
        ["explain_access", "susan", "Company", "1"],
        ["prove_no_leak", "--user", "susan"],
        ["seed_demo"],
    ):
        with pytest.raises(CommandError, match="for the owner of the tables"):
            call_command(*command)
    settings.ROW_SECURITY = False
    with as_application() as role:
        settings.ROW_SECURITY = False
        with pytest.raises(CommandError, match="The database refused"):
            call_command("row_security", "on")
    assert role.endswith("_app")
