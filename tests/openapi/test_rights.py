"""The document follows the rights of its reader, and what it says then is what the server does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from entities.registry import registry
from security.models import FieldRule, Profile, ProfileRight
from tests.api.wire import BASE, login
from tests.openapi.validate import Contract

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.api.wire import Wire


def contract(wire: Wire) -> Contract:
    return Contract(wire.entry("/openapi.json"))


def judged(wire: Wire, found: Contract, method: str, path: str, body: Any = None) -> int:
    answer = wire.send(method, path, body)
    assert found.problems(method, f"{BASE}/{path}", answer.status, answer.headers, answer.body) == []
    return answer.status


def test_a_kind_that_may_be_inserted_but_not_viewed_can_only_be_posted() -> None:
    ProfileRight.objects.filter(profile__group__name="Support", entity="Cases").delete()
    support = Profile.objects.get(group__name="Support")
    ProfileRight.objects.create(profile=support, entity="Cases", scope="everywhere", insert=True)
    peter = login("peter")
    found = contract(peter)
    assert [path for path in found.document["paths"] if path.startswith("/Cases")] == ["/Cases", "/Cases/$batch"]
    assert list(found.document["paths"]["/Cases"]) == ["post"]
    created = found.document["paths"]["/Cases"]["post"]["responses"]["201"]
    assert created["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Reference"}
    assert "links" not in created
    assert "CasesCollection" not in json.dumps(found.document)
    example = found.document["components"]["examples"]["CasesCreate"]["value"]
    assert judged(peter, found, "POST", "Cases", example) == 201
    assert judged(peter, found, "GET", "Cases") == 403
    assert judged(peter, found, "GET", "Cases('1')") == 403


def test_a_kind_whose_required_field_cannot_be_written_is_not_created() -> None:
    sales = Profile.objects.get(group__name="Sales")
    FieldRule.objects.create(profile=sales, entity="Company", field="Comp_Name", write=False)
    found = contract(login("susan")).document
    assert "post" not in found["paths"]["/Company"]
    assert "patch" in found["paths"]["/Company('{key}')"]
    assert found["components"]["schemas"]["CompanyUpdate"]["properties"]["Comp_Name"]["readOnly"]


def test_a_field_that_a_rule_requires_is_required() -> None:
    sales = Profile.objects.get(group__name="Sales")
    FieldRule.objects.create(profile=sales, entity="Company", field="Comp_WebSite", required=True)
    susan = login("susan")
    found = contract(susan)
    body = found.document["components"]["schemas"]["CompanyCreate"]
    assert body["required"] == ["Comp_Name", "Comp_WebSite"]
    assert body["properties"]["Comp_WebSite"]["type"] == "string"
    assert judged(susan, found, "POST", "Company", {"Comp_Name": "Without"}) == 400


def test_a_title_field_that_is_hidden_leaves_the_examples_neutral() -> None:
    sales = Profile.objects.get(group__name="Sales")
    FieldRule.objects.create(profile=sales, entity="Person", field="Pers_LastName", read=False)
    found = contract(login("susan")).document
    example = found["components"]["examples"]["CompanyEntry"]["value"]
    assert example["Person"]["$title"] == "Person 30"
    assert "Ada Sample" not in json.dumps(found)
    assert "Pers_FullName" not in json.dumps(found)


def test_a_collection_over_a_hidden_field_is_no_address() -> None:
    sales = Profile.objects.get(group__name="Sales")
    FieldRule.objects.create(profile=sales, entity="Cases", field="Case_PrimaryCompanyId", read=False)
    found = json.dumps(contract(login("susan")).document)
    assert "/Company('{parent}')/Cases" not in found
    assert "Case_PrimaryCompanyId" not in found


@pytest.mark.parametrize("logon", ["susan", "olivia"])
def test_the_examples_of_parameters_are_understood(logon: str, contracts: Mapping[str, Contract]) -> None:
    wire, found = login(logon), contracts[logon].document
    parameters = found["components"]["parameters"]
    for path, methods in found["paths"].items():
        if "get" in methods and path[1:] in wire_kinds(found):
            for reference in methods["get"]["parameters"]:
                parameter = parameters[reference["$ref"].rpartition("/")[2]]
                for example in parameter.get("examples", {}).values():
                    asked = {parameter["name"]: example["value"]}
                    assert wire.get(path[1:], **asked).status == 200, (path, asked)


def wire_kinds(found: dict[str, Any]) -> list[str]:
    kinds: list[str] = found["components"]["schemas"]["Kind"]["enum"]
    assert set(kinds) <= {entity.kind for entity in registry()}
    return kinds
