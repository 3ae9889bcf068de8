"""From the rules of a plan to row predicates: as SQL for queries, and for one unsaved record in Python.

It knows scopes, parents and grants, nothing of fields and nothing of HTTP. Rows of other entities come in through
the argument ``source``: the gate alone touches entity managers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Literal

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, Case, Exists, F, Func, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from entities.registry import ByField, ByLink, ByOwner, ByReference, Entity, registry
from security.grants import GRANTS

if TYPE_CHECKING:
    from django.db.models.expressions import Combinable

    from entities.declaration import Parent
    from entities.models import Record
    from security.plan import Access, Action, Actor, RowRule

Source = Callable[[type[Any]], "QuerySet[Any]"]
Form = Literal["open", "hashed", "probed", "sources"]  # of one and the same predicate, which answers alike in each
TRUE = Value(True, output_field=BooleanField())
FALSE = Value(False, output_field=BooleanField())
NOBODY = Q(FALSE)


def rows_where(
    access: Access, entity: Entity, action: Action, source: Source, *, after: bool = False, form: Form = "open"
) -> Q:
    """Return the predicate of the rows of ``entity`` on which ``access`` allows ``action``; ``Q()`` = all.

    ``source(model)`` yields the live rows of a model. Deleted rows are its matter, not this predicate's.

    Edit and delete reach only rows that may be viewed (security.md §1); ``after`` a change the right alone counts,
    for a change may take the row out of the actor's view (contract.md §7.5).

    ``form`` = how the database is to go about it, which ``selectivity`` knows for lists of kinds with rights of their
    own (docs/adr/0031): it chooses itself (open), it holds the actor's grants in memory (hashed), looks for a grant of
    each row (probed), or collects the rows of each scope and grant first (sources).
    """
    if action not in access.shape(entity).actions:
        return NOBODY
    if entity.base:
        return rows_where(access, registry()[entity.base], action, source, after=after, form=form)
    if entity.parents:
        wanted: Action = "view" if action == "view" else "edit"
        return _any([_child_of(access, entity, parent, wanted, source) for parent in entity.parents])
    if form == "sources" and action == "view":
        return _collected(access, entity, action, source)
    return own_rows(access, entity, action, form=form) if after else own_reach(access, entity, action, form=form)


def _any(conditions: list[Q]) -> Q:
    """Return the union; an empty condition stands for all rows, no condition for none."""
    if not conditions:
        return NOBODY
    return Q() if any(not condition for condition in conditions) else reduce(or_, conditions)


def as_column(condition: Q) -> Combinable:
    """Return whether a row fulfils ``condition`` as a column of it; ``Q()`` = every row does.

    A plain condition would be NULL, not false, where a security column is empty.
    """
    return Case(When(condition, then=TRUE), default=FALSE) if condition else TRUE


def own_reach(
    access: Access,
    entity: Entity,
    action: Action,
    keys: Mapping[Action, Collection[int]] | None = None,
    form: Form = "open",
) -> Q:
    """Return the rows of a kind with rights of its own on which ``action`` is allowed: edit and delete need view.

    ``keys`` = of which records grants are held per action, where it is not for the tables of grants to say.
    """
    held = keys or {}
    allowed = own_rows(access, entity, action, held.get(action), form)
    if action in ("view", "insert"):
        return allowed
    return allowed & own_rows(access, entity, "view", held.get("view"), form)


def own_rows(
    access: Access, entity: Entity, action: Action, keys: Collection[int] | None = None, form: Form = "open"
) -> Q:
    """Return the rows that rights and grants of the kind itself give.

    ``keys`` = of which records grants are held, where it is not for the tables of grants to say.
    """
    plan = access.plans[entity.kind]
    conditions = [scope_condition(rule, entity, access.actor) for rule in plan.rules[action]]
    if keys is not None:
        conditions += [Q(pk__in=keys)] if keys and Q() not in conditions else []
    elif action in plan.granted and Q() not in conditions:
        conditions += _granted(access, entity, action, form)
    return _any(conditions)


def _collected(access: Access, entity: Entity, action: Action, source: Source) -> Q:
    """Return what ``own_rows`` returns as a list of the keys of each scope and grant, each read by its index.

    A list, and no sub-query, because PostgreSQL believes that lists are short, and looks for each key by the index.
    """
    plan = access.plans[entity.kind]
    conditions = [scope_condition(rule, entity, access.actor) for rule in plan.rules[action]]
    if Q() in conditions:
        return Q()
    keys: list[QuerySet[Any, Any]] = [source(entity.model).filter(scope).values("pk") for scope in conditions]
    if action in plan.granted:
        keys += [query.values("content_object") for query in grants_of(access, entity, action)]
    if not keys:
        return NOBODY
    first, *others = [query.order_by() for query in keys]
    every = ArraySubquery(first.union(*others, all=True) if others else first)
    return Q(Func(F("pk"), every, template="(%(expressions)s))", arg_joiner=" = ANY (", output_field=BooleanField()))


def scope_condition(rule: RowRule, entity: Entity, actor: Actor) -> Q:
    """Return the rows that one scope of a right reaches; ``Q()`` = all."""
    match rule.scope:
        case "everywhere":
            return Q()
        case "created_by":
            return Q(created_by=actor.id)
        case "assigned":
            return Q(**{entity.assigned: actor.id})
        case "team":
            return Q(team__in=rule.ids)
        case _:
            return Q(territory__in=rule.ids)


def scope_holds(rule: RowRule, entity: Entity, actor: Actor, record: Record) -> bool:
    """Say of one record, saved or not, what ``scope_condition`` says in SQL."""
    row: Any = record
    match rule.scope:
        case "everywhere":
            return True
        case "created_by":
            return bool(row.created_by_id == actor.id)
        case "assigned":
            return bool(getattr(row, f"{entity.assigned}_id") == actor.id)
        case "team":
            return row.team_id in rule.ids
        case _:
            return row.territory_id in rule.ids


def grants_of(access: Access, entity: Entity, action: Action) -> list[QuerySet[Any]]:
    """Return the rows of the tables of grants that give the actor ``action``: as a user, through profiles, or both.

    Where the plan knows of none there is no query: looking for them would cost as much as finding some.
    """
    holders = access.plans[entity.kind].granted.get(action, frozenset())
    users, groups = (table._default_manager for table in GRANTS[entity.kind])
    profiles = [profile.id for profile in access.actor.profiles]
    of = {"user": users.filter(user=access.actor.id), "group": groups.filter(group__in=profiles)}
    permission = access.permissions[entity.kind, action]
    return [rows.filter(permission=permission) for holder, rows in of.items() if holder in holders]


def _granted(access: Access, entity: Entity, action: Action, form: Form) -> list[Q]:
    """Return the rows with a grant, in the ``form`` of ``rows_where``; a join or an array would lose the index."""
    held = grants_of(access, entity, action)
    if form == "hashed":  # PostgreSQL reads a list of keys inside of an "or" into memory, once for each statement
        first, *others = (query.order_by().values("content_object") for query in held)
        return [Q(pk__in=first.union(*others, all=True) if others else first)]
    of_row = [query.filter(content_object=OuterRef("pk")) for query in held]
    if form == "probed":  # and never what stands for a single value
        found = (Subquery(query.annotate(_held=TRUE).values("_held")[:1]) for query in of_row)
        return [Q(Coalesce(one, FALSE)) for one in found]
    return [Q(Exists(query)) for query in of_row]


def _child_of(access: Access, entity: Entity, parent: Parent, action: Action, source: Source) -> Q:
    def among(kind: str, **where: Any) -> Q:
        target = registry()[kind]
        return Q(Exists(source(target.model).filter(rows_where(access, target, action, source), **where)))

    match parent:
        case ByReference(field):
            return among(entity.by_name[field].target, pk=OuterRef(entity.by_name[field].column))
        case ByOwner(kinds):
            owners = {registry()[kind].table_id: kind for kind in kinds}
            return _any([Q(owner_table=table) & among(kind, pk=OuterRef("owner_id")) for table, kind in owners.items()])
        case ByField(column):
            return Q(**{f"{column}__in": access.wires})
        case ByLink(kind, field):
            linked = Exists(source(registry()[kind].model).filter(**{field: OuterRef("pk")}))
            return among(kind, **{field: OuterRef("pk")}) | (Q(created_by=access.actor.id) & ~Q(linked))
