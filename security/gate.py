"""The only door to data: if you hold rows, they came through here.

Reads are lazy querysets with the actor's predicate applied and only readable columns selected. ``system_rows`` is
the one unfiltered exit, for the plan compiler, log-in, business rules and the seed; a test lists its callers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import DEFAULT_DB_ALIAS
from django.db.models import (
    CharField,
    F,
    Func,
    Model,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.db.models.functions import Cast, Coalesce, Concat, Left

from entities.declaration import Through
from entities.kinds import fold
from entities.models import Record
from entities.registry import Entity, Field, attributes, entity_of, registry
from entities.rules.possible import possible
from security.access import once_per_access
from security.errors import NotPermitted, RecordNotFound
from security.predicates import FALSE, as_column, rows_where
from security.row_security import read_by
from security.statements import Statement, among, prepared

if TYPE_CHECKING:
    from django.db.models.expressions import Combinable

    from entities.declaration import Shown
    from security.plan import Access, Action
    from security.predicates import Form

M = TypeVar("M", bound=Model)
Names = Sequence[str]


def system_rows(model: type[M]) -> QuerySet[M]:
    """Return the live rows of ``model``, unfiltered by rights. Never for an answer to an actor."""
    return _live(model).all()


@cache  # predicates ask for the same rows many times over
def _live(model: type[Model]) -> QuerySet[Any]:
    everything = model._default_manager.all()
    return everything.filter(deleted_at__isnull=True) if issubclass(model, Record) else everything


def rows(access: Access, entity: Entity, action: Action = "view", form: Form = "open") -> QuerySet[Record]:
    """Return the rows of ``entity`` on which the actor may do ``action``; ``form`` is that of ``rows_where``."""
    allowed = system_rows(entity.model).filter(rows_where(access, entity, action, system_rows, form=form))
    return read_by(access, entity, allowed)


def rows_after(access: Access, entity: Entity, action: Action) -> QuerySet[Record]:
    """Return the rows where a record may lie after ``action``: what a write is checked against once written."""
    return system_rows(entity.model).filter(rows_where(access, entity, action, system_rows, after=True))


def allows(access: Access, entity: Entity, action: Action, key: int) -> bool:
    """Whether the actor may do ``action`` to the record ``key``: the same predicate that lists rows."""
    return key in allowed(access, entity, action, [key])


def allowed(access: Access, entity: Entity, action: Action, keys: Collection[int]) -> set[int]:
    """Return those of the records ``keys`` to which the actor may do ``action``."""
    return {key for (key,) in _allowing(access, entity, action).rows(keys=list(keys))}


@once_per_access
def _allowing(access: Access, entity: Entity, action: Action) -> Statement:
    return prepared(rows(access, entity, action).filter(among("pk", "keys")).order_by().values_list("pk"))


def locked(access: Access, entity: Entity, key: int, action: Action) -> Record:
    """Return the record for a write, locked until the transaction ends.

    Whether the wire offers writes to this kind at all (``Shape.offers``) is asked by the api, not here.
    Raises ``RecordNotFound`` where the actor cannot see it, ``NotPermitted`` where the action is not allowed on it.
    """
    found = _locking(access, entity, action).rows(keys=[key])
    if not found:
        raise RecordNotFound
    *values, allowed = found[0]
    if not allowed:
        raise NotPermitted
    return entity.model.from_db(DEFAULT_DB_ALIAS, attributes(entity.model), values)


@once_per_access
def _locking(access: Access, entity: Entity, action: Action) -> Statement:
    # There is one table to lock in it: rows of others stand in sub-queries, which lock nothing.
    query = rows(access, entity).filter(among("pk", "keys")).annotate(_allowed=_flag(access, entity, action))
    locking = query.order_by().select_for_update(no_key=True)
    return prepared(locking.values_list(*attributes(entity.model), "_allowed"))


def open_to_children(access: Access, entity: Entity, key: int, child: Entity) -> bool:
    """Whether the actor may add owned children of the kind ``child`` to the record ``key`` now."""
    return rows(access, entity, "edit").filter(_possible(access, entity, "extend", child), pk=key).exists()


def possible_now(access: Access, entity: Entity, action: Action, key: int) -> bool:
    """Whether the contract offers ``action`` on a visible record of the kind, and its state lets it happen."""
    state = rows(access, entity).filter(_possible(access, entity, action), pk=key)
    return access.shape(entity).offers(action) and state.exists()


def resolve(access: Access, entity: Entity, name: str) -> Field | None:
    """Return the readable field ``name`` (wire spelling, any case); None for hidden and unknown alike."""
    return access.shape(entity).field(name) if access.sees(entity) or access.knows(entity) else None


def relation(access: Access, entity: Entity, name: str) -> tuple[Field, Entity] | None:
    """Return the reference field and target of the to-one relation ``name``; None where either is unknown."""
    field = entity.relations.get(fold(name))
    if field is None or not access.shape(entity).reads(field.name):
        return None
    target = registry()[field.target]
    return (field, target) if access.sees(target) else None


def expression(access: Access, entity: Entity, field: Field) -> Combinable:
    """Return the value of ``field`` as the actor sees it: a reference to an invisible record is empty."""
    if field.expression is not None:
        return field.expression()
    if field.shown is not None:
        return _shown(access, entity, field.shown)
    if field.target:
        visible = rows(access, registry()[field.target]).filter(pk=OuterRef(field.column))
        return Subquery(visible.values("pk")[:1])
    return F(field.column)


def _shown(access: Access, entity: Entity, shown: Shown) -> Combinable:
    """Return a column of another record, empty where the actor does not see that record."""
    if isinstance(shown, Through):
        return _followed(access, entity, shown.path)
    child, table = registry()[shown.kind], registry()[entity.base].table_id
    owner = {"owner_table": table, "owner_id": OuterRef("pk"), "type": shown.type}
    owned = rows(access, child).filter(**owner).order_by("pk")
    return _of_first(owned, expression(access, child, child.by_name[shown.attribute]))


def _followed(access: Access, entity: Entity, path: Names) -> Combinable:
    field = entity.by_name[path[0]]
    if len(path) == 1:
        return expression(access, entity, field)
    target = registry()[field.target]
    reached = rows(access, target).filter(pk=OuterRef(field.column))
    return _of_first(reached, _followed(access, target, path[1:]))


def _of_first(query: QuerySet[Record], value: Combinable) -> Subquery:
    """Return ``value`` of the first row of ``query``, empty where there is none."""
    return Subquery(query.annotate(_value=value).values("_value")[:1])


def through(access: Access, entity: Entity, names: Names) -> tuple[Combinable, Field] | None:
    """Return the value reached by the dotted ``names`` (relations, then a field) and its field; None if unknown.

    Every hop goes through the target's own rows: a value behind an invisible record is empty.
    """
    if len(names) == 1:
        field = resolve(access, entity, names[0])
        return None if field is None else (expression(access, entity, field), field)
    hop = relation(access, entity, names[0])
    if hop is None:
        return None
    reference, target = hop
    inner = through(access, target, names[1:])
    if inner is None:
        return None
    reached = rows(access, target).filter(pk=OuterRef(reference.column))
    return _of_first(reached, inner[0]), inner[1]


def select(
    access: Access,
    entity: Entity,
    query: QuerySet[Record],
    fields: Iterable[Field],
    extra: Mapping[str, Any] | None = None,
    *,
    now: bool = False,
) -> QuerySet[Record, tuple[Any, ...]]:
    """Select from ``query`` the key, the title, the edit and delete flags, the ``fields``, then ``extra``.

    Only readable fields may be asked for. The flags say what the wire offers, computed in the same statement: the
    rights, and with ``now`` whether the rules let it happen in the row's present state, as links need it.
    """
    shape = access.shape(entity)
    columns: list[str] = []
    annotations: dict[str, Any] = {
        "_title": title_expression(access, entity),
        "_edit": _flag(access, entity, "edit", now=now) if shape.offers("edit") else FALSE,
        "_delete": _flag(access, entity, "delete", now=now) if shape.offers("delete") else FALSE,
    }
    for field in fields:
        if not shape.reads(field.name):
            raise LookupError(f"{entity.kind}.{field.name} is not readable")
        if not field.stored:
            annotations[f"_{field.name}"] = expression(access, entity, field)
        columns.append(field.column if field.stored else f"_{field.name}")
    annotations |= extra or {}
    return query.annotate(**annotations).values_list("pk", "_title", "_edit", "_delete", *columns, *(extra or {}))


def select_known(
    access: Access, entity: Entity, fields: Iterable[Field], *, now: bool = False
) -> QuerySet[Record, tuple[Any, ...]]:
    """Select what ``select`` does of all live rows, for a statement that joins them to keys of visible ones."""
    every = read_by(access, entity, system_rows(entity.model)).order_by()
    return select(access, entity, every, fields, now=now)


def title_expression(access: Access, entity: Entity) -> Combinable:
    """Return the text made of the readable title fields, NULL where none is readable or all are empty."""
    shape = access.shape(entity)
    parts = [entity.by_name[name] for name in entity.title if shape.reads(name)]
    if not parts:
        return Value(None, output_field=CharField())
    values = [F(part.column) if part.stored else expression(access, entity, part) for part in parts]
    filled = [Func(value, Value(""), function="NULLIF", output_field=CharField()) for value in values]
    joined = Func(Value(entity.title_joiner), *filled, function="CONCAT_WS", output_field=CharField())
    cut = Left(joined, entity.title_length) if entity.title_length else joined
    return Func(cut, Value(""), function="NULLIF", output_field=CharField())


def neutral_title(entity: Entity, key: int) -> str:
    """Return the title of a record that has no readable one: kind and key (contract.md §7.1)."""
    return f"{entity.kind} {key}"


def shown_title(access: Access, entity: Entity) -> Combinable:
    """Return the title as answers show it: ``neutral_title`` where no title field is readable and filled."""
    neutral = Concat(Value(f"{entity.kind} "), Cast("pk", CharField()), output_field=TextField())
    return Coalesce(title_expression(access, entity), neutral, output_field=TextField())


def titles(access: Access, wanted: Mapping[str, set[int]]) -> dict[tuple[str, int], str]:
    """Return ``{(kind, key): title}`` of those records that the actor can see, in one statement.

    ``wanted`` = keys per kind; a key that is missing in the answer is to be shown as empty.
    """
    kinds = tuple(kind for kind, keys in sorted(wanted.items()) if keys and access.sees(registry()[kind]))
    if not kinds:
        return {}
    found = _titling(access, kinds).rows(**{kind: list(wanted[kind]) for kind in kinds})
    return {(kind, key): title or neutral_title(registry()[kind], key) for kind, key, title in found}


@once_per_access
def _titling(access: Access, kinds: tuple[str, ...]) -> Statement:
    return prepared(_together([_titled(access, kind).filter(among("pk", kind)).order_by() for kind in kinds]))


def every_title(access: Access, kinds: Sequence[str], most: int) -> list[tuple[str, int, str]]:
    """Return kind, key and title of all records of ``kinds`` that the actor can see, ``most`` of each."""
    found = _together([_titled(access, kind).order_by("pk")[:most] for kind in kinds]) if kinds else ()
    return [(kind, key, title or neutral_title(registry()[kind], key)) for kind, key, title in found]


def _titled(access: Access, kind: str) -> QuerySet[Record, tuple[Any, ...]]:
    """Return kind, key and title of the visible records of a kind; no title where none is readable and filled."""
    entity = registry()[kind]
    named = Value(kind, output_field=CharField())
    titled = rows(access, entity).annotate(_kind=named, _title=title_expression(access, entity))
    return titled.values_list("_kind", "pk", "_title")


def _together(queries: Sequence[QuerySet[Record, tuple[Any, ...]]]) -> QuerySet[Record, tuple[Any, ...]]:
    return queries[0].union(*queries[1:], all=True) if len(queries) > 1 else queries[0]


def _possible(access: Access, entity: Entity, action: str, child: Entity | None = None) -> Q:
    return possible(entity, action, system_rows, lambda model, right: rows(access, entity_of(model), right), child)


def _flag(access: Access, entity: Entity, action: Action, *, now: bool = False) -> Any:
    """Return whether ``action`` is allowed, as a column of a row that is already known to be visible.

    ``now`` = and whether the business rules let it happen in the row's present state.
    """
    if action not in access.shape(entity).actions:
        return FALSE
    condition = rows_where(access, entity, action, system_rows, after=True)
    if now:
        condition &= _possible(access, entity, action)
    return as_column(condition)
