"""What is read can be put back, and a page costs what it costs, whoever asks (contract.md §7.3, §11.2.8)."""

from __future__ import annotations

import pytest

from entities.registry import registry
from security import gate
from tests.api.wire import LOGONS, Wire, at, login

WITH_ROWS = [logon for logon in LOGONS if logon != "nora"]
SAMPLE = 2


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
