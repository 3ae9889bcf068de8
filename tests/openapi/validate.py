"""Holds answers against an OpenAPI document: status, headers, media type and body must be as it says.

``Contract(document).problems(method, path, …)`` serves any test that has an answer at hand; ``path`` is the address as
it was requested, in any spelling. Bodies are judged by JSON Schema Draft 2020-12.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import jsonschema_rs
from jsonschema import Draft202012Validator, validators
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from api.address import base_path, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jsonschema import ValidationError

Schema = dict[str, Any]
DOCUMENT = "urn:document"
DIAGNOSES = "#/components/schemas/Diagnoses"
OUTSIDE = (400, 401, 403, 404, 405, 414, 429, 500, 503)


@dataclass
class Contract:
    """A document, ready to judge by; ``seen`` collects the operations with the statuses that were judged."""

    document: Schema
    seen: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        resource = DRAFT202012.create_resource(self.document)
        self._registry: Registry[Any] = Registry().with_resource(DOCUMENT, resource)
        self._validators: dict[str, Any] = {}
        self._quick: dict[str, Any] = {}
        self._plain = jsonschema_rs.Registry([(DOCUMENT, _plain(self.document))])
        self._templates = [(_pattern(template), template) for template in self.document["paths"]]

    def template(self, path: str) -> str | None:
        """Return the address of the document that ``path`` means, or None."""
        meant = read(unquote(urlsplit(path).path)).path.removeprefix(base_path()).replace("(predicate)", "('0')")
        return next((template for pattern, template in self._templates if pattern.fullmatch(meant)), None)

    def problems(self, method: str, path: str, status: int, headers: Mapping[str, str], body: bytes) -> list[str]:
        """Return what an answer has that the document does not say, one sentence each."""
        template = self.template(path)
        operations = {} if template is None else self.document["paths"][template]
        operation = operations.get("get" if method == "HEAD" else method.lower())
        if method == "OPTIONS":
            return [] if status in (204, *OUTSIDE) else [f"status {status} to OPTIONS"]
        if operation is None:
            return self._refusal(status, headers, body)
        self.seen.add((operation["operationId"], str(status)))
        described = operation["responses"].get(str(status))
        if described is None:
            return [f"{operation['operationId']} does not know status {status}"]
        described = self._resolved(described)
        found = [*self._header_problems(described, headers)]
        if method == "HEAD":
            return found if not body else [*found, "a body in answer to HEAD"]
        return [*found, *self._content_problems(described, headers, body)]

    def _refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> list[str]:
        """Judge an answer that no operation describes: it can only be a refusal."""
        if status not in OUTSIDE:
            return [f"status {status} where the document has no operation"]
        if status == 405 and not headers.get("Allow"):
            return ["405 without Allow"]
        return self.body_problems({"$ref": DIAGNOSES}, body) if body else []

    def _header_problems(self, described: Schema, headers: Mapping[str, str]) -> list[str]:
        found: list[str] = []
        for name, header in described.get("headers", {}).items():
            rule = self._resolved(header)
            if name in headers:
                value = headers[name]
                found += [f"{name}: {error.message}" for error in self._validator(rule["schema"]).iter_errors(value)]
            elif rule.get("required"):
                found.append(f"header {name} is missing")
        return found

    def _content_problems(self, described: Schema, headers: Mapping[str, str], body: bytes) -> list[str]:
        content = described.get("content")
        if not content:
            return ["a body where none is described"] if body else []
        media = headers.get("Content-Type", "").partition(";")[0]
        if media not in content:
            return [f"media type {media!r}"]
        return self.body_problems(content[media]["schema"], body) if media == "application/json" else []

    def body_problems(self, schema: Schema, body: bytes) -> list[str]:
        """Return why a JSON body is not what ``schema`` says."""
        return self.value_problems(schema, json.loads(body))

    def value_problems(self, schema: Schema, value: Any) -> list[str]:
        """Return why a value is not what ``schema`` says; the quick judge finds most valid."""
        if self._quick_validator(schema).is_valid(value):
            return []
        errors = self._validator(schema).iter_errors(value)
        return [f"{error.json_path}: {error.message[:300]}" for error in errors]

    def _quick_validator(self, schema: Schema) -> Any:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._quick:
            absolute = json.loads(json.dumps(_plain(schema)).replace('"#/components/', f'"{DOCUMENT}#/components/'))
            self._quick[key] = jsonschema_rs.Draft202012Validator(absolute, validate_formats=True, registry=self._plain)
        return self._quick[key]

    def _validator(self, schema: Schema) -> Any:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            absolute = json.loads(key.replace('"#/components/', f'"{DOCUMENT}#/components/'))
            checker = Draft202012Validator.FORMAT_CHECKER
            self._validators[key] = Judge(absolute, registry=self._registry, format_checker=checker)
        return self._validators[key]

    def _resolved(self, item: Schema) -> Schema:
        while "$ref" in item:
            section, name = item["$ref"].split("/")[2:]
            item = self.document["components"][section][name]
        return item


def _plain(schema: Any) -> Any:
    """Return a schema in which JSON Schema's own words say what ``x-record`` says."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _plain(item) for name, item in schema.items() if name != "x-record"}
    if isinstance(schema.get("x-record"), str):
        record = {"$ref": schema["x-record"]}
        many = {"type": "object", "required": ["$resources"]}
        each = {"properties": {"$resources": {"items": record}}}
        said = {"if": many, "then": each, "else": {"if": {"type": "object"}, "then": record}}
        found["allOf"] = [*found.get("allOf", []), said]
    return found


def _included(validator: Any, schema: str, value: Any, _: Schema) -> Iterator[ValidationError]:
    """Judge the keyword ``x-record``: linked records, one or a collection's, are records of that schema."""
    found = value.get("$resources", [value]) if isinstance(value, dict) else []
    for record in found:
        yield from validator.descend(record, {"$ref": DOCUMENT + schema})


Judge: Any = validators.extend(Draft202012Validator, {"x-record": _included})


def _pattern(template: str) -> re.Pattern[str]:
    """Return the pattern of an address template: keys are whole numbers, other variables one segment."""
    parts = re.split(r"(\{\w+\})", template)
    kinds = {"{key}": r"-?\d+", "{parent}": r"-?\d+"}
    return re.compile("".join(kinds.get(p, "[^/]+") if p.startswith("{") else re.escape(p) for p in parts))
