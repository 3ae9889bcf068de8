"""Links are true, both ways: what is linked can be followed, what can be done is linked (contract.md §7.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction

from entities.models import Quote
from entities.registry import registry
from security.gate import system_rows
from tests.api.twins import keys, kinds
from tests.api.wire import LOGONS, Wire, at, login

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.wire import Answer

PER_KIND = 3


def attempt(wire: Wire, method: str, path: str, body: Any = None) -> Answer:
    """Send a write and take it back."""
    with transaction.atomic():
        answer = wire.send(method, path, body)
        transaction.set_rollback(True)
    return answer


def entries(logon: str) -> Iterator[tuple[str, dict[str, Any]]]:
    wire = login(logon)
    for kind in kinds(logon):
        found = keys(logon, kind)
        for key in found[:: max(1, len(found) // PER_KIND)][:PER_KIND]:
            yield kind, wire.entry(at(kind, key))


@pytest.mark.parametrize("logon", LOGONS)
def test_39_every_link_of_an_entry_can_be_followed(logon: str) -> None:
    wire = login(logon)
    for kind, entry in entries(logon):
        for name, link in entry["$links"].items():
            if "$method" not in link:
                assert wire.get(link["$url"]).status == 200, (kind, name)
            if isinstance(link.get("$request"), str):
                assert wire.get(link["$request"]).status == 200, (kind, name)
        for name, member in entry.items():
            if isinstance(member, dict) and "$key" in member:
                assert wire.entry(member["$url"])["$title"] == member["$title"], (kind, name)


@pytest.mark.parametrize("logon", LOGONS)
def test_39_edit_and_delete_are_linked_where_they_succeed_and_nowhere_else(logon: str) -> None:
    wire = login(logon)
    for kind, entry in entries(logon):
        here, properties = at(kind, entry["$key"]), wire.entry(f"$prototypes/{kind}")["$properties"]
        change = change_of(properties, entry)
        edited = attempt(wire, "PATCH", here, change).status
        assert edited in ((200,) if "$edit" in entry["$links"] else (403, 405, 409)), (here, change)
        deleted = attempt(wire, "DELETE", here).status
        assert deleted in ((204,) if "$delete" in entry["$links"] else (403, 405, 409)), here


def change_of(properties: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    """Return a body that changes one harmless field."""
    for name, member in properties.items():
        if member["$isReadOnly"] or member.get("$relation") or name.startswith(("PLink_Ent", "PLink_Rec", "ELink")):
            continue
        if member["$type"] == "sdata/boolean" and not name.endswith(("DefaultValue", "Active")):
            return {name: not entry[name]}
        if member["$type"] == "sdata/string" and "$format" not in member and member.get("$maxLength", 0) > 4:
            return {name: "Other" if entry[name] != "Other" else "Another"}
    return {}


@pytest.mark.parametrize("logon", LOGONS)
def test_39_insert_is_linked_where_it_is_not_refused(logon: str) -> None:
    wire = login(logon)
    for entity in registry():
        if entity.kind not in kinds(logon):
            continue
        offered = "$insert" in wire.entry(entity.kind, count=0)["$links"]
        status = attempt(wire, "POST", entity.kind, {}).status
        assert status in ((201, 400) if offered else (403, 405)), entity.kind


@pytest.mark.parametrize("logon", ["susan", "peter", "olivia"])
def test_39_insert_is_linked_in_the_collections_that_take_it(logon: str) -> None:
    wire = login(logon)
    for kind in (kind for kind in kinds(logon) if registry()[kind].collections):
        for key in keys(logon, kind)[::5][:4]:
            for item in registry()[kind].collections:
                if item.kind not in kinds(logon):
                    continue
                there = f"{at(kind, key)}/{item.kind}"
                offered = "$insert" in wire.entry(there, count=0)["$links"]
                body = {"addr_city": "x", "phon_number": "1", "emai_emailaddress": "a@example.com"}
                names = {name.lower() for name in wire.entry(f"$prototypes/{item.kind}")["$properties"]}
                status = attempt(wire, "POST", there, {k: v for k, v in body.items() if k in names}).status
                assert status in ((201, 400) if offered else (403, 405)), there


def converted(wire: Wire) -> tuple[int, int]:
    """Convert a quote that has lines; return its key and a line's."""
    line = wire.entry("quoteitems", count=1)["$resources"][0]
    system_rows(Quote).filter(pk=line["QuIt_OrderQuoteId"]).update(status="Converted")
    return line["QuIt_OrderQuoteId"], line["$key"]


def test_39_what_the_state_of_a_record_forbids_is_not_linked(admin: Wire) -> None:
    quote, line = converted(admin)
    assert not {"$delete"} & set(admin.entry(at("Quotes", quote))["$links"])
    assert admin.delete(at("Quotes", quote)).refusal == (409, "ApplicationDiagnosis", "InUse")
    assert not {"$edit", "$delete"} & set(admin.entry(at("QuoteItems", line))["$links"])
    assert admin.delete(at("QuoteItems", line)).refusal == (409, "ApplicationDiagnosis", "TransitionNotAllowed")
    assert admin.patch(at("QuoteItems", line), {"quit_quantity": 99}).status == 409
    there = f"{at('Quotes', quote)}/QuoteItems"
    assert "$insert" not in admin.entry(there)["$links"]
    assert admin.post(there, {"quit_linetype": "c", "quit_description": "x"}).status == 409


def test_39_reference_data_in_use_cannot_be_deleted_and_does_not_say_so(admin: Wire) -> None:
    used = admin.entry("newproduct", count=1)["$resources"][0]
    assert "$delete" not in used["$links"]
    assert admin.delete(used["$url"]).refusal == (409, "ApplicationDiagnosis", "InUse")
    free = admin.post("newproduct", {"prod_code": "NEW", "prod_name": "New"}).json
    assert "$delete" in free["$links"]
    assert admin.delete(free["$url"]).status == 204


def test_39_an_address_that_serves_somebody_else_too_cannot_be_deleted(admin: Wire, olivia: Wire) -> None:
    """Deleting an address needs Edit on each of the owners that the caller sees (entities.md §2, D5)."""
    mine = next(e for e in olivia.entry("company", count=1000)["$resources"] if "$edit" in e["$links"])
    others = next(e for e in olivia.entry("company", count=1000)["$resources"] if "$edit" not in e["$links"])
    made = olivia.post(f"{mine['$url']}/Address", {"addr_city": "Cork"})
    assert made.status == 201
    assert "$delete" in made.json["$links"]
    admin.post(
        "address_link", {"adli_addressid": made.json["$key"], "adli_companyid": others["$key"], "adli_type": "Shipping"}
    )
    assert "$delete" not in olivia.entry(made.json["$url"])["$links"]
    assert olivia.delete(made.json["$url"]).refusal == (403, "ApplicationDiagnosis", "NotPermitted")


def test_a_child_is_edited_by_those_who_may_edit_its_parent(olivia: Wire) -> None:
    for key in keys("olivia", "Phone"):
        phone = olivia.entry(at("Phone", key))
        owner = olivia.entry(f"{registry().by_table_id[phone['PLink_EntityId']].kind}('{phone['PLink_RecordId']}')")
        assert ("$edit" in phone["$links"]) == ("$delete" in phone["$links"]) == ("$edit" in owner["$links"])
