"""Entries are what their rows say: written by a made function, compared with what a loop over the columns finds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from api import entries, writer
from api.values import to_json, written
from entities.models import Company
from entities.registry import registry
from security import gate
from security.plan import access_for
from tests.api.twins import kinds
from tests.api.wire import login

if TYPE_CHECKING:
    from collections.abc import Collection

    from entities.kinds import Entity
    from security.plan import Access

MADE = ("$links", "$etag", "$labels")  # compared by the contract's own tests


@pytest.fixture(params=["admin", "susan", "peter", "olivia", "ian"])
def access(request: pytest.FixtureRequest) -> Access:
    """Return what somebody may do."""
    return access_for(login(request.param).entry("$whoami")["$user"]["$key"])


def expected(access: Access, entity: Entity, keys: Collection[int], shown: entries.Projection) -> dict[int, Any]:
    """Return the entries by key, member by member."""
    fields = access.shape(entity).readable
    rows = list(gate.select(access, entity, gate.rows(access, entity).filter(pk__in=keys), fields))
    at = {field: n for n, field in enumerate(fields, 4)}
    named: dict[str, set[int]] = {}
    for field in fields:
        if field.target:
            named.setdefault(field.target, set()).update(row[at[field]] for row in rows if row[at[field]] is not None)
    titles = gate.titles(access, named)
    found = {}
    for row in rows:
        value = {field: to_json(field)(row[at[field]]) for field in fields}
        value |= {f: None for f in fields if f.target and (f.target, row[at[f]]) not in titles}
        entry = {"$key": row[0], "$title": row[1] or f"{entity.kind} {row[0]}", "$url": f"b/{entity.kind}('{row[0]}')"}
        if shown.updated and access.shape(entity).reads("updated_at"):
            entry["$updated"] = value[entity.by_name["updated_at"]]
        entry |= {field.wire: value[field] for field in shown.fields}
        for field in shown.relations:
            if value[field] is not None:
                title = titles[field.target, value[field]]
                address = f"b/{field.target}('{value[field]}')"
                entry[field.relation] = {"$key": value[field], "$url": address, "$title": title}
        found[row[0]] = entry
    return found


def plain(entry: dict[str, Any], without: Collection[str]) -> Any:
    """Return what an entry says once it is written, but for some of its members."""
    return orjson.loads(written({name: value for name, value in entry.items() if name not in without}))


def test_an_entry_says_what_its_row_says(access: Access) -> None:
    compared, nothing, references = 0, 0, 0
    for kind in kinds(access.actor.logon):
        entity = registry()[kind]
        full = entries.whole(access, entity)
        some = replace(full, fields=full.fields[1::2], relations=full.relations[:1], updated=False, links=False)
        keys = list(gate.system_rows(entity.model).values_list("pk", flat=True)[:40])
        for shown in (full, some, replace(full, labels=True), replace(some, tag=False)):
            loaded = entries.load_keys(access, entity, keys, shown)
            owners = entries.owner_kinds(access, entity)
            found = {e["$key"]: plain(e, [*MADE, *owners]) for e in entries.build(access, entity, loaded, shown, "b")}
            wanted = expected(access, entity, keys, shown)
            assert found == {key: plain(entry, owners) for key, entry in wanted.items()}
            assert [list(entry) for entry in found.values()] == [list(plain(wanted[key], owners)) for key in found]
            compared += len(found)
            nothing += sum(value is None for entry in found.values() for value in entry.values())
            references += sum(isinstance(value, dict) for entry in found.values() for value in entry.values())
    assert min(compared, nothing, references) > 50


def test_no_text_of_a_client_or_a_record_is_run() -> None:
    access, entity = access_for(login("admin").entry("$whoami")["$user"]["$key"]), registry()["Company"]
    wicked = "'); raise SystemExit #{key}\"\\\n"
    row = Company.objects.order_by("pk")[0]
    Company.objects.filter(pk=row.pk).update(name=wicked)
    shown = entries.whole(access, entity)
    (entry,) = entries.build(access, entity, entries.load_keys(access, entity, [row.pk], shown), shown, wicked)
    assert (entry["$title"], entry["Comp_Name"]) == (wicked, wicked)
    assert entry["$url"] == f"{wicked}/Company('{row.pk}')"
    assert orjson.loads(written(entry))["$links"]["$self"]["$url"] == entry["$url"]


def test_callers_with_the_same_fields_share_what_is_compiled() -> None:
    susan, admin = (access_for(login(who).entry("$whoami")["$user"]["$key"]) for who in ("susan", "admin"))
    team = registry()["Channel"]
    projection = entries.whole(susan, team)
    assert projection == entries.whole(admin, team)
    entries.writer(susan, team, projection, "b")
    made = writer._code.cache_info().misses
    entries.writer(admin, team, projection, "another base")
    assert writer._code.cache_info().misses == made
