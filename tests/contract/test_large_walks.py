"""Long walks while another process writes (contract.md §6): 3,000 companies here, 50,000 with PARAPET_DEEP=1."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection

from tests.api.conftest import connected_to, copied
from tests.api.wire import Wire, login, statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import DjangoDbBlocker

DEEP = os.environ.get("PARAPET_DEEP", "") == "1"
ROWS = 50_000 if DEEP else 3_000
PAGE = 100 if DEEP else 200
pytestmark = pytest.mark.django_db
# Every seventh company is changed, moved in the order or deleted; new ones come from 10,000,000 on.
WRITER = """
import random, sys, psycopg
dice = random.Random(7)
rows = int(sys.argv[2])
with psycopg.connect(sys.argv[1], autocommit=True) as link:
    number = link.execute("SELECT greatest(max(id), 10000000) FROM entities_company").fetchone()[0]
    print("ready", flush=True)
    while True:
        key = 7 * dice.randint(1, rows // 7)
        what = dice.randrange(3)
        if what == 0:
            number += 1
            link.execute(
                "INSERT INTO entities_company SELECT (jsonb_populate_record(c, jsonb_build_object("
                "'id', %s::int, 'name', %s::text))).* FROM entities_company c WHERE id = 1",
                [number, f"N{dice.randint(0, 10**6)}"])
        elif what == 1:
            link.execute("UPDATE entities_company SET name = %s WHERE id = %s", [f"N{dice.randint(0, 10**6)}", key])
        else:
            link.execute("UPDATE entities_company SET deleted_at = now() WHERE id = %s", [key])
"""


@pytest.fixture(autouse=True)
def world() -> None:
    """Every test here has a world that is committed."""


@pytest.fixture(scope="module")
def large(demo_database: str, django_db_blocker: DjangoDbBlocker) -> Iterator[Wire]:
    """A client of the administrator of a copy of the demo world with many companies, each name borne by several."""
    name = f"{demo_database}_large"
    with django_db_blocker.unblock(), copied(demo_database, name), connected_to(name):
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO entities_company SELECT (jsonb_populate_record(c, jsonb_build_object("
                "'id', n, 'name', 'N' || (n * 7919) %% %s, 'web_site', CASE WHEN n %% 3 = 0 THEN '' ELSE 'w' || n %% 5 "
                "END))).* FROM entities_company c, generate_series(61, %s) n WHERE c.id = 1",
                [ROWS // 3, ROWS],
            )
            cursor.execute("ANALYZE entities_company")
        yield login("admin")


@contextmanager
def writing() -> Iterator[subprocess.Popen[str]]:
    """Let another process insert, change and delete all the while."""
    known = connection.settings_dict
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    address = " ".join(f"{names[key]}={known[key]}" for key in names if known[key])
    command = [sys.executable, "-c", WRITER, address, str(ROWS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
            assert process.poll() is None
        finally:
            process.terminate()


def by_next(wire: Wire, **parameters: Any) -> list[int]:
    page = wire.entry("company", count=PAGE, select="$key", **parameters)
    found = [entry["$key"] for entry in page["$resources"]]
    while "$next" in page["$links"]:
        page = wire.entry(page["$links"]["$next"]["$url"])
        found += [entry["$key"] for entry in page["$resources"]]
    return found


def test_28_steps_of_1000_end_at_the_total(large: Wire) -> None:
    first = large.entry("company", count=1000, orderBy="comp_name", select="$key")
    total, found = first["$totalResults"], [entry["$key"] for entry in first["$resources"]]
    assert total == ROWS
    for start in range(1001, total + 1, 1000):
        found += large.keys("company", count=1000, startIndex=start, orderBy="comp_name", select="$key", totals="none")
    assert len(found) == len(set(found)) == total
    assert large.keys("company", count=1000, startIndex=total + 1) == []
    assert by_next(large, orderBy="comp_name") == found


def test_30_page_1_and_page_1000_cost_the_same_without_an_offset(large: Wire) -> None:
    def cost(url: str) -> tuple[int, bool]:
        with statements() as sent:
            large.entry(url)
        return len(sent), any("OFFSET" in sql or "COUNT(" in sql for sql in sent)

    def following(start: int) -> str:
        page = large.entry("company", count=1, startIndex=start, orderBy="comp_website desc")
        return str(page["$links"]["$next"]["$url"])

    first, thousandth = cost(following(1)), cost(following(999))
    assert first == thousandth == (first[0], False)


def test_40_the_links_of_1000_entries_cost_what_those_of_10_cost(large: Wire) -> None:
    def cost(count: int) -> int:
        with statements() as sent:
            assert len(large.entry("company", count=count)["$resources"]) == count
        return len(sent)

    assert cost(10) == cost(1000)


@pytest.mark.parametrize("order", ["comp_name", "comp_website desc", "$key desc"])
def test_29_what_another_process_writes_never_loses_or_repeats_an_unchanged_record(large: Wire, order: str) -> None:
    with writing():
        found = [key for key in by_next(large, orderBy=order) if key % 7 and key <= ROWS]
    assert len(found) == len(set(found))
    assert set(found) == {key for key in range(1, ROWS + 1) if key % 7}
