"""What the API serves against the oracle, over random worlds: feeds, entries, links and prototypes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.hashers import make_password

from tests.api.wire import Wire, at, basic
from tests.oracle.catalogue import catalogue
from tests.oracle.checks import KINDS, expect
from tests.oracle.oracle import Oracle
from tests.oracle.runs import DEEP, over_worlds

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

    from tests.oracle.worlds import Row, User, World

IN_A_BATCH = 10
BATCHES = 40 if DEEP else 2
# Deleting these depends on more than the right: on use, or on all owners (entities.md §2).
DELETED_BY_MORE_RULES = ("NewProduct", "Address")

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("batch", range(BATCHES))
def test_the_api_serves_what_the_oracle_says(batch: int, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    over_worlds(1_000 + batch, IN_A_BATCH, served, password=make_password("secret"))


def served(world: World) -> None:
    """Ask the API as every user: what there is, and two kinds each in turns."""
    oracle = Oracle(world)
    turn = 2 * (len(world.rows) + len(world.rights) + len(world.rules))
    for index, user in enumerate(world.users):
        wire = Wire({"Authorization": basic(f"user{user.key}", "secret")})
        expect(f"{user.key} is let in", wire.get("").status, 401 if user.disabled else 200)
        if user.disabled:
            continue
        known = sorted(kind for kind in catalogue() if oracle.knows(user, kind))
        expect(f"kinds for {user.key}", sorted(wire.kinds()), known)
        for step in (0, 1):
            kind = KINDS[(turn + 2 * index + step) % len(KINDS)]
            prototype(oracle, user, wire, kind)
            feed(oracle, user, wire, kind)
            entries(oracle, user, wire, kind)


def prototype(oracle: Oracle, user: User, wire: Wire, kind: str) -> None:
    """The prototype lists the readable fields and says which are mandatory and read-only."""
    answer = wire.get(f"$prototypes/{kind}")
    if not oracle.knows(user, kind):
        expect(f"prototype of {kind} for {user.key}", answer.status, 404)
        return
    found = [
        (wire_name, not told["$isReadOnly"], told["$isMandatory"])
        for wire_name, told in answer.json["$properties"].items()
        if wire_name in catalogue()[kind].by_wire
    ]
    expect(f"prototype of {kind} for {user.key}", sorted(found), sorted(oracle.shape(user, kind)))


def feed(oracle: Oracle, user: User, wire: Wire, kind: str) -> None:
    """The feed holds the visible rows, each with its readable fields and the links that may be followed."""
    answer = wire.get(kind, count=1000)
    if "view" not in oracle.actions(user, kind):
        expect(f"feed of {kind} for {user.key}", answer.status, 403 if oracle.knows(user, kind) else 404)
        return
    found = {entry["$key"]: entry for entry in answer.json["$resources"]}
    rows = {row.key: row for row in oracle.world.of(kind) if oracle.may(user, "view", row)}
    expect(f"feed of {kind} for {user.key}", sorted(found), sorted(rows))
    expect(f"total of {kind} for {user.key}", answer.json["$totalResults"], len(rows))
    readable = {wire_name for wire_name, _, _ in oracle.shape(user, kind)}
    for key, row in rows.items():
        shown = {name for name in found[key] if name in catalogue()[kind].by_wire}
        expect(f"fields of {row} for {user.key}", shown, readable)
        links(oracle, user, row, found[key])


def links(oracle: Oracle, user: User, row: Row, entry: dict[str, Any]) -> None:
    """The links to change and to delete, and the title."""
    offered = not catalogue()[row.kind].read_only
    expect(f"{user.key} edits {row}", "$edit" in entry["$links"], offered and oracle.may(user, "edit", row))
    if row.kind not in DELETED_BY_MORE_RULES:
        expect(f"{user.key} deletes {row}", "$delete" in entry["$links"], offered and oracle.may(user, "delete", row))
    title = oracle.title(user, row)
    expect(f"title of {row} for {user.key}", entry["$title"] == title, title is not None)


def entries(oracle: Oracle, user: User, wire: Wire, kind: str) -> None:
    """A row answers by its key if and only if it is visible."""
    for row in oracle.world.of(kind)[:3]:
        status = wire.get(at(kind, row.key)).status
        expect(f"{user.key} reads {row}: {status}", status == 200, oracle.may(user, "view", row))
        if not oracle.may(user, "view", row):
            unused = wire.get(at(kind, row.key + 500)).status
            expect(f"{user.key} reads {row} like an unused key", status, unused)
