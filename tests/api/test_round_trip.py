"""What is read can be put back, and a page costs what it costs, whoever asks (contract.md §7.3, §11.2.8)."""

from __future__ import annotations

import pytest

from entities.registry import registry
from security import gate
from tests.api.wire import LOGONS, Wire, at, login, statements

WITH_ROWS = [logon for logon in LOGONS if logon != "nora"]
SAMPLE = 6


def stored(kind: str, key: int) -> dict[str, object]:
    """Return every column of a record."""
    (row,) = gate.system_rows(registry()[kind].model).filter(pk=key).values()
    return dict(row)


def editable(wire: Wire, kind: str) -> list[int]:
    """Return the keys of some records that the caller may edit."""
    entries = wire.entry(kind, count=1000, select="$links")["$resources"]
    keys = [entry["$key"] for entry in entries if "$edit" in entry["$links"]]
    return keys[:: max(1, len(keys) // SAMPLE)]


@pytest.mark.parametrize("logon", WITH_ROWS)
def test_64_an_entry_put_back_unchanged_changes_nothing(logon: str) -> None:
    wire = login(logon)
    tried = 0
    for kind in wire.kinds():
        for key in editable(wire, kind):
            before = stored(kind, key)
            read = wire.get(at(kind, key))
            for method in ("PUT", "PATCH"):
                written = wire.send(method, at(kind, key), read.json)
                assert written.status == 200, (kind, key, written.body)
                assert written.json == read.json
                assert written.headers["ETag"] == read.headers["ETag"]
            assert stored(kind, key) == before
            tried += 1
    assert tried >= SAMPLE


@pytest.mark.parametrize("include", ["person,address", "phoneCollection,emailCollection"])
def test_64_an_entry_with_included_records_put_back_changes_nothing(susan: Wire, include: str) -> None:
    key = editable(susan, "Company")[0]
    before = stored("Company", key)
    body = susan.entry(at("Company", key), include=include)
    assert susan.put(at("Company", key), body).status == 200
    assert stored("Company", key) == before


def test_62_a_write_of_one_field_changes_one_field(susan: Wire) -> None:
    key = editable(susan, "Company")[0]
    for method, source in (("PUT", "Letter"), ("PATCH", "Web")):
        before = susan.entry(at("Company", key))
        after = susan.send(method, at("Company", key), {"comp_source": source.lower(), "$key": 0, "Comp_CompanyId": 0})
        changed = {name for name, value in after.json.items() if before[name] != value}
        assert after.status == 200
        assert after.json["Comp_Source"] == source
        assert changed <= {"Comp_Source", "$etag", "$updated", "Comp_UpdatedDate", "Comp_UpdatedBy"}


def cost(wire: Wire, kind: str, count: int) -> int:
    """Return the number of statements of a page, its plan already compiled."""
    with statements() as sent:
        wire.entry(kind, count=count)
    return len(sent)


@pytest.mark.parametrize("logon", WITH_ROWS)
def test_40_a_page_costs_the_same_whatever_its_size_and_the_kind(logon: str) -> None:
    wire = login(logon)
    wire.entry("company")
    for kind in wire.kinds():
        entity = registry()[kind]
        if wire.entry(kind, count=0)["$totalResults"] == 0 or entity.proxy:
            continue
        costs = {cost(wire, kind, count) for count in (1, 10, 100)}
        # the caller, the grants, the total, the rows, the titles of what they refer to
        assert costs == {5}, (kind, costs)


def test_40_a_page_with_relations_costs_the_same_whatever_its_size(william: Wire) -> None:
    def included(count: int) -> int:
        with statements() as sent:
            william.entry("company", count=count, include="person,address,phoneCollection")
        return len(sent)

    william.entry("company")
    assert included(5) == included(50)


@pytest.fixture
def william() -> Wire:
    """A client of a sales manager of Europe."""
    return login("william")
