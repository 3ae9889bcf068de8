"""The second lock alone shows what the oracle says: the database works it out by itself, from the stored rights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.db.models import Q

from entities.registry import registry
from security import gate
from security.plan import access_for
from tests.oracle.checks import KINDS
from tests.oracle.oracle import Oracle
from tests.oracle.runs import DEEP, over_worlds
from tests.owner import as_application

if TYPE_CHECKING:
    from tests.oracle.worlds import User, World

WORLDS = 1_000 if DEEP else 60

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(django_settings.ROW_SECURITY, reason="it puts on the lock itself, as the owner"),
]


def shown(user: User, kind: str) -> set[int]:
    """Return the keys of what the gate reads for a user."""
    return set(gate.rows(access_for(user.key), registry()[kind]).values_list("pk", flat=True))


def disagreements(world: World) -> list[tuple[int, str]]:
    """Return the users and kinds of whom the database shows other rows than the oracle."""
    oracle = Oracle(world)
    return [
        (user.key, kind)
        for user in world.users
        for kind in KINDS
        if access_for(user.key).sees(registry()[kind])
        if shown(user, kind) != {row.key for row in world.of(kind) if oracle.may(user, "view", row)}
    ]


def test_without_the_gates_own_predicate_the_database_shows_no_other_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "rows_where", lambda *_, **__: Q())

    def check(world: World) -> None:
        assert disagreements(world) == []

    with as_application():
        over_worlds(7, WORLDS, check)


def test_without_either_lock_the_oracle_disagrees(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the other test would notice."""
    monkeypatch.setattr(gate, "rows_where", lambda *_, **__: Q())
    found = []
    with as_application():
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE; ALTER TABLE public.entities_company DISABLE ROW LEVEL SECURITY")
            cursor.execute("ALTER FUNCTION unfiltered.enter RENAME TO entered")
            cursor.execute(
                "CREATE FUNCTION unfiltered.enter(int, text[], text[], boolean) RETURNS void LANGUAGE sql AS 'SELECT'"
            )
        over_worlds(7, 20, lambda world: found.extend(disagreements(world)))
    assert any(kind == "Company" for _, kind in found)
