"""Texts that are kept are run by libpq, and answer, refuse and are watched as through Django's own cursor."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.db import DataError, OperationalError, ProgrammingError, connection, transaction
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


def kept() -> Any:
    """Return what is known of the texts of the connection."""
    return running._kept[connection.connection]


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
        assert run("SELECT 0") == [(0,)]
    assert len(prepared() - before) == 3
    assert list(kept().names) == ["SELECT 6", "SELECT 7", "SELECT 0"]
    assert run("SELECT 5") == [(5,)]


def test_what_is_run_once_drives_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "KEPT", 3)
    thrice("SELECT 'kept'")
    before = prepared()
    for number in range(20):
        assert run(f"SELECT {number} AS once") == [(number,)]
    assert prepared() == before
    assert "SELECT 'kept'" in kept().names
    assert len(kept().met) == 3


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
    before = prepared()
    with CaptureQueriesContext(connection):
        for _ in range(8):  # by psycopg's cursor, for they are watched
            run("SELECT 'watched'")
    with pytest.raises(DataError), transaction.atomic():
        run("SELECT 1 / 0")
    assert prepared() == before
    assert run("SELECT 'kept'") == [("kept",)]


def test_whoever_looks_at_statements_sees_all_of_them() -> None:
    thrice("SELECT 'looked at'")
    seen = []

    def look(execute: Any, sql: str, *rest: Any) -> Any:
        seen.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(look):
        run("SELECT 'looked at'")
    run("SELECT 'looked at'")
    assert seen == ["SELECT 'looked at'"]


def test_nothing_is_prepared_where_connections_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {name: value for name, value in connection.settings_dict["OPTIONS"].items() if name != "options"}
    before = prepared()
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    assert thrice("SELECT 'handed over'") == [[("handed over",)]] * 3
    assert prepared() == before


def test_what_no_text_can_hold_is_refused_before_it_is_sent() -> None:
    thrice("SELECT %s::text", ["a"])
    with pytest.raises(DataError, match="NUL"):
        run("SELECT %s::text", ["a\x00b"])
    assert run("SELECT %s::text", ["b"]) == [("b",)]


def test_a_plan_that_is_gone_breaks_a_transaction_once() -> None:
    thrice("SELECT 'gone within'")
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    with pytest.raises(ProgrammingError), transaction.atomic():
        run("SELECT 'gone within'")
    assert thrice("SELECT 'gone within'") == [[("gone within",)]] * 3


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_lost_connection_is_told_as_such_and_replaced() -> None:
    thrice("SELECT 'lost'")
    [(pid,)] = run("SELECT pg_backend_pid()")
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    other.close()
    with pytest.raises(OperationalError):
        run("SELECT 'lost'")
    connection.close_if_unusable_or_obsolete()
    assert thrice("SELECT 'lost'") == [[("lost",)]] * 3


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
