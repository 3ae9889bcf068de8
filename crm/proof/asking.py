"""Makes the requests: every operation of the user's own OpenAPI document with every parameter, then by lot.

Paths, methods, parameters and examples of bodies are the document's; values come from both worlds.
"""

from __future__ import annotations

import json
import re
from itertools import chain, islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from api.address import CLASSIC, base_path
from crm.proof.caller import Asked
from crm.proof.changing import FIRST_NEW_KEY, TEXTS
from crm.proof.conditions import Conditions
from crm.proof.pages import Pages
from entities.registry import Entity, registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    from crm.proof.hidden import Sight

NEVER = 987_654_321
_SPOT = re.compile(r"(\w+)\('\{(?:key|parent)\}'\)")
_BROKEN = (b"{", b"[]", b'{"a":1,"a":2}', b'{"a":NaN}', b"null", b'"x"', b"\xff", b'{"zz_nosuch":1}', b"{}")
_HEADERS: dict[str, tuple[str, ...]] = {
    "If-None-Match": ("*", '"old"', 'W/"x", *'),
    "If-Match": ("*", '"old"'),
    "Prefer": ("return=minimal", "return=representation", "handling=strict"),
    "Idempotency-Key": ("k1",),
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "count": ("0", "1", "3", "25", "-1", "x"),
    "startIndex": ("1", "2", "9", "0", "99999999999"),
    "after": ("", "v1.AAAA"),
    "totals": ("none", "exact", "x"),
    "labels": ("true", "false", "x"),
    "returnPartial": ("true", "false"),
    "allowDuplicate": ("true", "false"),
    "atomic": ("true", "false"),
    "action": ("view", "edit", "delete", "insert", "solve", "zz"),
}


class Asker:
    """Makes requests of one user. ``staff`` = the administration as well."""

    def __init__(self, sight: Sight, document: dict[str, Any], dice: Random, *, staff: bool) -> None:
        self.sight, self.document, self.dice = sight, document, dice
        self.base = base_path()
        self.conditions = Conditions(sight, dice)
        self.pages = Pages(sight, self.conditions, dice) if staff else None
        self.operations = list(self._operations())

    def requests(self, count: int) -> list[Asked]:
        """Return ``count`` requests: each operation with each of its parameters first, in an order by lot."""
        every = list(self.every())
        self.dice.shuffle(every)
        return list(islice(chain(every, self._by_lot()), count))

    def every(self) -> Iterator[Asked]:
        """Yield each operation of the document with each of its parameters, then what the document does not name."""
        for method, path, operation in self.operations:
            if method == "GET" or "$query" in path:
                yield self._asked(method, path, operation, ())
            for one in operation.get("parameters", ()):
                yield self._asked(method, path, operation, (one,))
        for entity in registry():
            yield from self._beside(entity)
        for path in ("/", "/docs/", "/docs/redoc/", "/openapi.json", "/openapi.yaml", "/sdata/otherj/sagecrm2/-/"):
            yield Asked("GET", path)
        if self.pages:
            yield from self.pages.every()

    def _by_lot(self) -> Iterator[Asked]:
        while True:
            roll = self.dice.random()
            if self.pages and roll < 0.2:
                yield self.pages.one()
            elif roll < 0.3:
                yield self.dice.choice(list(self._beside(self.dice.choice(list(registry())))))
            else:
                method, path, operation = self.dice.choice(self.operations)
                given = operation.get("parameters", ())
                some = self.dice.sample(given, min(len(given), self.dice.choice((0, 1, 1, 2, 3))))
                yield self._asked(method, path, operation, tuple(some))

    def _operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for path, item in self.document["paths"].items():
            if path in ("/$openapi", "/$docs"):
                continue  # asked for once, by name
            shared = item.get("parameters", [])
            for method, operation in item.items():
                if method != "parameters":
                    given = [self._resolved(one) for one in (*shared, *operation.get("parameters", []))]
                    wanted = [one for one in given if one["in"] != "path" and one["name"] != "X-Request-Id"]
                    yield method.upper(), path, {**operation, "parameters": wanted}

    def _resolved(self, node: dict[str, Any]) -> Any:
        found: Any = node
        if "$ref" in node:
            found = self.document
            for step in node["$ref"].removeprefix("#/").split("/"):
                found = found[step]
        return found

    def _asked(
        self, method: str, template: str, operation: dict[str, Any], chosen: tuple[dict[str, Any], ...]
    ) -> Asked:
        entity = self._entity(template)
        path = f"{self.base}{self._filled(template)}"
        query = [(one["name"], self._value(one["name"], entity)) for one in chosen if one["in"] == "query"]
        needed = {one["name"] for one in operation["parameters"] if one.get("required")} - {name for name, _ in query}
        query += [(name, self._value(name, entity)) for name in sorted(needed)]
        if self.dice.random() < 0.02:
            query.append(("zz_nosuch", "1"))
        headers = tuple(
            (one["name"], self.dice.choice(_HEADERS[one["name"]])) for one in chosen if one["in"] == "header"
        )
        if query:
            path += "?" + urlencode(query, quote_via=quote)
        body = self._body(template, operation, entity) if "requestBody" in operation else b""
        then: Any = ""
        if method == "GET" and self.dice.random() < 0.3:
            then = "tag" if template.endswith("')") else "next"
        elif method in ("PUT", "PATCH", "DELETE") and "If-Match" not in dict(headers):
            then = self.dice.choice(("", "", "tag"))
        return Asked(method, path, body, headers, then)

    def _entity(self, template: str) -> Entity | None:
        """Return the kind that the answer is about."""
        steps = [step for step in re.split(r"/|\('\{\w+\}'\)", template) if step and not step.startswith("$")]
        found = registry().find(steps[-1]) if steps else None
        return found or (registry().find(steps[0]) if steps else None)

    def key(self, kind: str) -> int:
        """Return the key of a record: visible, invisible, one that only the other world has, none."""
        entity = registry().find(kind)
        if entity is None:
            return NEVER
        roll, invisible = self.dice.random(), self.sight.invisible[entity.kind]
        if roll < 0.3 and invisible:
            return self.dice.choice(invisible)
        if roll < 0.36:
            return self.dice.choice((NEVER, FIRST_NEW_KEY, 0))
        return self.dice.choice(self.sight.visible[entity.kind] or (NEVER,))

    def _filled(self, template: str) -> str:
        path = _SPOT.sub(lambda found: f"{found[1]}('{self.key(found[1])}')", template)
        return path.replace("{kind}", self.dice.choice([*registry().entities, "Nosuch"]))

    def _value(self, name: str, entity: Entity | None) -> str:
        made: dict[str, Callable[[Entity], str]] = {
            "where": self.conditions.condition,
            "orderBy": self.conditions.order,
            "select": lambda e: ",".join(self.conditions.name(e) for _ in "ab"),
            "include": self._included,
            "field": self.conditions.name,
        }
        if name in made and entity:
            return made[name](entity)
        if name == "query":
            return self.dice.choice(("an", "er", "ne", "43", "%", "aa a", *TEXTS))
        if name == "entity":
            return self.dice.choice(list(registry().entities))
        if name == "user":
            return str(self.key("Users"))
        return self.dice.choice(_CHOICES.get(name, ("1", "x", "")))

    def _included(self, entity: Entity) -> str:
        names = [*(field.relation for field in entity.relations.values()), *(item.name for item in entity.collections)]
        return ",".join(self.dice.sample(names, min(len(names), self.dice.choice((1, 1, 2))))) or "Nosuch"

    def _body(self, template: str, operation: dict[str, Any], entity: Entity | None) -> bytes:
        if self.dice.random() < 0.08:
            return self.dice.choice(_BROKEN)
        (content,) = operation["requestBody"]["content"].values()
        examples = [self._resolved(one).get("value") for one in content.get("examples", {}).values()]
        chosen = self.dice.choice(examples) if examples else {}
        body: Any = json.loads(json.dumps(chosen))
        if entity and template.endswith("/$query"):
            body = {
                name: self._value(name, entity) for name in ("where", "orderBy", "select") if self.dice.random() < 0.6
            }
        elif entity and template.endswith("/$batch"):
            body = {"$resources": [self._item(entity, body) for _ in range(self.dice.choice((1, 2, 3)))]}
        elif entity and isinstance(body, dict):
            body = self._changed(entity, body)
        return json.dumps(body).encode()

    def _item(self, entity: Entity, example: Any) -> dict[str, Any]:
        items = example if isinstance(example, list) else example.get("$resources", [{}])
        plain = {name: value for name, value in self.dice.choice(items).items() if not name.startswith("$")}
        method = self.dice.choice(("POST", "PATCH", "PUT", "DELETE", "GET"))
        found = {"$httpMethod": method} | ({} if method == "POST" else {"$key": self.key(entity.kind)})
        return found if method in ("DELETE", "GET") else found | self._changed(entity, plain)

    def _changed(self, entity: Entity, body: dict[str, Any]) -> dict[str, Any]:
        """Return a body with members left out, put in and changed."""
        found = {name: value for name, value in body.items() if self.dice.random() < 0.85}
        for name in list(found):
            field = entity.field(name)
            if field and field.target:
                found[name] = self.key(field.target)
        for _ in range(self.dice.choice((0, 1, 1, 2))):
            field = entity.field(self.conditions.name(entity)) or self.conditions.field(entity)
            found[field.wire] = self.key(field.target) if field.target else self._member(entity, field)
        if self.dice.random() < 0.05:
            found["zz_nosuch"] = 1
        return found

    def _member(self, entity: Entity, field: Any) -> Any:
        text = self.conditions.literal(entity, field).strip("'@")
        if field.type == "bool":
            return self.dice.choice((True, False))
        if field.type in ("int", "num", "money", "pct"):
            return self.dice.choice((0, 1, 5, "x"))
        return None if text == "null" else [text] if field.type == "msel" else text

    def _beside(self, entity: Entity) -> Iterator[Asked]:
        """Yield requests that no document lists: unknown kinds, predicates, other methods, the classic contract."""
        here, there = f"{self.base}/{entity.kind}", f"{base_path(CLASSIC)}/{entity.kind}"
        key = self.key(entity.kind)
        condition = urlencode({"where": self.conditions.condition(entity)}, quote_via=quote)
        order = urlencode({"orderBy": self.conditions.order(entity)}, quote_via=quote)
        yield Asked("GET", f"{here}?{condition}", then="next")
        yield Asked("HEAD", f"{here}('{key}')")
        yield Asked("OPTIONS", f"{here}('{key}')")
        yield Asked("OPTIONS", here)
        yield Asked("GET", f"{here}({quote(self.conditions.test(entity))})")
        yield Asked("POST", here, self.dice.choice(_BROKEN))
        yield Asked("DELETE", f"{here}('{key}')", headers=(("X-HTTP-Method-Override", "GET"),))
        yield Asked("GET", f"{here}('{key}')", headers=(("X-HTTP-Method-Override", "DELETE"),))
        yield Asked("PATCH", f"{here}('{key}')", b"{}", media_type="text/plain")
        yield Asked("GET", f"{here}('{key}')/$explain")
        yield Asked("GET", f"{self.base}/$prototypes/{entity.kind}")
        yield Asked("GET", f"{there}?{condition}")
        yield Asked("GET", f"{there}?{order}&count=3")
        yield Asked("GET", f"{there}('{key}')")
        yield Asked("GET", f"{there}/$schema")
        yield Asked("GET", f"{base_path(CLASSIC)}/$prototypes/{entity.kind}")
