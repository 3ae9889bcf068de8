"""Every JSON answer from an address of the caller's document is as the document says (contract.md §5.4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.wire import BASE, Answer, Wire, login

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.openapi.validate import Contract


USERS = ("admin", "susan", "peter", "olivia", "nora")


class Judged:
    """A client whose every answer is held against the caller's document."""

    def __init__(self, wire: Wire, contract: Contract) -> None:
        self.wire, self.contract = wire, contract

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        """Send a request and judge what comes back."""
        answer = self.wire.send(method, path, body, **options)
        address = path if path.startswith("/") else f"{BASE}/{path}"
        found = self.contract.problems(method, address, answer.status, answer.headers, answer.body)
        assert not found, (method, path, options, answer.status, found[:5])
        return answer


@pytest.fixture(params=USERS)
def user(request: pytest.FixtureRequest, contracts: Mapping[str, Contract]) -> Judged:
    """A judged client of each demo user."""
    return Judged(login(request.param), contracts[request.param])


def operations(contract: Contract, method: str) -> list[tuple[str, dict[str, Any]]]:
    return [(path, found[method]) for path, found in contract.document["paths"].items() if method in found]


def kinds(contract: Contract) -> list[str]:
    found = contract.document["components"]["schemas"].get("Kind", {"enum": []})
    return [kind for kind in found["enum"] if "get" in contract.document["paths"].get(f"/{kind}", {})]


def test_discovery(user: Judged) -> None:
    for path in ("", "$whoami", "$prototypes", "$openapi"):
        assert user.send("GET", path).status == 200
    for kind in kinds(user.contract):
        assert user.send("GET", f"$prototypes/{kind}").status == 200


def test_feeds_with_every_parameter(user: Judged) -> None:
    for kind in kinds(user.contract):
        for parameters in (
            {},
            {"count": 0},
            {"count": 3, "startIndex": 2, "totals": "none"},
            {"labels": "true", "count": 10},
            {"select": "$etag,$updated,$links,*", "count": 2},
            {"select": "$key", "count": 2},
            {"orderBy": "$key desc", "count": 2},
            {"where": "$key gt 5 and not ($key lt 3)", "count": 2},
        ):
            answer = user.send("GET", kind, **parameters)
            assert answer.status == 200, (kind, parameters, answer.body)
        links = user.send("GET", kind, count=1).json["$links"]
        if "$next" in links:
            assert user.send("GET", links["$next"]["$url"].partition("http://testserver")[2]).status == 200


def includable(contract: Contract, kind: str) -> list[str]:
    """Return the names that the document lists for ``include``."""
    parameter = contract.document["components"]["parameters"].get(f"{kind}Include", {"description": ""})
    return re.findall(r"`(\w+)`", parameter["description"])


def test_every_name_that_the_document_lists_can_be_included(user: Judged) -> None:
    for kind in kinds(user.contract):
        names = includable(user.contract, kind)
        for name in names:
            assert user.send("GET", kind, include=name, count=3).status == 200, (kind, name)
        assert (
            user.send("GET", kind, include=",".join(f"{name}.CreatedBy" for name in names[:2]), count=2).status == 200
        )


def test_entries_and_their_relations(user: Judged) -> None:
    for kind in kinds(user.contract):
        for key in user.send("GET", kind, count=1).keys:
            here = f"{kind}('{key}')"
            entry = user.send("GET", here).json
            assert user.send("GET", here, headers={"If-None-Match": entry["$etag"]}).status == 304
            assert user.send("HEAD", here).status == 200
            user.send("GET", here, labels="true", returnPartial="true")
            for path, _ in operations(user.contract, "get"):
                if path.startswith(f"/{kind}('{{parent}}')/") and "{key}" not in path:
                    answer = user.send("GET", path[1:].replace("{parent}", str(key)))
                    assert answer.status in (200, 404)
                    for member in answer.json.get("$resources", ())[:2]:
                        address = path[1:].replace("{parent}", str(key)) + f"('{member['$key']}')"
                        assert user.send("GET", address).status == 200


def test_a_body_that_was_read_is_one_that_may_be_written(user: Judged) -> None:
    """What GET answers is a valid body of PATCH and PUT, and changes nothing."""
    for kind in kinds(user.contract):
        if "patch" not in user.contract.document["paths"].get(f"/{kind}('{{key}}')", {}):
            continue
        for entry in user.send("GET", kind, count=20).json["$resources"]:
            if "$edit" in entry["$links"]:
                update = {"$ref": f"#/components/schemas/{kind}Update"}
                assert user.contract.value_problems(update, entry) == []
                for method in ("PUT", "PATCH"):
                    assert user.send(method, f"{kind}('{entry['$key']}')", entry).status == 200
                break


def test_what_the_examples_show_can_be_done(contracts: Mapping[str, Contract]) -> None:
    """Whoever may write everything creates, changes and deletes records with the bodies of the examples."""
    admin = Judged(login("admin"), contracts["admin"])
    examples = admin.contract.document["components"]["examples"]
    for path, _ in operations(admin.contract, "post"):
        if "{" not in path and "$" not in path:
            kind = path[1:]
            answer = admin.send("POST", kind, examples[f"{kind}Create"]["value"])
            assert answer.status == 201, (kind, answer.body)
            assert admin.send("DELETE", f"{kind}('{answer.json['$key']}')").status in (204, 409), kind
            shown = f"{kind}('{examples[f'{kind}Entry']['value']['$key']}')"
            assert admin.send("PATCH", shown, examples[f"{kind}Update"]["value"]).status == 200, kind


def test_batches_and_children_are_stored_as_the_examples_show(contracts: Mapping[str, Contract]) -> None:
    admin = Judged(login("admin"), contracts["admin"])
    components = admin.contract.document["components"]
    for path, operation in operations(admin.contract, "post"):
        shown = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("examples", {})
        bodies = {
            name: components["examples"][told["$ref"].rpartition("/")[2]]["value"] for name, told in shown.items()
        }
        if "children" in bodies:
            answer = admin.send("POST", path[1:], bodies["children"])
            assert answer.status == 201, (path, answer.body)
        if path.endswith("/$batch"):
            array, feed = (admin.send("POST", path[1:], bodies[name]) for name in ("array", "feed"))
            assert (array.status, array.json[0]["$httpStatus"]) in ((200, 200), (200, 400)), (path, array.body)
            assert feed.json["$resources"][-1]["$httpStatus"] == 200, (path, feed.body)


def test_writes_that_are_repeated_or_upserted(user: Judged) -> None:
    paths = user.contract.document["paths"]
    if "post" in paths.get("/Company", {}):
        for headers in ({"Idempotency-Key": "1"}, {"Idempotency-Key": "1"}, {"Idempotency-Key": " "}):
            user.send("POST", "Company", {"comp_name": "x"}, headers=headers)
        assert user.send("POST", "Company", {"comp_name": "y"}, headers={"Idempotency-Key": "1"}).status == 422
        upsert = "company(comp_intforeignid eq 'A-1')"
        assert [user.send("PUT", upsert, {"comp_name": "x"}).status for _ in range(2)] == [201, 200]
        assert user.send("PUT", upsert, {"comp_name": "x"}, headers={"If-None-Match": "*"}).status == 412
        for atomic in ("true", "false"):
            for body in ([{"comp_name": "x"}, {}], {"$resources": [{"comp_name": "x"}, {"$httpMethod": "GET"}]}):
                answer = user.send("POST", "company/$batch", body, atomic=atomic)
                assert answer.status == (400 if atomic == "true" else 200)


def test_actions_are_run_as_the_examples_show(contracts: Mapping[str, Contract]) -> None:
    """Each in the first record whose state allows it."""
    admin = Judged(login("admin"), contracts["admin"])
    examples = admin.contract.document["components"]["examples"]
    actions = [(path, found) for path, found in operations(admin.contract, "post") if "/$service/" in path]
    assert len(actions) > 15
    for path, operation in actions:
        kind, _, name = path[1:].partition("('{key}')/$service/")
        body = operation["requestBody"]["content"]["application/json"]["examples"]["demo"]["$ref"].rpartition("/")[2]
        found = admin.send("GET", kind, count=1000).json["$resources"]
        links = [
            entry["$links"][name]["$url"].partition("http://testserver")[2]
            for entry in found
            if name in entry["$links"]
        ]
        # The dates of the example do not suit every record.
        answers = (admin.send("POST", link, examples[body]["value"]) for link in links)
        assert any(answer.status == 200 for answer in answers), path
    closed = admin.send("GET", "Cases", where="case_status eq 'Closed'", count=1).keys[0]
    assert admin.send("POST", f"Cases('{closed}')/$service/queue").status == 409


def test_members_of_collections_are_created_as_the_examples_show(contracts: Mapping[str, Contract]) -> None:
    admin = Judged(login("admin"), contracts["admin"])
    components = admin.contract.document["components"]
    for path, operation in operations(admin.contract, "post"):
        if "{parent}" in path:
            body = operation["requestBody"]["content"]["application/json"]
            name = body["examples"]["demo"]["$ref"].rpartition("/")[2]
            parent = components["parameters"][f"{path[1:].partition('(')[0]}Parent"]["examples"]["demo"]["value"]
            answer = admin.send(
                "POST", path[1:].replace("{parent}", str(parent)), components["examples"][name]["value"]
            )
            assert answer.status == 201, (path, answer.body)


REFUSED: list[tuple[str, str, Any, dict[str, Any]]] = [
    ("GET", "Company", None, {"page": 1}),
    ("GET", "Company", None, {"where": "comp_nosuch eq 1"}),
    ("GET", "Company", None, {"where": "("}),
    ("GET", "Company", None, {"where": ""}),
    ("GET", "Company", None, {"select": "nosuch"}),
    ("GET", "Company", None, {"include": "nosuch"}),
    ("GET", "Company", None, {"orderBy": "comp_name,comp_name"}),
    ("GET", "Company", None, {"count": -1}),
    ("GET", "Company", None, {"after": "v1.x"}),
    ("GET", "Company", None, {"where": "comp_name eq '" + "x" * 7990 + "'"}),
    ("GET", "Company('999999999')", None, {}),
    ("GET", "Company('x')", None, {}),
    ("GET", "Company(comp_name ne 'x')", None, {}),
    ("GET", "Company(comp_name xx 'x')", None, {}),
    ("GET", "Company('999999999')/Person", None, {}),
    ("GET", "Nosuch", None, {}),
    ("GET", "Company/Person", None, {}),
    ("GET", "$prototypes/Nosuch", None, {}),
    ("PUT", "Company", {}, {}),
    ("POST", "Company('2')", {}, {}),
    ("POST", "Company", [], {}),
    ("POST", "Company", b"{", {}),
    ("POST", "Company", {"Comp_Nosuch": 1}, {}),
    ("POST", "Company", {"Comp_Name": 1, "Comp_Type": "nosuch", "Comp_SecTerr": "x"}, {}),
    ("POST", "Company", {"Comp_Name": "x" * 70, "Comp_PrimaryPersonId": 999_999}, {}),
    ("POST", "Company", b'{"a":1,"A":2}', {}),
    ("POST", "Company", b"x" * (1024 * 1024 + 1), {}),
    ("POST", "Company", b"<a/>", {"content_type": "text/xml"}),
    ("POST", "Company", {"Comp_Name": "x", "person": [{"$isDefault": 1}, 5]}, {}),
    ("POST", "Company/$batch", {}, {}),
    ("POST", "Company/$batch", [{}] * 1001, {}),
    ("POST", "Company/$batch", [], {"atomic": "maybe"}),
    ("GET", "Company/$batch", None, {}),
    ("PATCH", "Company('2')", {"Comp_Name": ""}, {}),
    ("PATCH", "Company('2')", {"Comp_CreatedBy": 2}, {"headers": {"Prefer": "handling=strict"}}),
    ("PATCH", "Company('2')", {"Comp_Name": "New"}, {"headers": {"If-Match": '"old"'}}),
    ("DELETE", "Company('2')", None, {"headers": {"If-Match": '"old"'}}),
    ("DELETE", "NewProduct('1')", None, {}),
    ("DELETE", "Users('1')", None, {}),
    ("OPTIONS", "Company", None, {}),
    ("TRACE", "Company", None, {}),
]


@pytest.mark.parametrize(("method", "path", "body", "options"), REFUSED)
def test_refusals(user: Judged, method: str, path: str, body: Any, options: dict[str, Any]) -> None:
    assert user.send(method, path, body, **options).status >= 204


def test_nobody_is_answered_without_credentials(contracts: Mapping[str, Contract]) -> None:
    nobody = Judged(Wire(), contracts["admin"])
    for path in contracts["admin"].document["paths"]:
        address = path.replace("{key}", "1").replace("{parent}", "1").replace("{kind}", "Company")
        assert nobody.send("GET", address[1:] if address != "/" else "").status == 401


def test_the_judge_finds_what_is_wrong(contracts: Mapping[str, Contract]) -> None:
    """The helper can fail: a member too many, a wrong type, an undescribed status, a missing header."""
    contract, headers = contracts["susan"], {"Content-Type": "application/json"}
    answer = login("susan").get("Company('2')")
    path = f"{BASE}/Company('2')"

    def judge(body: bytes, status: int = 200, sent: Mapping[str, str] = answer.headers) -> list[str]:
        return contract.problems("GET", path, status, sent, body)

    assert judge(answer.body) == []
    assert judge(answer.body.replace(b'"$title"', b'"$tittle"', 1))
    assert judge(answer.body.replace(b'"Comp_OptOut":false', b'"Comp_OptOut":null'))
    assert judge(answer.body.replace(b'"Comp_Type":"', b'"Comp_Type":"x'))
    assert judge(answer.body, status=299)
    assert judge(answer.body, sent=headers)
    assert judge(b'{"$diagnoses": []}', status=404)
