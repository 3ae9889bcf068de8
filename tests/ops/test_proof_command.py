"""``manage.py prove_no_leak`` as an operator runs it: on a database of its own, of which not a byte is changed."""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from django.core.management import CommandError, call_command

from tests.api.conftest import copied, demo_database
from tests.api.serving import address_of_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import DjangoDbBlocker

__all__ = ["demo_database"]

CLONE = Path(__file__).parents[2]


def everything(address: str) -> dict[str, object]:
    """Return a digest of each table, and where each sequence stands."""
    found: dict[str, object] = {}
    with psycopg.connect(address) as link:
        tables = link.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
        for (table,) in tables:
            statement = f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM \"{table}\" t"
            found[table] = link.execute(statement.encode()).fetchone()
        sequences = link.execute("SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'")
        # Numbers of the policy and of tables that no record is of; skipped ones mean nothing.
        found |= {name: value for name, value in sequences if name.startswith("entities_") and "grant" not in name}
    return found


@pytest.fixture(scope="module")
def database(demo_database: str, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Copy the demo world; return the address of the copy."""
    with django_db_blocker.unblock(), copied(demo_database, f"{demo_database}_proof"):
        yield address_of_database(f"{demo_database}_proof")


def test_the_command_proves_and_changes_nothing(database: str) -> None:
    before = everything(database)
    command = [sys.executable, "manage.py", "prove_no_leak", "--user", "susan", "--requests", "300", "--seed", "4"]
    wanted = os.environ | {"DATABASE_URL": database}
    done = subprocess.run(command, cwd=CLONE, env=wanted, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "300 requests of susan to this world and to 1 other world" in done.stdout
    assert "Nothing was stored." in done.stdout
    assert everything(database) == before
    assert before["entities_company_id_seq"]


@pytest.mark.django_db
def test_where_nobody_is_nothing_is_proved() -> None:
    with pytest.raises(CommandError, match="nothing was proved"):
        call_command("prove_no_leak", user="susan", requests=5, stderr=StringIO())
