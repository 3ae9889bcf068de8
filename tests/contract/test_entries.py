"""Entries: shape, titles, linked records, tags (contract.md §7)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from entities.models import Company, Person
from entities.registry import ByOwner, registry
from security.gate import system_rows
from security.models import FieldRule
from tests.api.twins import keys, kinds
from tests.api.wire import ROOT, Wire, at, login

if TYPE_CHECKING:
    from collections.abc import Iterator

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def samples(logon: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (kind, entry): the first and the last of each kind that the caller sees."""
    wire = login(logon)
    for kind in kinds(logon):
        for key in {*keys(logon, kind)[:1], *keys(logon, kind)[-1:]}:
            yield kind, wire.entry(at(kind, key))


@pytest.mark.parametrize("logon", ["admin", "susan", "peter", "olivia"])
def test_35_an_entry_has_identity_and_all_readable_fields(logon: str) -> None:
    wire = login(logon)
    for kind, entry in samples(logon):
        key = entry["$key"]
        assert type(key) is int
        assert entry["$url"] == f"{ROOT}/{kind}('{key}')"
        assert isinstance(entry["$title"], str)
        assert entry["$title"]
        properties = wire.entry(f"$prototypes/{kind}")["$properties"]
        fields = [name for name, member in properties.items() if member["$type"] not in ("sdata/reference",)]
        fields = [name for name in fields if not name.endswith("Collection")]
        shown = [name for name in entry if "_" in name and name not in {e.kind for e in registry()}]
        assert shown == fields
        for name in fields:
            assert_type(properties[name]["$type"], entry[name], name)


def assert_type(declared: str, value: Any, name: str) -> None:
    if declared == "sdata/boolean":
        assert type(value) is bool, name
    elif value is not None:
        types: dict[str, tuple[type, ...]] = {
            "sdata/integer": (int,),
            "sdata/number": (int, float),
            "sdata/array": (list,),
        }
        assert isinstance(value, types.get(declared, (str,))), name
        if declared == "sdata/datetime":
            assert MOMENT.fullmatch(str(value)), name
        assert value != ""
        assert value != []


@pytest.mark.parametrize("logon", ["admin", "susan", "peter", "olivia"])
def test_36_every_linked_record_is_an_object_or_absent(logon: str) -> None:
    for kind, entry in samples(logon):
        entity = registry()[kind]
        linked = {name: value for name, value in entry.items() if isinstance(value, dict) and name != "$links"}
        owners = {k for parent in entity.parents if isinstance(parent, ByOwner) for k in parent.kinds}
        for name, value in linked.items():
            assert set(value) == {"$key", "$url", "$title"}, (kind, name)
            if name not in owners:
                assert value["$key"] == entry[entity.relations[name.lower()].wire]
        assert not [
            value for value in entry.values() if isinstance(value, list) and value and isinstance(value[0], dict)
        ]
        assert not {"CreatedBy", "UpdatedBy"} & set(linked)


def test_36_the_owner_of_a_phone_is_linked_under_its_kind(susan: Wire) -> None:
    entry = susan.entry("phone", where="plink_entityid eq 5", count=1)["$resources"][0]
    assert entry["Company"]["$key"] == entry["PLink_RecordId"]
    assert "Person" not in entry


def test_37_a_linked_record_appears_when_it_becomes_visible(admin: Wire, olivia: Wire) -> None:
    company = next(
        e for e in admin.entry("company", count=1000)["$resources"] if e["$key"] in keys("olivia", "Company")
    )
    person = company["Comp_PrimaryPersonId"]
    assert person not in keys("olivia", "Person")
    hidden = olivia.entry(at("Company", company["$key"]))
    assert (hidden["Comp_PrimaryPersonId"], hidden.get("Person")) == (None, None)
    system_rows(Person).filter(pk=person).update(primary_user=5)
    shown = olivia.entry(at("Company", company["$key"]))
    assert shown["Comp_PrimaryPersonId"] == person
    assert shown["Person"] == company["Person"]


def test_37_a_deleted_record_is_linked_no_more(susan: Wire) -> None:
    entry = susan.entry(at("Company", 2))
    assert entry["Person"]["$key"] == entry["Comp_PrimaryPersonId"]
    system_rows(Person).filter(pk=entry["Comp_PrimaryPersonId"]).update(
        deleted_at=system_rows(Company).get(pk=2).created_at
    )
    after = susan.entry(at("Company", 2))
    assert (after["Comp_PrimaryPersonId"], after.get("Person")) == (None, None)


@pytest.mark.parametrize(
    ("hidden", "title"),
    [
        ((), "Adam Shaw"),
        (("Pers_FirstName",), "Shaw"),
        (("Pers_LastName",), "Adam"),
        (("Pers_FirstName", "Pers_LastName"), "Person 2"),
    ],
)
def test_38_a_title_holds_only_what_is_readable(susan: Wire, hidden: tuple[str, ...], title: str) -> None:
    for name in hidden:
        FieldRule.objects.create(entity="Person", field=name, read=False)
    entry = susan.entry(at("Person", 2))
    assert entry["$title"] == entry["$links"]["$self"]["$title"] == title
    assert susan.entry(at("Company", 2))["Person"]["$title"] == title
    assert susan.entry(at("Company", 2), include="person")["Person"]["$title"] == title
    assert susan.entry("person?where=$key eq 2")["$resources"][0]["$title"] == title


def test_38_an_empty_title_is_kind_and_key(unjudged: None, susan: Wire) -> None:
    system_rows(Company).filter(pk=2).update(name="")
    assert susan.entry(at("Company", 2))["$title"] == "Company 2"


def test_a_computed_field_is_readable_only_with_what_it_is_made_of(susan: Wire) -> None:
    assert susan.entry(at("Person", 2))["Pers_FullName"] == "Adam Shaw"
    FieldRule.objects.create(entity="Person", field="Pers_FirstName", read=False)
    assert "Pers_FullName" not in susan.entry(at("Person", 2))
    FieldRule.objects.create(entity="Quotes", field="Quot_DiscountAmt", read=False)
    entry = susan.entry("quotes", count=1)["$resources"][0]
    assert not {"Quot_DiscountAmt", "Quot_GrossAmt"} & set(entry)
    opportunity = susan.entry("opportunity", count=1)["$resources"][0]
    assert not {"Oppo_TotalQuotes", "Oppo_Total"} & set(opportunity)


def test_the_feed_shows_the_entries_themselves(susan: Wire) -> None:
    for kind in ("company", "person", "quotes", "quoteitems", "phone", "address_link", "users"):
        for entry in susan.entry(kind, count=3)["$resources"]:
            assert susan.entry(entry["$url"]) == entry


def test_updated_follows_its_field(susan: Wire) -> None:
    entry = susan.entry(at("Company", 2))
    assert entry["$updated"] == entry["Comp_UpdatedDate"]
    FieldRule.objects.create(entity="Company", field="Comp_UpdatedDate", read=False)
    assert "$updated" not in susan.entry(at("Company", 2))


def test_numbers_are_exact(admin: Wire) -> None:
    key = admin.keys("opportunity", count=1)[0]
    for text in ("123456789012345678.123456", "0.1", "1234.5", "100", "0", "0.000001"):
        answer = admin.patch(at("Opportunity", key), b'{"oppo_forecast": ' + text.encode() + b"}")
        assert f'"Oppo_Forecast":{text},'.encode() in answer.body
        assert admin.keys("opportunity", where=f"$key eq {key} and oppo_forecast eq {text}") == [key]
