"""Every order of every kind, walked both ways (contract.md §6, §8.4); totals and links of every caller's feeds."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from entities.registry import registry
from security.models import FieldRule
from tests.api.twins import keys, kinds
from tests.api.wire import LOGONS, Wire, at, login

if TYPE_CHECKING:
    from collections.abc import Iterator

DEEP = os.environ.get("PARAPET_DEEP", "") == "1"


def by_next(wire: Wire, kind: str, order: str, count: int) -> list[int]:
    """Return the keys of a walk by ``$next``."""
    page = wire.entry(kind, orderBy=order, count=count, select="$key")
    found = [entry["$key"] for entry in page["$resources"]]
    while "$next" in page["$links"]:
        page = wire.entry(page["$links"]["$next"]["$url"])
        found += [entry["$key"] for entry in page["$resources"]]
    return found


def by_start(wire: Wire, kind: str, order: str, count: int) -> list[int]:
    """Return the keys of a walk by ``startIndex``."""
    found: list[int] = []
    parameters = {"orderBy": order, "count": count, "select": "$key", "totals": "none"}
    while page := wire.keys(kind, startIndex=len(found) + 1, **parameters):
        found += page
    return found


def orders(kind: str) -> Iterator[str]:
    """Yield an order by each sortable field, one way and, by turns, the other."""
    entity = registry()[kind]
    for number, field in enumerate(entity.fields):
        if field.sortable:
            yield f"{field.wire}{' desc' if number % 2 else ''}"
    for number, field in enumerate(entity.relations.values()):
        target = registry()[field.target]
        through = next(f.wire for f in reversed(target.fields) if f.sortable and f.is_text)
        yield f"{field.relation}.{through}{'' if number % 2 else ' desc'}"


@pytest.mark.parametrize("kind", [entity.kind for entity in registry()])
def test_28_walking_by_start_index_and_by_next_give_the_same_keys(kind: str) -> None:
    for number, order in enumerate(orders(kind)):
        logon = ("admin", "ian", "susan")[number % 3]
        wire = login(logon)
        if kind not in kinds(logon) or wire.get(kind, orderBy=order, count=0).status != 200:
            logon, wire = "admin", login("admin")
        mine = keys(logon, kind)
        count = max(2, len(mine) // 3 + 1)
        walked = by_next(wire, kind, order, count)
        assert sorted(walked) == sorted(mine), order
        assert len(walked) == len(set(walked))
        if number % 3 == 0 or DEEP:
            assert by_start(wire, kind, order, count) == walked, order


@pytest.mark.parametrize("logon", ["olivia", "peter"])
def test_33_the_total_is_the_number_of_records_that_can_be_fetched_one_by_one(logon: str) -> None:
    wire = login(logon)
    for kind in kinds(logon):
        every = keys("admin", kind)
        step = 1 if DEEP or len(every) <= 40 else len(every) // 40
        mine = set(keys(logon, kind))
        assert wire.entry(kind, count=0)["$totalResults"] == len(mine)
        for key in every[::step]:
            assert (wire.get(at(kind, key), select="$key").status == 200) == (key in mine), (kind, key)


@pytest.mark.parametrize("logon", LOGONS)
def test_34_insert_is_in_the_feed_of_every_kind_exactly_for_those_with_the_right(logon: str) -> None:
    wire = login(logon)
    rights = wire.entry("$whoami")["$rights"]
    for kind in kinds(logon):
        links = wire.entry(kind, count=0)["$links"]
        assert ("$insert" in links) == rights[kind]["$insert"], kind
        assert not {"$batch", "$insert"} & set(links) or any(rights[kind][r] for r in ("$insert", "$edit", "$delete"))
        status = wire.post(f"{kind}/$batch", []).status
        assert status in ((200, 400) if "$batch" in links else (403, 405)), (kind, status)


@pytest.mark.parametrize("kind", [entity.kind for entity in registry()])
def test_38_a_title_of_no_kind_holds_a_hidden_field(kind: str) -> None:
    entity, susan = registry()[kind], login("susan")
    before = susan.entry(kind, count=3)["$resources"]
    for number in range(len(entity.title)):
        name = entity.title[number]
        field = entity.by_name.get(name) or entity.by_wire[name.lower()]
        FieldRule.objects.create(entity=kind, field=field.wire, read=False)
        hidden = [entity.by_name.get(n) or entity.by_wire[n.lower()] for n in entity.title[: number + 1]]
        for entry, old in zip(susan.entry(kind, count=3)["$resources"], before, strict=True):
            assert not {f.wire for f in hidden} & set(entry)
            for found in hidden:
                value = old.get(found.wire)
                rest = [old.get((entity.by_name.get(n) or entity.by_wire[n.lower()]).wire) for n in entity.title]
                if isinstance(value, str) and not any(value in str(r) for r in rest[number + 1 :]):
                    assert value not in entry["$title"], (kind, value)
            if number == len(entity.title) - 1:
                assert entry["$title"] == f"{kind} {entry['$key']}"


@pytest.mark.parametrize("kind", [entity.kind for entity in registry()])
def test_46_an_unknown_and_a_hidden_field_give_the_same_refusal(kind: str) -> None:
    susan = login("susan")
    field = next(f for f in registry()[kind].fields if f.sortable and f.type != "key")
    FieldRule.objects.create(entity=kind, field=field.wire, read=False)
    hidden = susan.get(kind, orderBy=field.wire)
    unknown = susan.get(kind, orderBy=f"{field.wire}zz")
    assert hidden.refusal == unknown.refusal == (400, "BadQueryParameter", "UnknownName")
    assert hidden.body == unknown.body.replace(f"{field.wire}zz".encode(), field.wire.encode())
