"""Writes of every kind: what can be written, how it is answered, what it changes (contract.md §11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction

from entities.registry import registry
from security import gate
from tests.api.twins import kinds
from tests.api.wire import LOGONS, Wire, at, login
from tests.contract.test_links import change_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.wire import Answer

CREATED = [entity.kind for entity in registry() if not entity.read_only]


def example(admin: Wire, kind: str) -> dict[str, Any]:
    """Return the body of the document's own example of a new record."""
    found: dict[str, Any] = admin.entry("$openapi")["components"]["examples"][f"{kind}Create"]["value"]
    return found


def undone(wire: Wire, method: str, path: str, body: Any) -> Answer:
    """Send a write and take it back."""
    with transaction.atomic():
        answer = wire.send(method, path, body)
        transaction.set_rollback(True)
    return answer


@pytest.mark.parametrize("kind", CREATED)
def test_61_a_new_record_of_every_kind_is_answered_as_it_is_read(admin: Wire, kind: str) -> None:
    made = admin.post(kind, example(admin, kind))
    assert made.status == 201, made.body
    assert made.headers["Location"] == made.json["$url"]
    read = admin.get(made.headers["Location"])
    body = {name: value for name, value in made.json.items() if name != "$diagnoses"}
    assert (read.status, read.json, read.headers["ETag"]) == (200, body, made.headers["ETag"])


def choices(admin: Wire, kind: str) -> Iterator[tuple[str, bool, list[str]]]:
    """Yield (field, several, codes) of the selections that can be written."""
    for name, member in admin.entry(f"$prototypes/{kind}")["$properties"].items():
        codes = [choice["$value"] for choice in member.get("$item", {}).get("$enum", ())]
        if codes and not member["$isReadOnly"]:
            yield name, member["$type"] == "sdata/array", codes


RULED = {"BusinessRule", "Required", "ReadOnly"}


@pytest.mark.parametrize("kind", CREATED)
def test_23_every_value_offered_of_every_kind_can_be_written_and_no_other(admin: Wire, kind: str) -> None:
    body = example(admin, kind)
    offered = list(choices(admin, kind))
    for number in range(max((len(codes) for _, _, codes in offered), default=0)):
        turn = [(name, several, codes[number % len(codes)]) for name, several, codes in offered]
        sent: dict[str, Any] = {name: [code] if several else code for name, several, code in turn}
        answer = undone(admin, "POST", kind, body | sent)
        if answer.status != 201:  # rules on several fields at once: each alone
            for name, value in sent.items():
                alone = undone(admin, "POST", kind, body | {name: value})
                # A rule about other fields may ask for more than this one value; the list is not what refuses it.
                assert alone.status == 201 or set(alone.codes) <= RULED, (name, value, alone.body)
                assert alone.status != 201 or alone.json[name] == value
        else:
            assert {name: answer.json[name] for name in sent} == sent
    for name, several, _ in offered:
        refused = undone(admin, "POST", kind, body | {name: ["no such"] if several else "no such"})
        assert refused.status == 400, name
        assert "NotAChoice" in refused.codes, (name, refused.body)


@pytest.mark.parametrize("logon", [logon for logon in LOGONS if logon != "nora"])
def test_62_one_field_sent_is_one_field_changed_of_every_kind(logon: str) -> None:
    wire, tried = login(logon), 0
    for kind in kinds(logon):
        found = wire.entry(kind, count=200)["$resources"]
        entry = next((entry for entry in found if "$edit" in entry["$links"]), None)
        change = change_of(wire.entry(f"$prototypes/{kind}")["$properties"], entry) if entry else {}
        if entry is None or not change:
            continue
        for method in ("PUT", "PATCH"):
            noise = {"$key": 0, "$totalResults": 3, "$title": None, registry()[kind].key.wire: 0}
            here = at(kind, entry["$key"])
            before = stored(kind, entry["$key"])
            with transaction.atomic():
                answer = wire.send(method, here, change | noise)
                after = stored(kind, entry["$key"])
                transaction.set_rollback(True)
            assert answer.status == 200, (here, answer.body)
            changed = {name for name in after if after[name] != before[name]}
            (column,) = [registry()[kind].by_wire[name.lower()].column for name in change]
            derived = {field.column for field in registry()[kind].fields if field.derived}
            assert changed - derived - {"updated_by_id"} == {column, "updated_at"}, (here, change)
            tried += 1
    assert tried


def stored(kind: str, key: int) -> dict[str, Any]:
    (row,) = gate.system_rows(registry()[kind].model).filter(pk=key).values()
    return dict(row)


@pytest.mark.parametrize("kind", CREATED)
def test_71_a_deleted_record_of_every_kind_is_gone_and_its_row_is_not(admin: Wire, kind: str) -> None:
    made = admin.post(kind, example(admin, kind))
    here, model = made.json["$url"], registry()[kind].model
    total = admin.entry(kind, count=0)["$totalResults"]
    rows = model._default_manager.count()
    answer = admin.delete(here)
    assert (answer.status, answer.body) == (204, b""), kind
    assert (admin.get(here).status, admin.delete(here).status) == (404, 404)
    assert admin.entry(kind, count=0)["$totalResults"] == total - 1
    assert model._default_manager.count() == rows
