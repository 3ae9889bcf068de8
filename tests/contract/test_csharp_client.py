"""The habits of Sage's sample client in C#: how it addresses, what it posts, what it can deserialise."""

from __future__ import annotations

from typing import Any

import pytest

from entities.registry import registry
from tests.api.wire import Wire, login

# The client joins its base, which ends with a slash, and "/name".
BASE = "/sdata/crmj/sagecrm2/-/"
LINKED = ("Person", "Company", "Address", "Account", "Opportunity", "Cases", "Communication", "Library", "Users")


@pytest.mark.parametrize("name", ["company", "Company"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_double_slash_after_the_dataset_is_one(susan: Wire, slash: str, name: str) -> None:
    assert susan.get(f"{BASE}{slash}{name}('2')").body == susan.get("Company('2')").body
    assert susan.get(f"{BASE}{slash}{name}").json["$resources"] == susan.get("Company").json["$resources"]
    assert susan.get(f"{BASE}{slash}$prototypes").body == susan.get("$prototypes").body
    assert susan.get(f"{BASE}{slash}$prototypes/{name}").body == susan.get("$prototypes/Company").body


def test_a_posted_model_carries_what_it_read(susan: Wire) -> None:
    model = {"$totalResults": 0, "$title": None, "$key": 0, "$url": None, "Comp_CompanyID": 0}
    made = susan.post(f"{BASE}Company", model | {"Comp_Name": "From the client"})
    assert made.status == 201
    assert made.json["Comp_Name"] == "From the client"
    assert susan.post(f"{BASE}company", b'{ "comp_name" : "Lower case" }').json["Comp_Name"] == "Lower case"


def test_a_put_model_leaves_out_what_is_null(susan: Wire) -> None:
    before = susan.entry("company('2')")
    answer = susan.put(f"{BASE}/company('2')", {"Comp_Website": "http://www.example.com"})
    assert (answer.status, answer.json["Comp_WebSite"]) == (200, "http://www.example.com")
    assert answer.json["Comp_Name"] == before["Comp_Name"]


def test_a_delete_goes_by_name_and_key(admin: Wire) -> None:
    assert admin.delete(f"{BASE}/Company('2')").status == 204


def is_record(entry: dict[str, Any]) -> bool:
    """Whether the client's record can hold the entry: ints, strings, and objects under the linked names."""
    folded = [name.lower() for name in entry]
    assert len(folded) == len(set(folded)), "two members that differ in case only"
    assert (type(entry["$key"]), type(entry["$title"]), type(entry["$url"])) == (int, str, str)
    by_name = {name.lower(): value for name, value in entry.items()}
    return all(isinstance(by_name.get(name.lower()), dict | None) for name in LINKED)


@pytest.mark.parametrize("logon", ["admin", "olivia"])
def test_36_every_feed_can_be_deserialised(logon: str) -> None:
    wire = login(logon)
    for kind in wire.kinds():
        feed = wire.entry(kind)
        assert {type(feed[name]) for name in ("$totalResults", "$startIndex", "$itemsPerPage")} == {int}
        assert all(is_record(entry) for entry in feed["$resources"]), kind


def test_the_prototypes_can_be_deserialised(susan: Wire) -> None:
    feed = susan.entry("$prototypes")
    assert type(feed["$totalResults"]) is int
    for short in feed["$resources"]:
        entity = susan.entry(short["$url"])
        assert (type(entity["$resourceId"]), type(entity["$resourceKind"])) == (int, str)
        for field in entity["$properties"].values():
            assert {type(field[flag]) for flag in ("$isMandatory", "$isHidden", "$isReadOnly")} == {bool}
            assert {type(field["$title"]), type(field["$type"])} == {str}


def test_no_field_is_named_like_a_linked_record() -> None:
    linked = {name.lower() for name in LINKED} | {name for entity in registry() for name in entity.relations}
    for entity in registry():
        assert not linked & {field.wire.lower() for field in entity.fields}
