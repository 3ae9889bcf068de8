"""Creating, changing and deleting records through the gate: rights before and after, business rules, history.

Values arrive checked for type and readability by the caller's channel (wire or administration); every channel's
writes end here. One call is one part of the caller's transaction.
"""

from __future__ import annotations

from contextlib import contextmanager
from copy import copy
from functools import cache
from typing import TYPE_CHECKING, Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from entities import rules
from entities.registry import ByField, ByLink, ByOwner, ByReference, Entity, Field, field_checks, registry
from security import gate, recording, storing, transitions
from security.errors import Invalid, NotPermitted, OutsideYourRights, RecordNotFound
from security.plan import parents_of
from security.surroundings import NOTHING, Made, circumstances, people

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from entities.declaration import Parent
    from entities.models import Record
    from entities.workflow import Transition
    from security.plan import Access, Action

NEUTRAL = "These values cannot be stored together with what exists."


def create(
    access: Access, entity: Entity, values: Mapping[str, Any], made: Made = NOTHING, *, unfinished: bool = False
) -> Record:
    """Store a new record and return it.

    ``values`` = ``{attribute: value}``, references as keys. ``made`` = ``(kind, key)`` of the records that this
    request created before: their owned children need no right but the one that created them (security.md §2), and the
    rules take them for seen and editable. ``unfinished`` = children follow, then ``finish``. Raises ``NotPermitted``
    where the actor may insert nothing of this kind, ``OutsideYourRights`` where not this record, ``Invalid`` and
    ``RuleViolation``.
    """
    record, now = entity.model(), present()
    assign(entity, record, values)
    nested = _belongs_to(entity, record, made)
    if not (access.nests(entity) if nested else "insert" in access.shape(entity).actions):
        raise NotPermitted
    stamp(access, record, now)
    known = people(access, [assigned(entity, record)])
    c = circumstances(access, now, sent(values), None, made, unfinished=unfinished, known=known)
    if not nested:
        require_owner(access, entity, record)
    rules.foresee([record], c)
    rules.complete(record, c)
    rules.check(record, c)
    validate(access, entity, record, None)
    _announce(access, entity)
    with _refusing():
        (held,) = storing.insert(access, entity, [record], [values], judged=not nested)
    if not held:
        raise outside(entity)
    rules.settle(record, c)
    _bring_about(access, entity, record)
    return record


def finish(access: Access, record: Record, made: Made) -> None:
    """Let the rules settle a record that was created ``unfinished``, now that its children are there."""
    rules.settle(record, circumstances(access, present(), frozenset(), None, made, known=people(access)))


def locked(access: Access, entity: Entity, key: int, action: Action) -> Record:
    """Return the record for a write, locked until the transaction ends, its neighbours first (entities.rules.lock).

    Raises ``RecordNotFound`` where the actor cannot see it, ``NotPermitted`` where ``action`` is not allowed on it.
    """
    seen = gate.rows(access, entity).filter(pk=key).first() if rules.locks(entity.model) else None
    if seen is not None:
        rules.lock(seen, circumstances(access, present(), frozenset(), seen, known=people(access)))
    return gate.locked(access, entity, key, action)


def update(access: Access, entity: Entity, record: Record, values: Mapping[str, Any]) -> bool:
    """Change the given attributes of a record that ``locked`` returned; say whether anything changed.

    A write that changes nothing writes nothing and stamps nothing. A change of state is carried out as the transition
    that it amounts to. Raises as ``create``, and ``RuleViolation`` ``TransitionNotAllowed`` where it amounts to none.
    """
    step = transitions.meant(access, entity, record, values)
    if step is not None:
        return transition(access, entity, record, step, values)
    return _change(access, entity, record, values, values, present())


def transition(access: Access, entity: Entity, record: Record, step: Transition, values: Mapping[str, Any]) -> bool:
    """Do a transition of a record that ``locked`` returned for edit; say whether anything changed.

    ``values`` = the parameters that the caller sent, ``{attribute: value}``. Raises ``NotPermitted`` where the actor
    may not do it, ``RuleViolation`` ``TransitionNotAllowed`` where the state forbids it, else as ``update``.
    """
    now = present()
    written = transitions.written(access, entity, step, record, values, now)
    return _change(access, entity, record, written, values, now)


def _change(
    access: Access, entity: Entity, record: Record, values: Mapping[str, Any], sent: Iterable[str], now: datetime
) -> bool:
    """Store ``values``, of which the caller named those ``sent``."""
    before = copy(record)
    assign(entity, record, values)
    if not any(_differs(entity, record, before, name) for name in values):
        return False
    given = frozenset(name for name in sent if _differs(entity, record, before, name))
    c = circumstances(access, now, given, before, known=people(access, [assigned(entity, record)]))
    rules.check(record, c)
    changed = [f for f in _columns(entity) if getattr(record, f.column) != getattr(before, f.column)]
    names = [field.name for field in changed]
    validate(access, entity, record, names)
    stamp(access, record, now, before)
    _announce(access, entity)
    columns = [*(field.column for field in changed if not field.derived), "updated_at", "updated_by_id"]
    with _refusing():
        held = storing.update(access, entity, record, columns, names)
    if not held:
        raise OutsideYourRights
    rules.settle(record, c)
    return True


def _bring_about(access: Access, entity: Entity, record: Record) -> None:
    """Do to the owner of a new record what its first one brings about, if the actor may (entities.md §7.2).

    The first one that the actor sees: others must not show in what becomes of the owner.
    """
    for owner, step, reference in transitions.brought_about(entity):
        key = getattr(record, reference.column)
        if key is None or step.name not in access.shape(owner).transitions:
            continue
        others = gate.rows(access, entity).filter(**{reference.column: key}).exclude(pk=record.pk)
        try:
            found = None if others.exists() else locked(access, owner, key, "edit")
        except (RecordNotFound, NotPermitted):
            continue
        if found is not None and step in transitions.possible_for(access, owner, found):
            transition(access, owner, found, step, {})


def delete(access: Access, entity: Entity, record: Record) -> None:
    """Mark a record deleted that ``gate.locked`` returned, with what its deletion entails (entities.md §2)."""
    now = present()
    _announce(access, entity)
    if rules.remove(record, circumstances(access, now, frozenset(), copy(record), known=people(access))):
        record.deleted_at, record.deleted_by_id = now, access.actor.id
        record.save(update_fields=["deleted_at", "deleted_by"])
    storing.note(access, entity, [record.pk], "delete", (), now)


def present() -> datetime:
    """Return the time in whole seconds, as it is shown, stored and compared (contract.md §4)."""
    return timezone.now().replace(microsecond=0)


def sent(values: Mapping[str, Any]) -> frozenset[str]:
    """Return the attributes of a new record to which the caller gave a value."""
    return frozenset(name for name, value in values.items() if value not in (None, "", []))


def stamp(access: Access, record: Record, now: datetime, before: Record | None = None) -> None:
    """Write who stores the record and when; who created it, where there was none ``before``."""
    record.updated_at, record.updated_by_id = now, access.actor.id
    if before is None:
        record.created_at, record.created_by_id = now, access.actor.id


def outside(entity: Entity) -> NotPermitted | OutsideYourRights:
    """Return the refusal of a new record where the actor may insert none; a child's parent may not be edited."""
    return NotPermitted() if entity.parents else OutsideYourRights()


@cache
def _columns(entity: Entity) -> tuple[Field, ...]:
    stamps = ("created_by", "created_at", "updated_by", "updated_at")
    return tuple(f for f in entity.fields if not f.repeat and f.expression is None and f.name not in stamps)


def assigned(entity: Entity, record: Record) -> int | None:
    """Return the key of the user to whom ``record`` is assigned, as far as it says so."""
    return getattr(record, f"{entity.assigned}_id") if entity.assigned else None


def assign(entity: Entity, record: Record, values: Mapping[str, Any]) -> None:
    """Give ``record`` values by attribute."""
    for name, value in values.items():
        setattr(record, entity.by_name[name].column, value)


def _differs(entity: Entity, record: Record, before: Record, name: str) -> bool:
    column = entity.by_name[name].column
    return bool(getattr(record, column) != getattr(before, column))


def require_owner(
    access: Access, entity: Entity, record: Any, sees: Callable[[Entity, int], bool] | None = None
) -> None:
    """A generic owner must be a visible record of a kind that may own (security.md §2, References).

    ``sees`` = whether the actor sees an owner, where that was asked before. Raises ``Invalid``.
    """
    for parent in entity.parents:
        if isinstance(parent, ByOwner):
            owner = registry().by_table_id.get(record.owner_table)
            if owner is None or owner.kind not in parent.kinds or not access.sees(owner):
                raise Invalid([("owner_table", "BadReference", "")])
            key = record.owner_id
            if key is None or not (sees(owner, key) if sees else gate.allows(access, owner, "view", key)):
                raise Invalid([("owner_id", "BadReference", "")])


def _belongs_to(entity: Entity, record: Any, made: Made) -> bool:
    """Whether a record of a child kind is owned by one of the records ``made``; an address, by its link to come."""

    def owned(parent: Parent) -> bool:
        match parent:
            case ByReference(name):
                field = entity.by_name[name]
                return (field.target, getattr(record, field.column)) in made
            case ByOwner(kinds):
                owner = registry().by_table_id.get(record.owner_table)
                return owner is not None and owner.kind in kinds and (owner.kind, record.owner_id) in made
            case ByLink(kind, _):
                owners = {owner.kind for owner in parents_of(registry()[kind])}
                return any(maker in owners for maker, _ in made)
            case ByField():
                return False  # nothing of such a kind is ever written

    return any(owned(parent) for parent in entity.parents)


def validate(access: Access, entity: Entity, record: Record, names: Collection[str] | None) -> None:
    """Ask the validators of the fields ``names`` (None = all), then the model's constraints. Raises ``Invalid``."""
    clean(access, entity, record, names)
    try:
        record.validate_constraints()
    except ValidationError as error:
        raise Invalid(list(_problems(access, entity, error))) from error


def clean(access: Access, entity: Entity, record: Record, names: Collection[str] | None = None) -> None:
    """Ask the validators of the fields ``names``, as Django's ``clean_fields`` does but for references.

    What they say of a hidden field is said neutrally. Raises ``Invalid``.
    """
    known, problems = _cleaned(entity) if names is None else names, {}
    for check in field_checks(entity.model):
        value = getattr(record, check.attribute)
        if check.name in known and check.asks(value):
            try:
                setattr(record, check.attribute, check.clean(value, record))
            except ValidationError as error:
                problems[check.name] = error.error_list
    if problems:
        raise Invalid(list(_problems(access, entity, ValidationError(problems))))


@cache
def _cleaned(entity: Entity) -> frozenset[str]:
    return frozenset(field.name for field in _columns(entity))


def _problems(access: Access, entity: Entity, error: ValidationError) -> Iterable[tuple[str, str, str]]:
    for name, errors in error.error_dict.items():
        for problem in errors:
            if name == NON_FIELD_ERRORS or not access.shape(entity).reads(name):
                yield "", "BusinessRule", NEUTRAL
            else:
                code = {"blank": "Required", "null": "Required", "max_length": "TooLong"}.get(problem.code or "", "")
                yield name, code or "BusinessRule", " ".join(problem.messages)


def _announce(access: Access, entity: Entity) -> None:
    """Let the history of policy know who changes it, where records of this kind are policy: users, places, teams."""
    if recording.is_policy(entity):
        recording.acting(access.actor.id)


@contextmanager
def _refusing() -> Iterator[None]:
    """Undo the block and say neutrally that the database refuses it."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise Invalid([("", "BusinessRule", NEUTRAL)]) from error
