"""Statements made ready once: they answer what the query itself answers, and are not built again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db.models import CharField, Q, Value

from entities.models import Company
from entities.registry import registry
from security import gate, reading
from security.plan import access_for
from security.predicates import rows_where
from security.reading import Columns
from security.statements import Slot, among, prepared
from tests.api.twins import kinds
from tests.api.wire import login

if TYPE_CHECKING:
    from security.plan import Access

LOGONS = ["admin", "susan", "peter", "olivia", "ian"]


@pytest.fixture(params=LOGONS)
def access(request: pytest.FixtureRequest) -> Access:
    """Return what somebody may do."""
    return access_for(login(request.param).entry("$whoami")["$user"]["$key"])


def test_selected_records_are_what_a_query_selects(access: Access) -> None:
    compared = 0
    for kind in kinds(access.actor.logon):
        entity = registry()[kind]
        fields = tuple(access.shape(entity).readable)
        keys = list(gate.system_rows(entity.model).values_list("pk", flat=True)[:40])
        for now in (False, True):
            query = gate.rows(access, entity).filter(pk__in=keys)
            columns = Columns(fields, now=now)
            found = sorted(reading.records(access, entity, keys, columns), key=first)
            selected = sorted(gate.select(access, entity, query, fields, now=now), key=first)
            assert [row[: columns.owner_at - len(columns.titles)] for row in found] == selected
            check_titles(access, columns, found)
            compared += len(found)
    assert compared > 100


def check_titles(access: Access, columns: Columns, rows: list[tuple[Any, ...]]) -> None:
    """What a row says a reference names is the title of that record, if it is visible."""
    for field, at in columns.titles.items():
        named = {row[columns.at[field]]: row[at] for row in rows}
        titles = gate.titles(access, {field.target: set(named) - {None}})
        assert named == {key: titles.get((field.target, key)) for key in named}


def first(row: tuple[Any, ...]) -> Any:
    return row[0]


def test_a_statement_is_built_once_for_all_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    company = registry()["Company"]
    built: list[Any] = []
    access = access_for(login("olivia").entry("$whoami")["$user"]["$key"])
    visible = list(gate.rows(access, company).values_list("pk", flat=True)[:5])
    columns = Columns(tuple(access.shape(company).readable))
    reading.records(access, company, visible[:2], columns)

    def watched(*given: Any, **more: Any) -> Q:
        built.append(given)
        return rows_where(*given, **more)

    monkeypatch.setattr("security.gate.rows_where", watched)
    assert {row[0] for row in reading.records(access, company, [*visible, 987654321], columns)} == set(visible)
    assert reading.records(access, company, [], columns) == []
    assert not built


def test_a_query_that_nothing_can_fulfil_has_no_rows() -> None:
    nothing = prepared(gate.system_rows(Company).none().values_list("pk", "name"))
    assert nothing.rows() == []


def test_values_stand_where_their_slots_stand() -> None:
    named = gate.system_rows(Company).filter(among("pk", "keys"), name=Slot("name", CharField()))
    statement = prepared(named.order_by().values_list("pk", Value("100% sure")))
    key, name = gate.system_rows(Company).values_list("pk", "name").order_by("pk")[0]
    assert statement.rows(keys=[key, 2], name=name) == [(key, "100% sure")]
    assert statement.rows(keys=[key], name="no such name") == []
    with pytest.raises(KeyError):
        statement.rows(keys=[key])
