"""What business rules are told about a write (``rules.Circumstances``), read in as few statements as can be.

The acting user is read with every write: one who is gone meanwhile writes nothing.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Subquery

from entities.models import Record, Territory, User
from entities.registry import attributes, entity_of
from entities.rules.assignment import ROOT
from entities.rules.circumstances import Circumstances, Known
from security import gate, storing
from security.errors import UnknownActor
from security.predicates import scope_holds
from security.statements import Statement, among, prepared

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from entities.registry import Entity
    from security.plan import Access, Action

R = TypeVar("R", bound=Record)
Made = frozenset[tuple[str, int]]
NOTHING: Made = frozenset()
# What rules ask of users; Django reads another column when it is asked for.
_USER = ("id", "primary_team_id", "home_territory_id", "disabled", "is_template")


def circumstances(
    access: Access,
    now: datetime,
    given: frozenset[str],
    before: Record | None,
    made: Made = NOTHING,
    *,
    unfinished: bool = False,
    known: Known,
) -> Circumstances:
    """Return the circumstances of one write by the actor; ``known`` = what was looked up, ``people`` at least."""

    def allowed(action: Action, model: type[Record], key: int) -> bool:
        entity = entity_of(model)
        return (entity.kind, key) in made or gate.allows(access, entity, action, key)

    def visible(model: type[Record], key: int) -> bool:
        seen = known.visible.get((model, key))
        return allowed("view", model, key) if seen is None else seen

    def wrote(model: type[Record], keys: Sequence[int], action: str, names: Sequence[str]) -> None:
        storing.note(access, entity_of(model), keys, "edit" if action == "update" else action, names, now)

    return Circumstances(
        actor=known.rows[User][access.actor.id],
        now=now,
        given=given,
        before=before,
        rows=gate.system_rows,
        live=live,
        may_insert=lambda record: may_insert(access, entity_of(type(record)), record),
        visible=visible,
        among_visible=lambda model, keys: gate.allowed(access, entity_of(model), "view", keys),
        among_editable=lambda model, keys: gate.allowed(access, entity_of(model), "edit", keys),
        editable=lambda model, key: allowed("edit", model, key),
        readable=lambda model, name: access.shape(entity_of(model)).reads(name),
        wrote=wrote,
        unfinished=unfinished,
        known=known,
    )


def may_insert(access: Access, entity: Entity, record: Record) -> bool:
    """Whether the actor's right to insert would cover this unsaved record."""
    rules = access.plans[entity.kind].rules["insert"]
    return any(scope_holds(rule, entity, access.actor, record) for rule in rules)


def people(access: Access, keys: Collection[int | None] = ()) -> Known:
    """Return the acting user, the users ``keys`` and the root of the territories, in one statement.

    Raises ``UnknownActor`` where the actor is no user any more.
    """
    wanted = {access.actor.id, *(key for key in keys if key is not None)}
    found: dict[int, Any] = dict.fromkeys(wanted)
    rows = _reading_people().rows(keys=list(wanted))
    for *values, _ in rows:
        found[values[0]] = User.from_db(DEFAULT_DB_ALIAS, _USER, values)
    if found[access.actor.id] is None:
        raise UnknownActor
    return Known({User: found}, {ROOT: rows[0][-1]})


@cache
def _reading_people() -> Statement:
    root = gate.system_rows(Territory).filter(parent=None).order_by("pk").values("pk")[:1]
    users = gate.system_rows(User).filter(among("pk", "keys")).annotate(_root=Subquery(root))
    return prepared(users.order_by().values_list(*_USER, "_root"))


def live(model: type[R], keys: Collection[int]) -> dict[int, R]:
    """Return the live rows ``keys`` of ``model`` by key, unfiltered by rights: what business rules look up."""
    found = _living(model).rows(keys=list(keys))
    made = (model.from_db(DEFAULT_DB_ALIAS, attributes(model), values) for values in found)
    return {record.pk: record for record in made}


@cache
def _living(model: type[Record]) -> Statement:
    query = gate.system_rows(model).filter(among("pk", "keys")).order_by()
    return prepared(query.values_list(*attributes(model)))
