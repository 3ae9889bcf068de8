"""The questions put to the product and to the oracle alike, one function per way of asking."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import CharField, F, Func, Value

from entities.registry import Entity, app_label, permission, registry
from entities.rules.circumstances import RuleViolation
from security import directory, gate, reading, writes
from security.errors import NotPermitted, OutsideYourRights, RecordNotFound
from security.predicates import scope_holds
from security.reading import Columns, Window
from tests.oracle.catalogue import catalogue
from tests.oracle.loading import CODENAMES
from tests.oracle.worlds import ACTIONS, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from entities.models import Record
    from entities.registry import Field
    from security.plan import Access
    from security.predicates import Form
    from tests.oracle.oracle import Oracle
    from tests.oracle.worlds import Action, User

    Question = tuple[str, Action, Callable[[Access, Entity, Action], Any], Callable[[User, Action, Row], bool]]

KINDS = (
    "Company",
    "Person",
    "Cases",
    "Opportunity",
    "Quotes",
    "QuoteItems",
    "Address",
    "Address_Link",
    "Phone",
    "Email",
    "PhoneLink",
    "Notes",
    "NewProduct",
    "Users",
    "vAddressCompany",
    "vAddressPerson",
    "vCompanySummary",
    "vPersonSummary",
)
# One reference to each sort of target: own rights, children, references, stamps, the own kind's rows.
REFERENCES = (
    "Comp_PrimaryPersonId",
    "Comp_PrimaryAddressId",
    "Pers_CompanyId",
    "Quot_OpportunityId",
    "QuIt_ProductId",
    "Oppo_CreatedBy",
)
SECURED = ("Company", "Person", "Cases", "Opportunity", "Quotes", "vCompanySummary")  # whose predicate has forms
FORMS: tuple[Form, ...] = ("hashed", "probed", "sources")
WRITABLE = {"Company": "Comp_Name", "Person": "Pers_LastName", "Cases": "Case_Description"}


def expect(what: str, found: object, expected: object) -> None:
    """Raise an assertion that shows only where two answers differ."""
    if found == expected:
        return
    if isinstance(found, list) and isinstance(expected, list):
        surplus = [item for item in found if item not in expected]
        missing = [item for item in expected if item not in found]
        raise AssertionError(f"{what}: too much {surplus}, too little {missing}")
    raise AssertionError(f"{what}: is {found!r}, the oracle says {expected!r}")


def shapes(oracle: Oracle, user: User, access: Access) -> None:
    """Fields, actions and known kinds of every kind."""
    for kind in catalogue():
        entity, shape = registry()[kind], access.shape(registry()[kind])
        found = sorted((item.wire, item.writable, item.required) for item in shape.fields)
        expect(f"fields of {kind} for {user.key}", found, sorted(oracle.shape(user, kind)))
        expect(f"actions on {kind} for {user.key}", shape.actions, oracle.actions(user, kind))
        expect(f"transitions of {kind} for {user.key}", list(shape.transitions), oracle.transitions(user, kind))
        expect(f"{user.key} knows {kind}", access.knows(entity), oracle.knows(user, kind))


def lists(oracle: Oracle, user: User, access: Access, turn: int) -> None:
    """The rows of a list with titles, edit and delete flags, and references as far as their targets are visible."""
    for kind in KINDS[turn % 3 :: 3]:
        entity = registry()[kind]
        fields = [f for f in access.shape(entity).readable if f.wire in REFERENCES]
        shown = [f for f in access.shape(entity).readable if catalogue()[kind].by_wire[f.wire].passes]
        values = {f"_value_{f.name}": _or_null(gate.expression(access, entity, f), f) for f in [*fields, *shown]}
        found = sorted(gate.select(access, entity, gate.rows(access, entity), [], values))
        expected = sorted(
            (
                row.key,
                oracle.title(user, row),
                oracle.may(user, "edit", row) and not catalogue()[kind].read_only,
                oracle.may(user, "delete", row) and not catalogue()[kind].read_only,
                *(oracle.reference(user, row, field.wire) for field in fields),
                *(oracle.shown(user, row, field.wire) for field in shown),
            )
            for row in oracle.world.of(kind)
            if oracle.may(user, "view", row)
        )
        expect(f"list of {kind} for {user.key}", found, expected)


def pages(oracle: Oracle, user: User, access: Access, turn: int) -> None:
    """A page, as feeds read it: titles, flags, and references with the titles of what they name."""
    for kind in KINDS[turn % 3 :: 3]:
        entity = registry()[kind]
        untitled = directory.remembered_kinds(access) if turn % 2 else frozenset[str]()
        columns = Columns(tuple(f for f in access.shape(entity).readable if f.wire in REFERENCES), untitled=untitled)
        keys = gate.rows(access, entity, form=FORMS[turn % len(FORMS)]).order_by("pk").values_list("pk", F("pk"))
        rows = reading.page(access, entity, columns, [keys], Window(("ASC",), 1_000)).rows()
        wanted: dict[str, set[int | None]] = {}
        for field, at in columns.named.items():
            wanted.setdefault(field.target, set()).update(row[at] for row in rows)
        named = directory.titles(access, wanted)
        found = [(*row[:4], *(_named(row, field, columns, named) for field in columns.fields)) for row in rows]
        expected = [
            (
                row.key,
                oracle.title(user, row),
                oracle.may(user, "edit", row) and not catalogue()[kind].read_only,
                oracle.may(user, "delete", row) and not catalogue()[kind].read_only,
                *(oracle.reference(user, row, field.wire) for field in columns.fields),
            )
            for row in sorted(oracle.world.of(kind), key=lambda row: row.key)
            if oracle.may(user, "view", row)
        ]
        expect(f"page of {kind} for {user.key}", found, expected)


def _named(
    row: tuple[Any, ...], field: Field, columns: Columns, named: Mapping[str, Mapping[int, str | None]]
) -> int | None:
    """Return the key that a reference holds, if the record that it names has a title for the actor."""
    key: int | None = row[columns.at[field]]
    title = row[columns.titles[field]] if field in columns.titles else key and named[field.target][key]
    return key if title is not None else None


def _or_null(value: Any, field: Field) -> Any:
    """Empty text is stored as such and shown as nothing."""
    return Func(value, Value(""), function="NULLIF", output_field=CharField()) if field.is_text else value


def titles(oracle: Oracle, user: User, access: Access) -> None:
    """The titles of linked records: of visible ones only."""
    wanted = {kind: {row.key for row in oracle.world.of(kind)} for kind in KINDS}
    found = sorted((*key, title) for key, title in gate.titles(access, wanted).items())
    expected = sorted(
        (kind, row.key, oracle.title(user, row) or gate.neutral_title(registry()[kind], row.key))
        for kind in KINDS
        for row in oracle.world.of(kind)
        if oracle.may(user, "view", row)
    )
    expect(f"titles for {user.key}", found, expected)


def predicates(oracle: Oracle, user: User, access: Access, turns: Sequence[int]) -> None:
    """The rows to view of every kind; those to edit, to delete, or where rows may lie after a write, in turns.

    What several turns have in common is asked once.
    """
    questions: list[Question] = [
        ("edit", "edit", gate.rows, oracle.may),
        ("delete", "delete", gate.rows, oracle.may),
        ("after insert", "insert", gate.rows_after, oracle.lies_within),
        ("after edit", "edit", gate.rows_after, oracle.lies_within),
    ]
    queries, expected = [], []
    view: Question = ("view", "view", gate.rows, oracle.may)
    asked = [(kind, view) for kind in KINDS]
    for turn in turns:
        asked += [(kind, questions[(index + turn) % len(questions)]) for index, kind in enumerate(KINDS)]
    for form in dict.fromkeys(FORMS[turn % len(FORMS)] for turn in turns):
        asked += [(kind, (f"view {form}", "view", partial(gate.rows, form=form), oracle.may)) for kind in SECURED]
    for kind, (name, action, rows, says) in asked:
        tag = Value(f"{kind} {name}", output_field=CharField())
        queries.append(rows(access, registry()[kind], action).annotate(_tag=tag).order_by().values_list("_tag", "pk"))
        expected += [(f"{kind} {name}", row.key) for row in oracle.world.of(kind) if says(user, action, row)]
    expect(f"rows for {user.key}", sorted(queries[0].union(*queries[1:], all=True)), sorted(expected))


def unsaved(oracle: Oracle, user: User, access: Access) -> None:
    """What the plan says of one record in Python, as business rules ask, is what it says in SQL."""
    for kind in WRITABLE:
        entity = registry()[kind]
        for row in oracle.world.of(kind):
            if "insert" not in access.shape(entity).actions or row.deleted:
                continue
            record = entity.model(**_columns(entity, row), created_by_id=row.creator)
            rules = access.plans[kind].rules["insert"]
            found = any(scope_holds(rule, entity, access.actor, record) for rule in rules)
            expect(f"{user.key} inserts {row}", found, oracle.lies_within(user, "insert", row))


def permissions(oracle: Oracle, user: User, turn: int) -> None:
    """``user.has_perm``, with a row and without, for one kind and two actions per turn."""
    kind = KINDS[turn % len(KINDS)]
    entity = registry()[kind]
    person = get_user_model()._default_manager.get(pk=user.key)
    rows = oracle.world.of(kind)
    for action in ACTIONS[turn // len(KINDS) % 2 :: 2]:
        name = f"{app_label(entity)}.{permission(entity, CODENAMES.get(action, 'add'))}"
        given = not user.disabled and action in oracle.actions(user, kind)
        expect(f"{user.key} has {name}", person.has_perm(name), given)
        for row in rows[turn % 2 : turn % 2 + 1] if action != "insert" else []:
            record = entity.model._default_manager.get(pk=row.key)
            allowed = not user.disabled and oracle.may(user, action, row)
            expect(f"{user.key} has {name} on {row}", person.has_perm(name, record), allowed)


def detail(oracle: Oracle, user: User, access: Access, turn: int) -> None:
    """One row asked for by its key."""
    kind, action = KINDS[turn % len(KINDS)], ACTIONS[turn % 2 * 2]
    for row in oracle.world.of(kind)[:2]:
        found = gate.allows(access, registry()[kind], action, row.key)
        expect(f"{user.key} may {action} {row}", found, oracle.may(user, action, row))


# Writes


def written(oracle: Oracle, user: User, access: Access, turn: int) -> None:
    """One create, change or deletion, undone afterwards: its outcome is the oracle's."""
    kind = list(WRITABLE)[turn % len(WRITABLE)]
    rows = oracle.world.of(kind)
    row, other = rows[turn % len(rows)], rows[turn // 2 % len(rows)]
    write = (create, create_somewhere, update, delete)[turn % 4]
    with transaction.atomic():
        write(oracle, user, access, row, other)
        transaction.set_rollback(True)


def outcome(write: Callable[[], object]) -> str:
    """Do a write; return what became of it."""
    try:
        write()
    except (NotPermitted, RecordNotFound, OutsideYourRights) as refusal:
        return type(refusal).__name__
    except RuleViolation as refusal:
        return refusal.code
    return "done"


def create(oracle: Oracle, user: User, access: Access, row: Row, other: Row) -> None:
    """A new record with the security columns of ``row``, where they are filled and its user may be assigned."""
    place = row.territory or oracle.world.territories[0].key
    candidate = _candidate(oracle, user, row, place)
    expected = "done" if oracle.lies_within(user, "insert", candidate) else "OutsideYourRights"
    if "insert" not in oracle.actions(user, row.kind):
        expected = "NotPermitted"
    found = outcome(lambda: writes.create(access, registry()[row.kind], _values(candidate)))
    expect(f"{user.key} creates {candidate}", found, expected)


def create_somewhere(oracle: Oracle, user: User, access: Access, row: Row, other: Row) -> None:
    """A new record without territory: the first step of entities.md §6.6 with insert right is taken."""
    entity = registry()[row.kind]
    assignee = next(each for each in oracle.world.users if each.key == _candidate(oracle, user, row, None).assigned)
    steps = [assignee.home, user.home, oracle.world.territories[0].key]
    tried = [_candidate(oracle, user, row, place) for place in steps if place is not None]
    fitting = [candidate for candidate in tried if oracle.lies_within(user, "insert", candidate)]
    expected = "done" if fitting else "OutsideYourRights"
    if "insert" not in oracle.actions(user, row.kind):
        expected = "NotPermitted"
    made: list[Record] = []
    found = outcome(lambda: made.append(writes.create(access, entity, _values(_candidate(oracle, user, row, None)))))
    expect(f"{user.key} creates like {row} without territory", found, expected)
    if made:
        expect(f"{user.key} creates like {row} in", getattr(made[0], "territory_id", None), fitting[0].territory)


def update(oracle: Oracle, user: User, access: Access, row: Row, other: Row) -> None:
    """A record moved to the place and team of another one: edit must hold before and after."""
    entity = registry()[row.kind]
    place = other.territory or oracle.world.territories[-1].key
    moved = Row(row.kind, row.key, place, other.team, row.assigned, row.creator, row.deleted, row.values)
    expected = "done" if oracle.lies_within(user, "edit", moved) else "OutsideYourRights"
    if (moved.territory, moved.team) == (row.territory, row.team):
        expected = "done"
    expected = _reached(oracle, user, "edit", row) or expected
    values = {"territory": moved.territory, "team": moved.team}
    found = outcome(lambda: writes.update(access, entity, writes.locked(access, entity, row.key, "edit"), values))
    expect(f"{user.key} moves {row} to {other}", found, expected)


def delete(oracle: Oracle, user: User, access: Access, row: Row, other: Row) -> None:
    """A record deleted."""
    entity = registry()[row.kind]
    expected = _reached(oracle, user, "delete", row) or "done"
    found = outcome(lambda: writes.delete(access, entity, writes.locked(access, entity, row.key, "delete")))
    expect(f"{user.key} deletes {row}", found, expected)


def _reached(oracle: Oracle, user: User, action: Action, row: Row) -> str:
    """Return why a row is out of reach for an action, empty where it is not."""
    if not oracle.may(user, "view", row):
        return "RecordNotFound"
    return "" if oracle.may(user, action, row) else "NotPermitted"


def _candidate(oracle: Oracle, user: User, row: Row, place: int | None) -> Row:
    users = {each.key: each for each in oracle.world.users}
    assigned = row.assigned if row.assigned and not users[row.assigned].disabled else user.key
    return Row(row.kind, 0, place, row.team or users[assigned].primary_team, assigned, user.key)


def _values(candidate: Row) -> dict[str, Any]:
    entity = registry()[candidate.kind]
    values = {entity.by_wire[WRITABLE[candidate.kind].lower()].name: "New"}
    columns = {"territory": candidate.territory, "team": candidate.team, entity.assigned: candidate.assigned}
    return values | {name: value for name, value in columns.items() if value is not None}


def _columns(entity: Entity, row: Row) -> dict[str, Any]:
    return {"territory_id": row.territory, "team_id": row.team, f"{entity.assigned}_id": row.assigned}
