"""``Custom_Captions``: the selection lists and field labels as a read-only kind (contract.md §16, §23 number 85)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from entities.captions import refresh_families
from entities.models import Caption, CaptionFamily, User
from security.gate import system_rows
from security.models import FieldRule
from tests.api.wire import at, login

if TYPE_CHECKING:
    from tests.api.wire import Wire

REFERENCES = {"sdata/reference"}


def captions(wire: Wire, where: str) -> list[dict[str, Any]]:
    page = wire.entry("Custom_Captions", where=where, count=1000)
    found = list(page["$resources"])
    while "$next" in page["$links"]:
        page = wire.entry(page["$links"]["$next"]["$url"])
        found += page["$resources"]
    return found


def properties(wire: Wire) -> dict[str, dict[str, Any]]:
    """Return the fields of all of the caller's prototypes by name."""
    found: dict[str, dict[str, Any]] = {}
    for kind in wire.kinds():
        for name, told in wire.entry(f"$prototypes/{kind}")["$properties"].items():
            if told["$type"] != "sdata/reference" and "$resourceKind" not in told.get("$item", {}):
                found.setdefault(name, told)
    return found


@pytest.mark.parametrize("logon", ["admin", "susan", "peter", "olivia", "ian"])
def test_85_families_are_the_lists_of_the_prototypes_and_nothing_else(logon: str) -> None:
    wire = login(logon)
    told: dict[str, list[tuple[str, str]]] = {}
    for caption in captions(wire, "Capt_FamilyType eq 'Choices'"):
        told.setdefault(caption["Capt_Family"], []).append((caption["Capt_Code"], caption["Capt_US"]))
    fields = properties(wire)
    enums = {name: field["$item"]["$enum"] for name, field in fields.items() if field.get("$item", {}).get("$enum")}
    assert told == {name: [(code["$value"], code["$title"]) for code in codes] for name, codes in enums.items()}
    labels = {caption["Capt_Code"]: caption["Capt_US"] for caption in captions(wire, "Capt_FamilyType eq 'Tags'")}
    assert labels == {name: field["$title"] for name, field in fields.items()}


def test_85_a_list_is_asked_for_as_clients_of_sage_do(susan: Wire) -> None:
    page = susan.entry("Custom_Captions?where=Capt_Family%20eq%20'Comp_Source'&count=1000&startIndex=1")
    enum = susan.entry("$prototypes/company")["$properties"]["Comp_Source"]["$item"]["$enum"]
    assert [entry["Capt_Code"] for entry in page["$resources"]] == [code["$value"] for code in enum]
    assert page["$totalResults"] == len(enum)
    entry = page["$resources"][0]
    assert entry["$title"] == f"Comp_Source {enum[0]['$value']}"
    assert type(entry["$key"]) is int
    assert susan.entry(at("captions", entry["$key"])) == entry
    assert set(entry["$links"]) == {"$self", "$prototype", "$explain"}


def test_85_a_language_has_its_own_labels(susan: Wire) -> None:
    Caption.objects.filter(family="Comp_Type", code="Customer").update(de="Kunde")
    system_rows(User).filter(logon="susan").update(language="DE")
    found = {entry["Capt_Code"]: entry["Capt_DE"] for entry in captions(susan, "capt_family eq 'Comp_Type'")}
    enum = susan.entry("$prototypes/company")["$properties"]["Comp_Type"]["$item"]["$enum"]
    assert found["Customer"] == "Kunde"
    assert {code["$value"]: code["$title"] for code in enum} == {code: label or code for code, label in found.items()}


def test_85_a_retired_code_is_in_no_family(susan: Wire) -> None:
    Caption.objects.filter(family="Comp_Type", code="Investor").update(retired=True)
    assert "Investor" not in [entry["Capt_Code"] for entry in captions(susan, "capt_family eq 'Comp_Type'")]


def test_85_captions_come_by_family_order_and_code(susan: Wire) -> None:
    given = captions(susan, "capt_familytype eq 'Choices'")
    assert given == captions_in_order(susan)
    shown = [(entry["Capt_Family"].lower(), entry["Capt_Order"]) for entry in given]
    assert shown == sorted(shown)


def captions_in_order(wire: Wire) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = wire.entry(
        "captions", where="capt_familytype eq 'Choices'", orderBy="capt_family,capt_order,capt_code", count=1000
    )["$resources"]
    return found


@pytest.mark.parametrize(("kind", "wire"), [("Company", "Comp_Source"), ("Person", "Pers_FirstName")])
def test_a_hidden_field_has_no_captions(susan: Wire, kind: str, wire: str) -> None:
    """entities.md §10.10."""
    by_name = f"capt_family eq '{wire}' or capt_code eq '{wire}'"
    before = captions(susan, by_name)
    assert before
    FieldRule.objects.create(entity=kind, field=wire, read=False)
    assert captions(susan, by_name) == []
    unused = susan.get("captions('2147483000')")
    for entry in before[:3]:
        answer = susan.get(entry["$url"])
        assert (answer.status, answer.body) == (404, unused.body)
    assert captions(login("admin"), by_name) == before


def test_the_label_of_a_views_column_is_hidden_with_its_source(susan: Wire) -> None:
    wanted = "capt_code eq 'Comp_PhoneAreaCode'"
    assert [entry["Capt_US"] for entry in captions(susan, wanted)] == ["Phone Area Code"]
    FieldRule.objects.create(entity="Phone", field="Phon_AreaCode", read=False)
    assert captions(susan, wanted) == []


def test_nobody_without_any_kind_knows_captions(nora: Wire) -> None:
    assert nora.kinds() == []
    assert nora.get("Custom_Captions").refusal == (404, "ResourceKindNotFound", "UnknownPath")


def test_captions_are_read_only(admin: Wire) -> None:
    key = admin.keys("captions", count=1)[0]
    for method, path in (("POST", "captions"), ("PATCH", at("captions", key)), ("DELETE", at("captions", key))):
        refused = admin.send(method, path, {"capt_us": "X"})
        assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


def test_families_keep_their_keys_when_fields_come_and_go(admin: Wire) -> None:
    keys = {row.wire: row.pk for row in CaptionFamily.objects.filter(family_type="Tags")}
    gone = CaptionFamily.objects.create(family_type="Tags", wire="Comp_LongGone", title="Long Gone")
    CaptionFamily.objects.filter(family_type="Tags", wire="Comp_Name").update(title="Old Name")
    refresh_families()
    assert {row.wire: row.pk for row in CaptionFamily.objects.filter(family_type="Tags")} == {
        **keys,
        "Comp_LongGone": gone.pk,
    }
    assert [entry["Capt_US"] for entry in captions(admin, "capt_code eq 'Comp_Name'")] == ["Company Name"]
    assert captions(admin, "capt_code eq 'Comp_LongGone'") == []
