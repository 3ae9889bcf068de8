"""What a caller is told before it asks for records: root, prototypes, itself (contract.md §5, §21)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Group

from entities.models import Caption, User
from entities.registry import registry
from security.gate import system_rows
from security.models import FieldRule, Profile
from tests.api.wire import BASE, LOGONS, ROOT, Wire, at, basic, login

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMBERS = {"$title", "$type", "$isMandatory", "$isReadOnly", "$isHidden"}
TYPES = {"string", "integer", "number", "boolean", "datetime", "choice", "array", "reference"}


def prototypes(wire: Wire) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind in wire.kinds():
        yield kind, wire.entry(f"$prototypes/{kind}")


@pytest.mark.parametrize("logon", LOGONS)
def test_19_the_root_links_exactly_the_kinds_of_the_caller(logon: str) -> None:
    wire = login(logon)
    links = wire.entry("")["$links"]
    assert [name for name in links if not name.startswith("$")] == wire.kinds()


@pytest.mark.parametrize("logon", LOGONS)
def test_19_every_link_of_the_root_can_be_followed(logon: str) -> None:
    wire = login(logon)
    for name, link in wire.entry("")["$links"].items():
        if "$method" not in link:
            asked = {"query": "an", "entity": "Company"} if "$request" in link else {}
            assert wire.get(link["$url"], **asked).status == 200, name


def test_19_a_kind_that_may_only_be_inserted_is_listed_with_post(nora: Wire) -> None:
    _profile_of_nora(insert=True)
    assert nora.entry("")["$links"]["Company"] == {
        "$url": f"{ROOT}/Company",
        "$title": "Companies",
        "$method": "POST",
    }
    assert nora.kinds() == [*(entity.kind for entity in registry() if entity.kind == "Company"), *_reference_kinds()]


# What shows fields of known kinds, and prices with their products.
REFERRING = ("Custom_Captions", "vNewProductPriceList")


def _reference_kinds() -> list[str]:
    return [entity.kind for entity in registry() if entity.reference_kind or entity.kind in REFERRING]


def _profile_of_nora(**rights: bool) -> Profile:
    group = Group.objects.create(name="Trainees")
    profile = Profile.objects.create(group=group)
    profile.rights.create(entity="Company", scope="everywhere", **rights)
    system_rows(User).get(logon="nora").groups.add(group)
    return profile


def test_the_root_has_the_protocols_links(susan: Wire) -> None:
    root = susan.entry("")
    assert (root["$url"], root["$baseUrl"]) == (f"{ROOT}/", ROOT)
    assert {"$self", "$whoami", "$prototypes", "$openapi", "$documentation"} <= set(root["$links"])
    assert root["$contract"] == susan.entry("$whoami")["$contract"]


@pytest.mark.parametrize("logon", LOGONS)
def test_20_the_list_of_prototypes_is_the_list_of_kinds(logon: str) -> None:
    feed = login(logon).entry("$prototypes")
    found = feed["$resources"]
    assert feed["$totalResults"] == feed["$itemsPerPage"] == len(found)
    assert feed["$startIndex"] == 1
    for entry in found:
        assert set(entry) == {"$title", "$baseUrl", "$url", "$resourceId", "$resourceKind"}
        assert type(entry["$resourceId"]) is int
        assert entry["$resourceId"] == registry()[entry["$resourceKind"]].table_id
        assert entry["$url"] == f"{ROOT}/$prototypes/{entry['$resourceKind']}"


@pytest.mark.parametrize("logon", ["admin", "susan", "olivia"])
def test_21_every_property_has_the_mandatory_members(logon: str) -> None:
    for kind, prototype in prototypes(login(logon)):
        assert (prototype["$resourceKind"], prototype["$resourceId"]) == (kind, registry()[kind].table_id)
        assert prototype["$keyProperty"] == registry()[kind].key.wire
        for name, member in prototype["$properties"].items():
            assert set(member) >= MEMBERS, name
            assert member["$isHidden"] is False
            assert type(member["$isMandatory"]) is bool
            assert type(member["$isReadOnly"]) is bool
            assert member["$type"].removeprefix("sdata/") in TYPES
            assert set(filter(None, member["$capabilities"].split(","))) <= {"filter", "sort", "search", "upsert"}


def test_21_capabilities_are_true(olivia: Wire) -> None:
    wire = olivia
    for kind, prototype in prototypes(wire):
        for name, member in list(prototype["$properties"].items())[::2]:
            able = member["$capabilities"].split(",")
            assert (wire.get(kind, where=f"{name} eq null", count=0).status == 200) == ("filter" in able), name
            assert (wire.get(kind, orderBy=name, count=0).status == 200) == ("sort" in able), name


def test_22_a_prototype_lacks_what_is_hidden_and_marks_what_is_not_writable(olivia: Wire, susan: Wire) -> None:
    mine = olivia.entry("$prototypes/company")["$properties"]
    hers = susan.entry("$prototypes/company")["$properties"]
    assert set(hers) - set(mine) == {"Comp_Revenue", "Comp_Employees"}
    assert (mine["Comp_Status"]["$isReadOnly"], hers["Comp_Status"]["$isReadOnly"]) == (True, False)
    assert mine["Comp_Name"]["$isMandatory"] is True


def test_22_a_field_rule_makes_a_field_mandatory(susan: Wire) -> None:
    FieldRule.objects.create(entity="Company", field="Comp_WebSite", required=True)
    assert susan.entry("$prototypes/company")["$properties"]["Comp_WebSite"]["$isMandatory"] is True
    assert susan.post("company", {"comp_name": "New"}).code == "Required"


def test_22_two_users_of_one_shape_and_language_get_the_same_bytes(susan: Wire) -> None:
    other = system_rows(User).get(logon="brian")
    assert other.language == "UK"
    other.password = system_rows(User).get(logon="susan").password
    other.save(update_fields=["password"])
    brian = Wire({"Authorization": basic("brian", "demo-susan")})
    for kind in susan.kinds():
        assert brian.get(f"$prototypes/{kind}").body == susan.get(f"$prototypes/{kind}").body


def test_23_every_value_offered_can_be_written_and_no_other(susan: Wire) -> None:
    key, properties = at("Company", 2), susan.entry("$prototypes/company")["$properties"]
    offered = {
        name: [choice["$value"] for choice in member["$item"]["$enum"]]
        for name, member in properties.items()
        if member["$type"] == "sdata/choice"
    }
    assert len(offered["Comp_IndCode"]) == 21
    for number in range(max(map(len, offered.values()))):
        body = {name: codes[number % len(codes)] for name, codes in offered.items()}
        answer = susan.patch(key, {name: code.upper() for name, code in body.items()})
        assert (answer.status, {name: answer.json[name] for name in body}) == (200, body)
    refused = susan.patch(key, dict.fromkeys(offered, "no such code"))
    assert refused.codes == ["NotAChoice"] * len(offered)


def test_23_a_retired_code_is_offered_no_more_but_stays_on_its_record(admin: Wire, susan: Wire) -> None:
    source = susan.entry(at("Company", 2))["Comp_Source"]
    Caption.objects.filter(family="Comp_Source", code=source).update(retired=True)
    offered = susan.entry("$prototypes/company")["$properties"]["Comp_Source"]["$item"]["$enum"]
    assert source not in [choice["$value"] for choice in offered]
    assert susan.patch(at("Company", 2), {"Comp_Source": source}).status == 200
    other = next(e for e in susan.entry("company", count=1000)["$resources"] if e["Comp_Source"] != source)
    assert susan.patch(at("Company", other["$key"]), {"Comp_Source": source}).code == "NotAChoice"


def test_labels_are_in_the_callers_language(susan: Wire) -> None:
    Caption.objects.filter(family="Comp_Type", code="Prospect").update(us="Hopeful", uk="Would-be")
    for language, label in (("UK", "Would-be"), ("US", "Hopeful"), ("DE", "Hopeful")):
        system_rows(User).filter(logon="susan").update(language=language)
        offered = susan.entry("$prototypes/company")["$properties"]["Comp_Type"]["$item"]["$enum"]
        assert {"$value": "Prospect", "$title": label} in offered


def test_25_whoami_shows_the_caller(susan: Wire) -> None:
    me = susan.entry("$whoami")
    assert me["$user"] == {
        "$key": 4,
        "$url": f"{ROOT}/Users('4')",
        "$title": "Susan Maye",
        "User_Logon": "susan",
        "User_Language": "UK",
    }
    assert (me["$title"], me["$administrator"]) == ("Susan Maye", False)
    assert [profile["$title"] for profile in me["$profiles"]] == ["Sales"]
    assert me["$territory"]["$title"] == "United Kingdom"
    assert me["$team"] == me["$teams"][0] == {"$key": 1, "$url": f"{ROOT}/Channel('1')", "$title": "Direct Sales"}
    assert me["$rights"]["Company"] == {"$view": True, "$edit": True, "$insert": True, "$delete": True}
    assert me["$rights"]["Users"] == {"$view": True, "$edit": False, "$insert": False, "$delete": False}
    assert set(me["$rights"]) == set(susan.kinds())


def test_25_whoami_names_no_record_that_the_caller_cannot_see(nora: Wire) -> None:
    me = nora.entry("$whoami")
    assert me["$user"] == {"$key": 7}
    assert (me["$territory"], me["$team"], me["$teams"], me["$profiles"]) == (None, None, [], [])
    assert me["$rights"] == {}


def test_25_whoami_shows_of_the_caller_only_what_it_may_read(susan: Wire) -> None:
    for field in ("User_Logon", "User_FirstName", "User_LastName"):
        FieldRule.objects.create(entity="Users", field=field, read=False)
    me = susan.entry("$whoami")
    assert me["$user"] == {"$key": 4, "$url": f"{ROOT}/Users('4')", "$title": "Users 4", "User_Language": "UK"}
    assert b"Susan" not in susan.get("$whoami").body


def test_26_a_change_of_the_callers_fields_changes_its_fingerprint_alone(admin: Wire, olivia: Wire) -> None:
    tag = olivia.get("$prototypes/company").headers["ETag"]
    before, others = (wire.entry("$whoami")["$contract"]["$fingerprint"] for wire in (olivia, admin))
    assert olivia.get("$prototypes/company", headers={"If-None-Match": tag}).status == 304
    FieldRule.objects.create(
        entity="Company", field="Comp_Sector", profile=Profile.objects.get(group__name="Partner"), read=False
    )
    again = olivia.get("$prototypes/company", headers={"If-None-Match": tag})
    assert again.status == 200
    assert "Comp_Sector" not in again.json["$properties"]
    assert olivia.entry("$whoami")["$contract"]["$fingerprint"] != before
    assert admin.entry("$whoami")["$contract"]["$fingerprint"] == others


def test_26_a_304_has_the_tag_and_no_body(olivia: Wire) -> None:
    first = olivia.get("$prototypes/company")
    again = olivia.get("$prototypes/company", headers={"If-None-Match": f'"x", W/{first.headers["ETag"]}'})
    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert first.headers["ETag"] == f'"{first.json["$fingerprint"]}"'


def test_26_the_fingerprint_does_not_depend_on_the_host(olivia: Wire, settings: Any) -> None:
    before = olivia.entry("$prototypes/company")
    settings.PUBLIC_BASE_URL = "https://crm.example.com"
    after = olivia.entry("$prototypes/company")
    assert after["$url"] == f"https://crm.example.com{BASE}/$prototypes/Company"
    assert after["$fingerprint"] == before["$fingerprint"]


def test_a_relation_to_an_unknown_kind_is_absent_and_its_number_stays(peter: Wire) -> None:
    properties = peter.entry("$prototypes/company")["$properties"]
    assert not {"OpportunityCollection", "QuotesCollection"} & set(properties)
    Profile.objects.get(group__name="Support").rights.filter(entity="NewProduct").delete()
    properties = peter.entry("$prototypes/cases")["$properties"]
    assert "NewProduct" not in properties
    assert "$relation" not in properties["Case_ProductId"]
    assert {entry["Case_ProductId"] for entry in peter.entry("cases", count=1000)["$resources"]} == {None}


def test_a_mandatory_field_that_cannot_be_written_takes_insert_away_without_naming_it(susan: Wire) -> None:
    FieldRule.objects.create(entity="Company", field="Comp_Name", write=False)
    assert susan.entry("$prototypes/company")["$rights"]["$insert"] is False
    assert "$insert" not in susan.entry("company")["$links"]
    answer = susan.post("company", {"comp_name": "New"})
    assert answer.refusal == (403, "ApplicationDiagnosis", "NotPermitted")
    assert b"Name" not in answer.body


def test_nora_is_told_no_kind_and_no_field(nora: Wire) -> None:
    wires = {field.wire.encode() for entity in registry() for field in entity.fields}
    for path in ("", "$whoami", "$prototypes", *(entity.kind for entity in registry())):
        body = nora.get(path).body
        assert not [wire for wire in wires if wire in body]
    assert nora.entry("$prototypes")["$resources"] == []
