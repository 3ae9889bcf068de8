"""The command that seeds the demo world: the same rows every time, never over somebody's data."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password, is_password_usable
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from crm import demo
from crm.demo import load
from crm.demo.dice import NOW, REFERENCE, Dice, written
from crm.demo.directory import LOGONS
from entities.models import User
from security.plan import policy_version

pytestmark = pytest.mark.django_db
# What differs between two worlds: the one secret, and what it belongs to.
SECRET = {
    "security_token": "hash, created_at, expires_at",
    "security_policyversion": "number",
    "security_policychange": "at",
}


NOTES = "security_rowchange"  # of what changed when, in which transaction: no part of a world


@pytest.fixture(autouse=True)
def bare() -> None:
    """Start from a database without records, whatever other tests keep there."""
    load.empty()


def query(sql: str, *values: str | list[str]) -> list[tuple[Any, ...]]:
    """Return the rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def one(sql: str, *values: str) -> object:
    """Return the one value of a statement."""
    return query(sql, *values)[0][0]


def digest() -> dict[str, str]:
    """Return a hash of the content of every table."""
    found = {}
    for table in connection.introspection.table_names():
        if table == NOTES:
            continue
        hidden = "{" + SECRET.get(table, "") + "}"
        rows = query(f'SELECT (to_jsonb(t) - %s::text[])::text AS row FROM "{table}" t ORDER BY row', hidden)
        found[table] = hashlib.sha256(repr(rows).encode()).hexdigest()
    return found


def seed(*arguments: str) -> str:
    """Run the command and return what it printed."""
    out = StringIO()
    call_command("seed_demo", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_two_worlds_of_a_size_are_equal() -> None:
    demo.build("tiny")
    first = digest()
    demo.build("tiny", replace=True)
    assert digest() == first
    assert one("SELECT count(*) FROM entities_company") == 60


def test_draws_are_the_same_on_every_machine() -> None:
    dice = Dice("pinned")
    assert [dice.between(1, 100) for _ in range(6)] == [37, 91, 60, 70, 53, 18]
    assert dice.filled("##@ x#") == "15G x7"
    assert written(NOW) == f"{REFERENCE:%Y-%m-%d %H:%M:%S}+00"


def test_a_smaller_world_is_the_beginning_of_a_larger_one() -> None:
    demo.build("tiny")
    companies = query("SELECT to_jsonb(c)::text FROM entities_company c ORDER BY id")
    demo.build("small", replace=True)
    assert query("SELECT to_jsonb(c)::text FROM entities_company c WHERE id <= 60 ORDER BY id") == companies


def test_a_database_that_holds_anything_is_left_alone() -> None:
    User(logon="somebody", last_name="Body").save()
    with pytest.raises(CommandError, match=r"not empty; nothing was changed") as refusal:
        seed("--size", "tiny")
    assert refusal.value.returncode == 1
    assert query("SELECT logon FROM entities_user") == [("somebody",)]
    assert one("SELECT count(*) FROM entities_company") == 0


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO auth_group (name) VALUES ('Theirs')",
        "INSERT INTO security_fieldrule (entity, field, read) VALUES ('Company', 'Comp_Revenue', false)",
        "INSERT INTO entities_team (description, active, deleted_at) VALUES ('Gone', true, now())",
    ],
)
def test_policy_and_deleted_rows_count_as_content(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
    with pytest.raises(demo.NotEmpty):
        demo.build("tiny")


def test_a_database_without_tables_is_told_in_one_sentence() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE entities_quoteline")
    with pytest.raises(CommandError) as refusal:
        seed("--size", "tiny")
    assert str(refusal.value) == (
        'The database could not be seeded; nothing was changed: relation "entities_quoteline" does not exist'
    )


def test_an_interruption_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("crm.demo.world.add_policy", interrupt)
    with pytest.raises(CommandError, match="nothing was changed") as refusal:
        seed("--size", "tiny")
    assert refusal.value.returncode == 130
    assert one("SELECT count(*) FROM entities_company") == 0


def test_replace_removes_everything_first() -> None:
    User(logon="somebody", last_name="Body").save()
    before = policy_version()
    printed = seed("--size", "tiny", "--replace")
    assert printed.startswith("Removing every record")
    assert one("SELECT count(*) FROM entities_user WHERE logon = 'somebody'") == 0
    assert policy_version() > before


def test_selection_lists_survive() -> None:
    before = query("SELECT * FROM entities_caption ORDER BY id")
    demo.build("tiny", replace=True)
    assert query("SELECT * FROM entities_caption ORDER BY id") == before
    assert before


def test_it_says_who_may_log_in_and_they_can() -> None:
    printed = seed("--size", "tiny")
    stored: dict[str, str] = dict(query("SELECT logon, password FROM entities_user"))
    for logon in LOGONS:
        assert f"demo-{logon}" in printed
        assert check_password(f"demo-{logon}", stored[logon])
    others = {logon: password for logon, password in stored.items() if logon not in LOGONS}
    assert len(others) > 20
    assert not any(is_password_usable(password) for password in others.values())


def test_roles_are_those_of_the_issue() -> None:
    demo.build("tiny")
    rows = query(
        """SELECT u.logon, coalesce(g.name, ''), t.caption, u.is_staff, u.is_superuser FROM entities_user u
        JOIN entities_territory t ON t.id = u.home_territory_id
        LEFT JOIN entities_user_groups m ON m.user_id = u.id LEFT JOIN auth_group g ON g.id = m.group_id
        WHERE u.logon = ANY(%s) AND NOT (u.disabled OR u.resource OR u.is_template)""",
        list(LOGONS),
    )
    assert {logon: rest for logon, *rest in rows} == {
        "admin": ["", "Worldwide", True, True],
        "susan": ["Sales", "United Kingdom", True, False],
        "william": ["Sales Manager", "Europe", True, False],
        "peter": ["Support", "Worldwide", True, False],
        "olivia": ["Partner", "Spain", False, False],
        "ian": ["Integration", "Worldwide", False, False],
        "nora": ["", "Ireland", False, False],
    }


def test_the_token_is_printed_once_and_only_its_hash_is_stored() -> None:
    tokens = re.findall(r"pcrm_[A-Za-z0-9_-]{43}\b", seed("--size", "tiny"))
    assert len(tokens) == 1
    ((stored, expires, logon),) = query(
        "SELECT hash, expires_at, logon FROM security_token t JOIN entities_user u ON u.id = user_id"
    )
    assert (stored, logon) == (hashlib.sha256(tokens[0].encode()).hexdigest(), "ian")
    assert expires - timezone.now() > timedelta(days=364)
    assert seed("--size", "tiny", "--replace").count(tokens[0]) == 0
