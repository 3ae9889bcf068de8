"""Any text as a condition and any text as an address, valid and broken, in process as olivia.

No server error, no statement beyond the time limit, no row that the oracle calls invisible. A few hundred requests
here; PARAPET_DEEP=1 sends FUZZ (200,000) of them, in parallel by seed.
"""

from __future__ import annotations

import os
import random
import re
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import pytest
from django.db import connection, transaction

from api.query.functions import CLOCK_FUNCTIONS, FUNCTIONS
from entities.registry import registry
from tests.api import wire as wire_module
from tests.api.twins import keys, names
from tests.api.wire import BASE, login
from tests.oracle.catalogue import catalogue
from tests.oracle.oracle import Oracle
from tests.oracle.reading import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.wire import Answer, Wire

DEEP = os.environ.get("PARAPET_DEEP", "") == "1"
PER_SEED = 1_000 if DEEP else 100
SEEDS = int(os.environ.get("FUZZ", "200000")) // PER_SEED if DEEP else 4
LIMIT = "10s"  # the time limit of a statement as it is served
STATUSES = {200, 201, 204, 304, 400, 403, 404, 405, 412, 413, 414, 415}
_RECORD = re.compile(rb'"\$url":"[^"]*/-/(\w+)\(\'(-?\d+)\'\)"')
LITERALS = ["1", "-5", "2.5", "'a'", "'%a%'", "''", "null", "true", "@2026-03-14@", "@2026-03-14T09:00:00Z@", "'Y'"]
LITERALS += ["'Customer'", '"x"', "99999999999", "'43'", "'\u00e9'", "(1)", "- 3", "'it''s'"]
SCRAPS = ["'", '"', "(", ")", "((", "%", "%25", "%zz", "%00", "\\", "@", "@@", "$", "$key", ",", ".", "..", "//", "?"]
SCRAPS += ["&", "&count=1", "=", "+", "-", " ", "\t", "é", "\U0001f4a5", "\u0131", "\ufeff", "--", "/*", ";", "null"]
SCRAPS += ["not ", " or 1=1", "9" * 40, "a" * 300, "__", "{}", "[]", "$service", "$batch", "$query", "x:y", "#", "*"]


@cache
def visible() -> dict[str, frozenset[int]]:
    """Return the keys of each kind that the oracle lets olivia see."""
    world = read()
    oracle = Oracle(world)
    (olivia,) = [user for user in world.users if user.key == login("olivia").entry("$whoami")["$user"]["$key"]]
    known = [kind for kind in catalogue() if kind in registry().entities and kind != "Custom_Captions"]
    found = {kind: frozenset(row.key for row in world.of(kind) if oracle.may(olivia, "view", row)) for kind in known}
    return {**found, "Custom_Captions": captions()}


def captions() -> frozenset[int]:
    """Return the captions of fields that olivia reads: they are no records of the world that the oracle reads."""
    readable = {name for entity in registry() for name in names("olivia", entity.kind)}
    wire, found = login("admin"), set()
    following = "captions?count=1000"
    while following:
        page = wire.entry(following)
        for entry in page["$resources"]:
            name = entry["Capt_Code" if entry["Capt_FamilyType"] == "Tags" else "Capt_Family"]
            found |= {entry["$key"]} if name in readable else set()
        following = page["$links"].get("$next", {}).get("$url", "")
    return frozenset(found)


def test_the_oracle_sees_the_demo_world_as_it_is_served() -> None:
    """What the fuzz is judged by: not everything, not nothing."""
    for kind, found in visible().items():
        assert set(keys("olivia", kind)) == found, kind
    assert 0 < len(visible()["Company"]) < len(keys("admin", "Company"))


class Writer:
    """Writes requests: a valid form first, then, half of the time, damage."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.one: Callable[[list[str]], str] = self.dice.choice

    def name(self, kind: str) -> str:
        """Return a name of a field: readable, hidden, behind a reference, or none."""
        found = sorted(names("admin", kind))
        chosen = self.one(found)
        if self.dice.random() < 0.2:
            relation = self.one([f.relation for f in registry()[kind].relations.values() if f.relation] or ["Nosuch"])
            target = registry()[kind].relations.get(relation.lower())
            chosen = f"{relation}.{self.one(sorted(names('admin', target.target)) if target else [chosen])}"
        return self.one([chosen, chosen, chosen.lower(), chosen.upper(), "$key", "$updated", "zz_nosuch"])

    def value(self) -> str:
        """Return a literal."""
        return self.one(LITERALS)

    def operand(self, kind: str, room: int) -> str:
        """Return a name, a literal, a call or a calculation."""
        if room <= 0 or self.dice.random() < 0.6:
            return self.name(kind) if self.dice.random() < 0.7 else self.value()
        form = self.one(
            [f"{name}({', '.join(['{}'] * self.dice.randint(0, 3))})" for name in (*FUNCTIONS, *CLOCK_FUNCTIONS)]
            + ["{} + {}", "{} - {}", "{} mul {}", "{} div {}", "{} mod {}", "-{}", "({})", "pow({}, {})"] * 4
        )
        while "{}" in form:
            form = form.replace("{}", self.operand(kind, room - 1), 1)
        return form

    def condition(self, kind: str, room: int = 3) -> str:
        """Return a condition."""
        if room and self.dice.random() < 0.4:
            left, right = self.condition(kind, room - 1), self.condition(kind, room - 1)
            return self.one([f"{left} and {right}", f"{left} or {right}", f"not {left}", f"({left})", f"not ({right})"])
        a, b, c = (self.operand(kind, 2) for _ in range(3))
        if self.dice.random() < 0.7:
            return self.sensible(kind)
        operator = self.one(["eq", "ne", "lt", "le", "gt", "ge", "=", "EQ"])
        values = ", ".join(self.value() for _ in range(self.dice.randint(1, 4)))
        return self.one(
            [f"{a} {operator} {b}"] * 4
            + [f"{a} between {b} and {c}", f"{a} in ({values})", f"{a} like {self.value()}", a]
        )

    def sensible(self, kind: str) -> str:
        """Return a test of a field by what it can hold."""
        field = self.dice.choice([f for f in registry()[kind].fields if f.wire in names("olivia", kind)])
        operator = self.one(["eq", "ne", "lt", "le", "gt", "ge"])
        name = field.wire
        if field.type == "bool":
            return self.one([name, f"not {name}", f"{name} eq 'Y'", f"{name} ne true"])
        if field.type == "msel":
            return self.one([f"{name} eq 'a'", f"{name} in ('a', 'b')", f"{name} eq null"])
        if field.type == "dt":
            return self.one([f"{name} {operator} @2026-03-14@", f"year({name}) {operator} 2026", f"{name} ne null"])
        if field.is_text:
            text = self.one([name, f"lower({name})", f"left({name}, 2)", f"concat({name}, 'x')", f"trim({name})"])
            return self.one([f"{text} {operator} 'm'", f"{text} like '%a_'", f"{text} in ('a', null)"])
        number = self.one([name, f"{name} + 1", f"abs({name})", f"{name} div 0", f"round({name}, 1)", f"-{name}"])
        return self.one([f"{number} {operator} 20", f"{number} between 2 and 30", f"{name} in (1, '2', 40)"])

    def kind(self) -> str:
        return self.one([entity.kind for entity in registry()])

    def address(self) -> str:
        """Return an address with parameters."""
        kind = self.kind()
        entity, every = registry()[kind], keys("admin", kind) or (1,)
        key = str(self.dice.choice(every)) if self.dice.random() < 0.9 else self.one(["0", "-1", "999999999", "x"])
        spelt = self.one([kind, kind.lower(), kind.upper(), *entity.aliases])
        related = self.one([*(item.kind for item in entity.collections), *entity.relations, "nosuch"])
        path = self.one(
            [spelt] * 6
            + [f"{spelt}('{key}')", f"{spelt}({key})", f'{spelt}("{key}")', f"/{spelt}('{key}')/"]
            + [f"{spelt}({self.condition(kind, 1)})", f"{spelt}({entity.key.wire} eq {key})"]
            + [f"{spelt}('{key}')/{related}"] * 3
            + [f"{spelt}('{key}')/{related}('{self.dice.randint(1, 60)}')", f"$prototypes/{spelt}", "$whoami", ""]
        )
        return f"{path}?{'&'.join(self.parameters(kind))}"

    def parameters(self, kind: str) -> list[str]:
        """Return some parameters."""
        given: dict[str, Callable[[], str]] = {
            "where": lambda: self.condition(kind),
            "orderBy": lambda: ",".join(f"{self.name(kind)}{self.one(['', ' desc', ' asc'])}" for _ in "ab"),
            "select": lambda: ",".join(self.name(kind) for _ in range(self.dice.randint(1, 3))),
            "include": lambda: self.name(kind),
            "count": lambda: self.one(["0", "1", "3", "25", "1000", "-1", "x"]),
            "startIndex": lambda: self.one(["1", "2", "40", "0", "99999999999999"]),
            "totals": lambda: self.one(["none", "exact", "x"]),
            "labels": lambda: self.one(["true", "false"]),
            "after": lambda: self.one(["", "v1.AAAA", "x"]),
            "foo": lambda: "1",
        }
        chosen = self.dice.sample(list(given), self.dice.choice((0, 0, 0, 1, 2)))
        if "(" not in kind and self.dice.random() < 0.6 and "where" not in chosen:
            chosen.append("where")
        return [f"{name}={quote(given[name](), safe=self.one(['', chr(39), '(),']))}" for name in chosen]

    def damaged(self, text: str) -> str:
        """Return a text with scraps put in, and pieces cut out or repeated."""
        for _ in range(self.dice.randint(1, 3)):
            place = self.dice.randint(0, len(text))
            end = min(len(text), place + self.dice.randint(0, 6))
            text = text[:place] + self.one([self.one(SCRAPS), "", text[place:end] * 2]) + text[end:]
        return text

    def request(self) -> tuple[str, str]:
        """Return a method and an address as it goes over the wire."""
        path = self.address()
        if self.dice.random() < 0.3:
            path = self.damaged(path)
        if self.dice.random() < 0.05:
            path = unquote(path)
        method = self.one(["GET"] * 12 + ["HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE"])
        return method, f"{BASE}/{quote(path, safe='/?&=%+$(),.~!*;:@' + chr(39))}"


@pytest.mark.parametrize("seed", range(SEEDS))
def test_52_no_condition_and_no_address_makes_the_server_fail_or_tell(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire_module, "WATCHERS", [])  # tests/openapi judges random requests by the document
    writer, wire, served = Writer(seed), login("olivia"), 0
    allowed = visible()
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = '{LIMIT}'")
    for _ in range(PER_SEED):
        method, path = writer.request()
        with transaction.atomic():
            answer = wire.send(method, path, b"{}" if method in ("POST", "PUT", "PATCH") else None)
            transaction.set_rollback(True)
        assert answer.status in STATUSES, (method, path, answer.status, answer.body[:300])
        if method in ("GET", "HEAD"):
            assert not told(answer, allowed), (method, path)
            served += answer.status == 200
    assert served > PER_SEED // 20


def told(answer: Answer, allowed: dict[str, frozenset[int]]) -> list[tuple[str, int]]:
    """Return the records that an answer shows or links and that the oracle calls invisible."""
    if answer.status != 200:
        return []
    found = {(kind.decode(), int(key)) for kind, key in _RECORD.findall(answer.body)}
    return [(kind, key) for kind, key in found if key not in allowed[kind]]


def test_an_invisible_record_in_an_answer_is_found(admin: Wire) -> None:
    """The judgement can fail."""
    assert told(admin.get("company"), visible())
