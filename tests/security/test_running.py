"""Texts that are kept are run by libpq, and answer, refuse and are watched as through Django's own cursor."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.db import DataError, ProgrammingError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from entities.models import User
from security import running
from security.running import run

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(settings.ROW_SECURITY, reason="under the second lock every statement passes Django"),
]
NOW = datetime.datetime(2026, 2, 3, 4, 5, 6, tzinfo=datetime.UTC)
VALUES: list[Any] = [7, -(2**31), "it's %s \\ ü", "", [1, 2], [], None, True, NOW, ["a,b", 'q"']]
TEXT = (
    "SELECT %s::int, %s::int, %s::text, %s::text, %s::int[], %s::int[], %s::text, %s::bool, %s::timestamptz,"
    " %s::text[], 'five %%', 1.50::numeric, '{\"a\": 1}'::jsonb, ARRAY['x']::text[]"
)


def prepared() -> set[str]:
    """Return the names of what is prepared on the connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements")
        return {name for (name,) in cursor.fetchall()}


def thrice(sql: str, values: Sequence[Any] = ()) -> list[list[tuple[Any, ...]]]:
    """Run a text by a cursor, by libpq for the first time, and once more."""
    return [run(sql, values) for _ in range(3)]


def test_every_way_to_run_a_text_answers_the_same() -> None:
    before = prepared()
    first, second, third = thrice(TEXT, VALUES)
    assert len(prepared() - before) == 1
    assert first == second == third
    assert first[0][: len(VALUES)] == tuple(VALUES)
    assert first[0][len(VALUES)] == "five %"


def test_a_text_without_rows_has_none() -> None:
    found = thrice("UPDATE entities_user SET first_name = 'Never' WHERE id = %s::int", [-1])
    assert found == [[], [], []]


def test_the_latest_texts_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "KEPT", 3)
    before = prepared()
    running._kept.pop(connection.connection, None)
    for number in range(8):
        assert thrice(f"SELECT {number}") == [[(number,)]] * 3
    assert len(prepared() - before) == 3
    assert run("SELECT 0") == [(0,)]


def test_a_watched_statement_is_told_with_its_text() -> None:
    thrice(TEXT, VALUES)
    with CaptureQueriesContext(connection) as told:
        assert run(TEXT, VALUES) == run(TEXT, VALUES)
    assert [entry["sql"].startswith("SELECT '7'") or "::int" in entry["sql"] for entry in told] == [True, True]


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_plan_that_is_gone_is_made_anew() -> None:
    thrice("SELECT 'gone'")
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    assert thrice("SELECT 'gone'") == [[("gone",)]] * 3


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_plan_follows_a_table_that_changes() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE changing (a int); INSERT INTO changing VALUES (1)")
        assert thrice("SELECT * FROM changing") == [[(1,)]] * 3
        cursor.execute("ALTER TABLE changing ADD b text DEFAULT 'new'")
        assert thrice("SELECT * FROM changing") == [[(1, "new")]] * 3
        cursor.execute("DROP TABLE changing")
    with pytest.raises(ProgrammingError):
        run("SELECT * FROM changing")


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_an_error_is_djangos_and_the_connection_goes_on() -> None:
    text = "SELECT 1 / %s::int"
    assert thrice(text, [1]) == [[(1,)]] * 3
    for _ in range(2):
        with pytest.raises(DataError, match="division by zero"):
            run(text, [0])
    assert run(text, [1]) == [(1,)]


def test_an_error_breaks_the_transaction_and_a_savepoint_mends_it() -> None:
    text = "SELECT 10 / %s::int"
    thrice(text, [1])
    with pytest.raises(DataError), transaction.atomic():
        run(text, [0])
    assert run(text, [5]) == [(2,)]
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(TransactionManagementError):
            run(text, [5])
    assert run(text, [2]) == [(5,)]


def test_plans_outlive_what_is_rolled_back() -> None:
    """psycopg has all plans of a connection forgotten after a rollback, where it prepared one itself."""
    thrice("SELECT 'kept'")
    for _ in range(3):
        with transaction.atomic():
            assert list(User.objects.values_list("pk").iterator(chunk_size=1)) is not None
            transaction.set_rollback(True)
        assert run("SELECT 'kept'") == [("kept",)]


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_what_begins_a_transaction_is_part_of_it() -> None:
    text = "UPDATE entities_user SET first_name = %s::text WHERE id = (SELECT min(id) FROM entities_user) RETURNING id"
    who = User.objects.order_by("pk").first() or User.objects.create(logon="first", last_name="First")
    thrice(text, ["Before"])
    with transaction.atomic():
        run(text, ["Within"])
        transaction.set_rollback(True)
    who.refresh_from_db()
    assert who.first_name == "Before"
