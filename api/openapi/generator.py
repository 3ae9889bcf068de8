"""Makes the document of one caller: routes that the caller is offered, components, examples; then drops the unused.

drf-spectacular walks the routes and asks ``operations`` and ``records``; what several operations share is added here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from drf_spectacular.generators import EndpointEnumerator, SchemaGenerator
from drf_spectacular.plumbing import build_mock_request

from api import prototypes
from api.address import base_path
from api.authentication import Caller
from api.openapi import examples, explained, many, texts
from api.openapi import found as quick
from api.openapi.parameters import kind_parameters, shared_parameters
from api.openapi.public import BASE_ROOT, public_access
from api.openapi.shared import EVERY_HEADER, HEADERS, SCHEMAS, TEXT, URL, Schema, closed, ref
from api.quickfind import searchable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rest_framework.request import Request

    from security.access import Access

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
LICENSE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}


class Endpoints(EndpointEnumerator):
    """The routes of the contract, as templates: ``/Company('{key}')``."""

    def get_path_from_regex(self, path_regex: str) -> str:
        """Return the template of a route; quotes and parentheses stand for themselves."""
        return cast("str", EndpointEnumerator.get_path_from_regex(self, path_regex)).replace("\\", "")

    def get_allowed_methods(self, callback: Any) -> list[str]:
        """Return the methods of a route, in one order."""
        return sorted(EndpointEnumerator.get_allowed_methods(self, callback), key=METHODS.index)

    def should_include_endpoint(self, path: str, callback: Any) -> bool:
        """Keep the contract's own; a condition in the parentheses is another way to name a record, no other route."""
        described = path.startswith(f"{base_path()}/") and "({key})" not in path
        return described and bool(EndpointEnumerator.should_include_endpoint(self, path, callback))


class Generator(SchemaGenerator):
    """Generates from the caller of a request; without one (``manage.py spectacular``) from the public contract.

    A caller's document holds ``examples.BASE`` for the address of the base, which is known when it is served.
    """

    endpoint_inspector_cls = Endpoints

    def get_schema(self, request: Request | None = None, public: bool = False) -> Schema:
        """Return the document."""
        access, base = public_access(), f"{BASE_ROOT}{base_path()}"
        if request is not None:
            access, base = cast("Caller", request.user).access, examples.BASE
        found = SchemaGenerator.get_schema(self, request=request, public=True)
        found["info"] |= {"description": texts.DESCRIPTION, "license": LICENSE}
        found["servers"] = [{"url": base}]
        found["tags"] = list(_tags(access))
        found["components"] = _components(access, base, found["components"])
        _share_security(found)
        _leave_out_missing_examples(found)
        return _used(found)


def _share_security(document: Schema) -> None:
    """Say once how to log in: every operation takes the same."""
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    for operation in operations:
        document["security"] = operation.pop("security")


def _leave_out_missing_examples(document: Schema) -> None:
    """Name no example that there is not: the demo world holds no record of a kind that another app declares."""
    held = {f"#/components/examples/{name}" for name in document["components"]["examples"]}
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    for operation in operations:
        for body in (operation.get("requestBody", {}), *operation["responses"].values()):
            for content in body.get("content", {}).values():
                told = content.pop("examples", {})
                if kept := {name: told[name] for name in told if told[name].get("$ref", "") in {"", *held}}:
                    content["examples"] = kept


def mock_request(method: str, path: str, view: Any, original: Request | None, **options: Any) -> Request:
    """Return the request that a view is asked with; without an original that of the public contract."""
    request = cast("Request", build_mock_request(method, path, view, original, **options))
    if original is None:
        request.user = cast("Any", Caller(public_access()))
    return request


def _tags(access: Access) -> Iterator[Schema]:
    yield {"name": texts.DISCOVERY, "description": texts.DISCOVERY_TEXT}
    for entity in prototypes.known(access):
        yield {"name": entity.kind, "description": entity.plural}


def _components(access: Access, base: str, made: Schema) -> Schema:
    known = prototypes.known(access)
    parameters = shared_parameters()
    for entity in known:
        parameters |= kind_parameters(access, entity, examples.key_of(entity))
    parameters |= quick.parameters(access) | explained.parameters()
    return {
        "schemas": dict(sorted((_schemas(access) | made.get("schemas", {})).items())),
        "parameters": parameters,
        "headers": HEADERS,
        "responses": _refusals(),
        "examples": examples.examples(access, base)
        | many.all_examples(access, base)
        | explained.preview_examples(base),
        "securitySchemes": made.get("securitySchemes", {}),
    }


def _schemas(access: Access) -> dict[str, Schema]:
    return SCHEMAS | _discovery(access) | quick.schemas(access) | explained.schemas() | explained.previews()


def _refusals() -> Schema:
    bodies = examples.refusals()
    headers: dict[int, Schema] = {
        409: {"Retry-After": ref("RetryLater", "headers")},
        401: {"WWW-Authenticate": ref("Challenge", "headers")},
        429: {"Retry-After": ref("RetryAfter", "headers")},
        503: {"Retry-After": ref("RetryAfter", "headers")},
    }
    return {
        refusal.name: {
            "description": refusal.description,
            "headers": EVERY_HEADER | headers.get(status, {}),
            "content": {
                "application/json": {"schema": ref("Diagnoses"), "examples": {"refusal": {"value": bodies[status]}}}
            },
        }
        for status, refusal in texts.REFUSALS.items()
    }


def _discovery(access: Access) -> dict[str, Schema]:
    """Return the schemas of discovery that name the caller's kinds."""
    known = prototypes.known(access)
    protocol = ["$self", "$whoami", "$prototypes", "$openapi", "$documentation"]
    protocol += ["$quickFind"] if searchable(access) else []
    nullable = {"anyOf": [ref("Reference"), {"type": "null"}]}
    return {
        "Kind": {"type": "string", "enum": [entity.kind for entity in known]},
        "ServiceRoot": closed(
            {
                "$title": TEXT,
                "$url": URL,
                "$baseUrl": URL,
                "$contract": ref("Contract"),
                "$links": closed(dict.fromkeys((*protocol, *(entity.kind for entity in known)), ref("Link"))),
            }
        ),
        "WhoAmI": closed(
            {
                "$url": URL,
                "$title": TEXT,
                "$user": _user(access),
                "$administrator": {"type": "boolean"},
                "$profiles": {"type": "array", "items": closed({"$key": {"type": "integer"}, "$title": TEXT})},
                "$territory": nullable | {"description": "The home territory, where you can see it."},
                "$team": nullable | {"description": "The primary team, where you can see it."},
                "$teams": {"type": "array", "items": ref("Reference")},
                "$contract": ref("Contract"),
                "$rights": closed({entity.kind: ref("Rights") for entity in known}),
            }
        ),
    }


def _user(access: Access) -> Schema:
    users = next((entity for entity in prototypes.known(access) if entity.kind == "Users"), None)
    properties: Schema = {"$key": {"type": "integer"}}
    if users is not None:
        shape = access.shape(users)
        properties |= {"$url": URL, "$title": TEXT}
        properties |= {users.by_name[name].wire: TEXT for name in ("logon", "language") if shape.reads(name)}
    return closed(properties, ("$key",))


def _used(document: Schema) -> Schema:
    """Return the document without the components that nothing refers to."""
    components = document["components"]
    used = {("securitySchemes", name) for name in components["securitySchemes"]}
    pending: list[Any] = [document["paths"]]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, dict):
            target = value.get("$ref")
            if isinstance(target, str):
                section, name = target.split("/")[2:]
                if (section, name) not in used:
                    used.add((section, name))
                    pending.append(components[section][name])
            pending.extend(value.values())
    kept = {
        section: {name: found for name, found in named.items() if (section, name) in used}
        for section, named in components.items()
    }
    return document | {"components": {section: named for section, named in kept.items() if named}}
