"""The examples: records of the demo world, as they are today, valid by the document that shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.openapi.examples import FILE
from crm.management.commands.write_examples import content
from tests.api.wire import LOGONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.openapi.validate import Contract


def test_the_file_holds_the_demo_world_of_today() -> None:
    """Else: ``manage.py write_examples`` on an empty database."""
    assert content() == FILE.read_bytes()


def shown(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Yield every example with its place and the schema that it must obey."""
    components = document["components"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            bodies = {"request": operation.get("requestBody", {})} | operation["responses"]
            for name, body in bodies.items():
                found = components["responses"][body["$ref"].rpartition("/")[2]] if "$ref" in body else body
                for content_of in found.get("content", {}).values():
                    for example in content_of.get("examples", {}).values():
                        value = (
                            components["examples"][example["$ref"].rpartition("/")[2]] if "$ref" in example else example
                        )
                        yield f"{method} {path} {name}", content_of["schema"], value["value"]


def test_every_body_has_an_example_and_every_example_is_valid(contracts: Mapping[str, Contract]) -> None:
    for logon in LOGONS:
        contract = contracts[logon]
        places = set()
        judged: dict[str, list[str]] = {}
        for place, schema, value in shown(contract.document):
            key = repr((schema, value))
            if key not in judged:
                judged[key] = contract.value_problems(schema, value)
            assert judged[key] == [], (logon, place)
            places.add(place)
        for path, methods in contract.document["paths"].items():
            for method, operation in methods.items():
                assert "requestBody" not in operation or f"{method} {path} request" in places
                for status in operation["responses"]:
                    html = path == "/$docs" and status == "200"
                    assert status in ("204", "304") or html or f"{method} {path} {status}" in places, (path, status)


def test_parameters_that_have_a_form_of_their_own_have_examples(contracts: Mapping[str, Contract]) -> None:
    for name, parameter in contracts["susan"].document["components"]["parameters"].items():
        if parameter["name"] in ("where", "orderBy", "select", "include", "key", "parent"):
            assert parameter["examples"], name
