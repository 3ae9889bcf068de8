"""How PostgreSQL goes about pages and records: along indexes, never through a whole table of records."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test import Client

from bench import world
from bench.cases import ORDERS
from bench.size import BASE, CALLERS, KEYS, PASSWORD, Size
from entities.registry import registry
from security import gate, plan, selectivity
from security.plan import access_for
from security.running import run
from security.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = Size(20_000, 100, 1_000)
# Tables that hold records in numbers; those of a few hundred rows may be read as a whole.
LARGE = ("entities_company", "entities_person", "entities_address", "entities_addresslink")


@pytest.fixture
def large_world(db: None) -> Iterator[None]:
    """Build a world in which tables are large enough for PostgreSQL to care; it is rolled back."""
    plan._policies.clear()
    selectivity._sizes.clear()
    world.build(SIZE)
    yield
    plan._policies.clear()
    selectivity._sizes.clear()


class Watched:
    """The statements that are made ready once and run, with their plans."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.plans: list[dict[str, Any]] = []
        rows = Statement.rows

        def explained(statement: Statement, **given: Any) -> list[tuple[Any, ...]]:
            if statement.sql.startswith("SELECT t.c0"):
                values = [given[name] for name in statement.slots]
                [(plan,)] = run(f"EXPLAIN (FORMAT JSON) {statement.sql}", values)
                self.plans.append(plan[0]["Plan"])
            return rows(statement, **given)

        patch.setattr(Statement, "rows", explained)

    def take(self) -> dict[str, Any]:
        """Return the plan of the one statement that was run since the last time."""
        (found,) = self.plans
        self.plans.clear()
        return found


def nodes(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the nodes of a plan."""
    yield found
    for child in found.get("Plans", []):
        yield from nodes(child)


def check(found: dict[str, Any], what: str, *, walks: bool) -> None:
    """Check that a plan reads no large table as a whole, sorts none, and joins none that fan out."""
    every = list(nodes(found))
    scanned = [node["Relation Name"] for node in every if node["Node Type"] == "Seq Scan"]
    assert not [name for name in scanned if name in LARGE], what
    assert not [node for node in every if node["Node Type"] in ("Unique", "Group")], what
    keys = [node for node in every if node["Node Type"] == "Limit" and node.get("Plan Rows", 0) > 1]
    for node in keys if walks else []:
        sorted_ones = [under["Plan Rows"] for under in nodes(node) if "Sort" in under["Node Type"]]
        assert max(sorted_ones, default=0) < SIZE.companies / 10, what


def ask(path: str, logon: str) -> dict[str, Any]:
    """Return the answer to a request."""
    credentials = base64.b64encode(f"{logon}:{PASSWORD}".encode()).decode()
    answer = Client(HTTP_HOST="127.0.0.1").get(path, HTTP_AUTHORIZATION=f"Basic {credentials}")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = json.loads(answer.content)
    return found


def test_pages_and_records_are_read_along_indexes(large_world: None, monkeypatch: pytest.MonkeyPatch) -> None:
    company, watched = registry()["Company"], Watched(monkeypatch)
    forms = set()
    for logon in CALLERS:
        access = access_for(KEYS[logon])
        form = selectivity.form_of(access, company)
        forms.add(form)
        shown: list[dict[str, Any]] = []
        for order, _ in ORDERS.values():
            page = ask(f"{BASE}/company?count=50&totals=none&orderBy={order}", logon)
            found = watched.take()
            check(found, f"{logon} by {order}", walks=form != "sources")
            if form != "sources":  # what is walked is in order, also once its rows are looked up
                assert not [node for node in nodes(found) if "Sort" in node["Node Type"]], (logon, order)
            shown = page["$resources"]
            if "$next" in page["$links"]:
                ask(page["$links"]["$next"]["$url"], logon)
                check(watched.take(), f"{logon} by {order}, on", walks=form != "sources")
        if shown:
            ask(f"{BASE}/company('{shown[0]['$key']}')", logon)
            check(watched.take(), f"{logon}, a record", walks=True)
    assert forms == {"open", "hashed", "sources"}


def test_whoever_holds_many_grants_is_not_served_from_memory(
    large_world: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The borders are those of a million rows: here they are lowered, and the answer stays the same."""
    company, access = registry()["Company"], access_for(KEYS["many"])
    before = ask(f"{BASE}/company?count=100&orderBy=comp_name&totals=none", "many")
    monkeypatch.setattr(selectivity, "HASHED", 1)
    monkeypatch.setattr(selectivity, "PROBES", 0.001)
    monkeypatch.setattr(selectivity, "FEW", 0.0)
    monkeypatch.setattr(selectivity, "_LEAST", 1)
    access.memo.clear()
    assert selectivity.form_of(access, company) == "probed"
    after = ask(f"{BASE}/company?count=100&orderBy=comp_name&totals=none", "many")
    assert after["$resources"] == before["$resources"]


@pytest.mark.django_db
def test_the_orders_of_lists_have_indexes_that_hold_the_security_columns() -> None:
    """By key, by change and by title; all but the rows of the page are judged without a look at the table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename, indexdef FROM pg_indexes WHERE indexdef LIKE '% INCLUDE %'")
        found = cursor.fetchall()
    for entity in registry():
        if not (entity.has_own_rights and entity.has_territory):
            continue
        table = gate.system_rows(entity.model).query.get_initial_alias()
        own = [definition for name, definition in found if name == table]
        titles = tuple(f"(lower(({name})::text)" for name in entity.title)
        for first in ("(id)", "(updated_at NULLS FIRST, id)", titles):
            (index,) = [one for one in own if one.partition(" USING btree ")[2].startswith(first)]
            assert index.endswith("WHERE (deleted_at IS NULL)")
            covered = index.partition(" INCLUDE ")[2]
            for column in ("territory_id", f"{entity.assigned}_id", "team_id", "created_by_id"):
                assert column in covered, (entity.kind, first, column)
