"""Documents: valid, without warnings, the caller's own and nobody else's (contract.md §5.4, §10)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from django.core.management import call_command
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.openapi.generator import Generator
from entities.models import Caption, User
from security.models import FieldRule, Profile
from tests.api.wire import BASE, LOGONS, ROOT, Wire, login

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.openapi.validate import Contract

PUBLIC = Path(__file__).parents[2] / "docs" / "openapi.yaml"
HIDDEN_FROM_PARTNERS = ("Comp_Revenue", "Comp_Employees", "Oppo_Forecast", "Oppo_Certainty")


def document(wire: Wire) -> dict[str, Any]:
    return wire.entry("/openapi.json")


@pytest.mark.parametrize("logon", LOGONS)
def test_every_served_document_is_valid_openapi(contracts: Mapping[str, Contract], logon: str) -> None:
    found = contracts[logon].document
    assert found["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(found).validate()
    assert found["servers"] == [{"url": ROOT}]


def test_the_public_document_is_current_and_free_of_warnings(tmp_path: Path) -> None:
    """Else: ``make docs``."""
    target = tmp_path / "openapi.yaml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(target))
    assert target.read_bytes() == PUBLIC.read_bytes()
    OpenAPIV31SpecValidator(yaml.load(target.read_bytes(), yaml.CSafeLoader)).validate()


def test_every_address_of_the_document_answers_the_same_document() -> None:
    susan = login("susan")
    below, root, text = susan.get("$openapi"), susan.get("/openapi.json"), susan.get("/openapi.yaml")
    assert below.body == root.body
    assert json.loads(root.body) == yaml.load(text.body, yaml.CSafeLoader)
    assert text.headers["Content-Type"] == "application/yaml"
    for address in ("%24OpenApi", "$openapi/"):
        assert susan.get(address).body == root.body


@pytest.mark.parametrize("address", ["/openapi.json", "/openapi.yaml", f"{BASE}/$openapi"])
def test_a_document_is_for_those_who_log_in(address: str) -> None:
    refused = Wire().get(address)
    assert refused.status == 401
    assert refused.headers["WWW-Authenticate"].startswith("Basic ")
    assert "WWW-Authenticate" not in Wire({"X-Authorization-Mode": "no-challenge"}).get(address).headers


@pytest.mark.parametrize("address", ["/openapi.json", "/openapi.yaml", f"{BASE}/$openapi"])
def test_the_tag_is_the_fingerprint(address: str) -> None:
    susan = login("susan")
    found = susan.get(address)
    assert found.headers["ETag"] == f'"{found.headers["Contract-Fingerprint"]}"'
    again = susan.get(address, headers={"If-None-Match": found.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    assert "Authorization" in found.headers["Vary"]
    assert susan.get(address, format="json").status == 200
    assert susan.get(address, page="1").status == 400
    assert susan.head(address).headers["ETag"] == found.headers["ETag"]


def test_a_hidden_field_has_no_name_in_the_document() -> None:
    found = login("olivia").get("/openapi.json").body.decode().lower()
    public = PUBLIC.read_text().lower()
    for name in HIDDEN_FROM_PARTNERS:
        assert name.lower() not in found
        assert name.lower() in public
    assert "comp_revenue" not in login("peter").get("/openapi.json").body.decode().lower()


def test_every_field_that_is_hidden_one_by_one_vanishes() -> None:
    """A list that other kinds use, too, does not go by the name of a field that is hidden."""
    profile = Profile.objects.get(group__name="Sales")
    for kind, wire in (("Company", "Comp_Source"), ("Opportunity", "Oppo_Priority"), ("Cases", "Case_Description")):
        assert wire.lower() in login("susan").get("/openapi.json").body.decode().lower()
        FieldRule.objects.create(profile=profile, entity=kind, field=wire, read=False)
        assert wire.lower() not in login("susan").get("/openapi.json").body.decode().lower()


def test_a_kind_that_is_unknown_has_no_name_in_the_document() -> None:
    found = document(login("peter"))
    assert "Opportunity" not in json.dumps(found)
    assert "/Company" in found["paths"]


def test_without_a_profile_only_discovery_is_left() -> None:
    found = document(login("nora"))
    assert set(found["paths"]) <= {"/", "/$whoami", "/$prototypes", "/$openapi", "/$docs"}
    assert {tag["name"] for tag in found["tags"]} == {"Discovery"}
    text = json.dumps(document(login("admin"))["paths"])
    assert "Company" in text
    for kind in ("Company", "Comp_", "Users", "Territories", "Currency"):
        assert kind not in json.dumps(found)


def test_equal_contracts_have_equal_documents() -> None:
    """Two sales people share every byte; so do the administrator's and the public document, installation aside."""
    claire = User._default_manager.get(logon="claire")
    claire.set_password("demo-claire")
    claire.save()
    assert login("claire").get("/openapi.json").body == login("susan").get("/openapi.json").body
    served, public = document(login("admin")), Generator().get_schema()
    where = public["servers"][0]["url"]
    assert json.loads(json.dumps(public).replace(where, ROOT)) == served


def operation(found: dict[str, Any], name: str) -> dict[str, Any]:
    for methods in found["paths"].values():
        for described in methods.values():
            if described["operationId"] == name:
                return dict(described)
    raise LookupError(name)


def test_only_what_is_offered_is_an_operation() -> None:
    names = {
        logon: {o["operationId"] for methods in document(login(logon))["paths"].values() for o in methods.values()}
        for logon in ("admin", "susan", "peter")
    }
    assert {"listCompany", "getCompany", "createCompany", "updateCompany", "replaceCompany"} <= names["susan"]
    assert {"listCompanyPerson", "createCompanyPerson", "getCompanyPerson", "getCasesCompany"} <= names["admin"]
    assert "deleteCompany" in names["admin"]
    assert {"listCompany", "getCompany"} <= names["peter"]
    assert not {"createCompany", "updateCompany", "deleteCompany", "createCompanyPerson"} & names["peter"]
    assert "createUsers" not in names["admin"]


def test_what_cannot_be_written_is_no_writable_member() -> None:
    found = document(login("olivia"))["components"]["schemas"]["CompanyUpdate"]["properties"]
    assert found["Comp_Status"]["readOnly"]
    assert "readOnly" not in found["Comp_Name"]
    assert (
        "readOnly"
        not in document(login("susan"))["components"]["schemas"]["CompanyUpdate"]["properties"]["Comp_Status"]
    )


def test_codes_and_types_are_those_of_the_prototype() -> None:
    susan = login("susan")
    schemas = document(susan)["components"]["schemas"]
    for kind in susan.kinds():
        prototype = susan.entry(f"$prototypes/{kind}")
        for wire, told in prototype["$properties"].items():
            described = schemas[kind]["properties"][wire]
            if told["$type"] == "sdata/choice" and told["$item"]["$enum"]:
                (reference, *nothing) = described.get("oneOf") or described["allOf"]
                codes = schemas[reference["$ref"].rpartition("/")[2]]["enum"]
                assert codes == [code["$value"] for code in told["$item"]["$enum"]]
                assert nothing == ([] if told["$isMandatory"] else [{"type": "null"}])
            if told["$type"] == "sdata/string":
                assert described.get("maxLength") == told.get("$maxLength"), wire
            assert described.get("title", told["$title"]) == told["$title"]
        required = set(schemas[f"{kind}Create"].get("required", ())) if f"{kind}Create" in schemas else set()
        mandatory = {wire for wire, told in prototype["$properties"].items() if told["$isMandatory"]}
        assert required <= mandatory


def test_every_operation_is_described() -> None:
    found = document(login("admin"))
    named = {tag["name"] for tag in found["tags"]}
    for path, methods in found["paths"].items():
        for method, described in methods.items():
            assert described["summary"] and described["description"], (method, path)
            assert set(described["tags"]) <= named
            assert {"400", "401", "414", "500", "503"} <= set(described["responses"])
            if method in ("post", "put", "patch"):
                assert {"403", "404", "413", "415"} <= set(described["responses"])
            if method in ("post", "put", "patch") and not path.endswith(("/$query", "/$policy/preview")):
                assert "409" in described["responses"], (method, path)
            if method in ("put", "patch", "delete"):
                assert "412" in described["responses"]


def test_labels_are_in_the_language_of_the_caller() -> None:
    Caption.objects.filter(family="Comp_Type", code="Customer").update(es="Cliente")
    codes = {logon: document(login(logon))["components"]["schemas"]["Comp_Type"] for logon in ("olivia", "susan")}
    assert "- `Customer`: Cliente" in codes["olivia"]["description"]
    assert "- `Customer`: Customer" in codes["susan"]["description"]


def test_a_retired_code_is_told_as_such_because_records_may_hold_it() -> None:
    Caption.objects.filter(family="Comp_Type", code="Customer").update(retired=True)
    found = document(login("susan"))["components"]["schemas"]["Comp_Type"]
    assert "Customer" in found["enum"]
    assert "- `Customer`: Customer (retired)" in found["description"]
