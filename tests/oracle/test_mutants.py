"""The compiler and the gate broken on purpose: the oracle notices each fault (security.md §8.4)."""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any

import pytest
from django.db.models import F, Q

from entities.registry import ByLink
from security import gate, plan, predicates, shapes
from security.grants import GRANTS
from security.plan import access_for
from tests.oracle import checks
from tests.oracle.oracle import Oracle
from tests.oracle.runs import over_worlds

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.oracle.worlds import World

    Break = Callable[[pytest.MonkeyPatch], None]

# Several draws of few worlds: those of one draw resemble each other, and what hides in one shows in the next.
DRAWS, WORLDS = (3, 4, 2, 5, 1, 6), 20

pytestmark = pytest.mark.django_db


def rows_of(world: World) -> None:
    """Ask everybody's plan about rows."""
    oracle = Oracle(world)
    for user in world.users:
        access = access_for(user.key)
        checks.predicates(oracle, user, access, range(4))
        checks.lists(oracle, user, access, 0)


def fields_of(world: World) -> None:
    """Ask everybody's plan about fields."""
    oracle = Oracle(world)
    for user in world.users:
        checks.shapes(oracle, user, access_for(user.key))


def scope(name: str, becomes: Q) -> Break:
    """A scope that reaches nobody or everything."""
    told = predicates.scope_condition

    def broken(rule: Any, *rest: Any) -> Q:
        return becomes if rule.scope == name else told(rule, *rest)

    return lambda patch: patch.setattr(predicates, "scope_condition", broken)


def right(change: Callable[[Any], None]) -> Break:
    """Rights compiled from something else than what is stored."""
    told = plan.row_rule

    def broken(stored: Any, *rest: Any) -> Any:
        change(stored)
        return told(stored, *rest)

    return lambda patch: patch.setattr(plan, "row_rule", broken)


def turned(stored: Any, name: str, into: str) -> None:
    """Take one scope for another."""
    stored.scope = into if stored.scope == name else stored.scope


def grants(*kept: str) -> Break:
    """Only the grants to a user, or to a group, or none."""
    told = predicates.grants_of

    def broken(*given: Any) -> list[Any]:
        return [rows for rows in told(*given) if holder_of(rows) in kept] or [told(*given)[0].none()]

    return lambda patch: patch.setattr(predicates, "grants_of", broken)


def holder_of(rows: Any) -> str:
    """Say who holds the grants of a table."""
    return "user" if rows.model in {users for users, _ in GRANTS.values()} else "group"


def edit_without_view(patch: pytest.MonkeyPatch) -> None:
    """Edit and delete of rows that may not be viewed."""
    told = predicates.rows_where

    def broken(access: Any, entity: Any, action: Any, source: Any, *, after: bool = False, **form: Any) -> Q:
        return told(access, entity, action, source, after=after or action in ("edit", "delete"), **form)

    patch.setattr(gate, "rows_where", broken)


def children(change: Callable[..., tuple[Any, ...]]) -> Break:
    """Children that follow another right, or another parent."""
    told = predicates._child_of
    return lambda patch: patch.setattr(predicates, "_child_of", lambda *given: told(*change(*given)))


def first_parent_only(access: Any, entity: Any, parent: Any, action: Any, source: Any) -> tuple[Any, ...]:
    return access, entity, entity.parents[0], action, source


def view_decides_writes(access: Any, entity: Any, parent: Any, action: Any, source: Any) -> tuple[Any, ...]:
    return access, entity, parent, "view", source


def orphans_for_all(patch: pytest.MonkeyPatch) -> None:
    """An address without links is everybody's."""
    told = predicates._child_of

    def broken(access: Any, entity: Any, parent: Any, *rest: Any) -> Q:
        found = told(access, entity, parent, *rest)
        return Q() if isinstance(parent, ByLink) else found

    patch.setattr(predicates, "_child_of", broken)


def deleted_rows(patch: pytest.MonkeyPatch) -> None:
    """Rows that were deleted."""
    patch.setattr(gate, "system_rows", lambda model: model._default_manager.all())


def deciding(change: Callable[[Any, Any], Any]) -> Break:
    """Field rules that decide otherwise."""
    told = shapes.decide

    def broken(rules: Any, question: Any) -> Any:
        return change(told, (list(rules), question))

    return lambda patch: patch.setattr(shapes, "decide", broken)


def allow_wins(told: Any, given: Any) -> Any:
    rules, question = given
    said = [answer for rule in rules if (answer := getattr(rule, question)) is not None]
    return any(said) if said else None


def sources_forgotten(patch: pytest.MonkeyPatch) -> None:
    """Computed fields that are shown although what they are made from is hidden."""
    told = shapes.may_read

    def broken(rules: Any, kind: str, name: str) -> bool:
        stripped = {key: value for key, value in rules.items() if key == (kind, name)}
        return told(stripped, kind, name)

    patch.setattr(shapes, "may_read", broken)


def refusing(change: Callable[[list[frozenset[str]]], list[frozenset[str]]]) -> Break:
    """What profiles refuse, taken otherwise."""
    told = shapes.transitions_of
    return lambda patch: patch.setattr(plan, "transitions_of", lambda shape, said: told(shape, change(list(said))))


def references_as_stored(patch: pytest.MonkeyPatch) -> None:
    """Show what a reference holds whether its target is visible or not."""
    told = gate.expression
    patch.setattr(gate, "expression", lambda a, e, f: F(f.column) if f.target and f.shown is None else told(a, e, f))


ROWS: dict[str, Break] = {
    "the created scope is dropped": scope("created_by", predicates.NOBODY),
    "the assigned scope is dropped": scope("assigned", predicates.NOBODY),
    "the team scope is dropped": scope("team", predicates.NOBODY),
    "the territory scopes are dropped": scope("territories", predicates.NOBODY),
    "the everywhere scope is dropped": scope("everywhere", predicates.NOBODY),
    "the team scope reaches everything": scope("team", Q()),
    "home means parent": right(lambda stored: turned(stored, "home", "parent")),
    "siblings means home": right(lambda stored: turned(stored, "siblings", "home")),
    "parent means siblings": right(lambda stored: turned(stored, "parent", "siblings")),
    "a named territory always has its subtree": right(lambda stored: setattr(stored, "with_subtree", True)),
    "a named territory never has its subtree": right(lambda stored: setattr(stored, "with_subtree", False)),
    "the right to delete is taken for edit": right(lambda stored: setattr(stored, "edit", stored.delete_right)),
    "grants are forgotten": grants(),
    "grants to profiles are forgotten": grants("user"),
    "grants to users are forgotten": grants("group"),
    "scopes are all needed": lambda patch: patch.setattr(predicates, "_any", lambda found: reduce(and_, found, Q())),
    "edit needs no view": edit_without_view,
    "writes of reference kinds are given": lambda patch: patch.setattr(plan, "may_be_given", lambda *_: True),
    "a child follows its first parent only": children(first_parent_only),
    "the view right decides over children's writes": children(view_decides_writes),
    "addresses are everybody's": orphans_for_all,
    "deleted rows are seen": deleted_rows,
    "references are shown as stored": references_as_stored,
}
FIELDS: dict[str, Break] = {
    "allow beats deny": deciding(allow_wins),
    "the general level decides": lambda patch: patch.setattr(shapes, "LEVELS", shapes.LEVELS[::-1]),
    "the team level is forgotten": lambda patch: patch.setattr(shapes, "LEVELS", ("user", "profile", "everyone")),
    "requirements are forgotten": deciding(lambda told, given: (given[1] != "required" and told(*given)) or None),
    "hidden sources do not hide": sources_forgotten,
    "inserts are never blocked": lambda patch: patch.setattr(plan, "blocks_insert", lambda *_: False),
    "refusals are forgotten": refusing(lambda said: [frozenset()] if said else []),
    "one profile's refusal is enough": refusing(lambda said: [frozenset[str]().union(*said)] if said else []),
    "the administrator is nobody special": lambda patch: patch.setattr(
        plan, "fields_of", lambda rules, entity, full, seen=None: shapes.fields_of(rules, entity, False, seen)
    ),
}


def told(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> None:
    """Put the fault and its killer into the list of ``make test-mutants``."""
    name = request.node.callspec.id
    for key, text in (("where", "worlds"), ("fault", name), ("killer", "the oracle, over random worlds")):
        record_property(key, text)


@pytest.mark.parametrize("fault", ROWS.values(), ids=ROWS)
def test_a_fault_in_rows_is_noticed(
    fault: Break,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    told(request, record_property)
    fault(monkeypatch)
    with pytest.raises(AssertionError, match=r"the oracle says|too much"):
        for draw in DRAWS:
            over_worlds(draw, WORLDS, rows_of, shrink=False)


@pytest.mark.parametrize("fault", FIELDS.values(), ids=FIELDS)
def test_a_fault_in_fields_is_noticed(
    fault: Break,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    told(request, record_property)
    fault(monkeypatch)
    with pytest.raises(AssertionError, match=r"the oracle says|too much"):
        for draw in DRAWS:
            over_worlds(draw, WORLDS, fields_of, shrink=False)
