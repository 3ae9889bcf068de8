"""Creating, changing and deleting records through the gate: rights before and after, business rules, history.

Values arrive checked for type and readability by the caller's channel (wire or administration); every channel's
writes end here. One call is one part of the caller's transaction.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from entities import rules
from entities.models import User
from entities.registry import ByField, ByLink, ByOwner, ByReference, Entity, Field, entity_of, model_fields, registry
from entities.rules.circumstances import Circumstances
from security import gate, recording, transitions
from security.errors import Invalid, NotPermitted, OutsideYourRights, RecordNotFound, UnknownActor
from security.models import Change
from security.plan import parents_of
from security.predicates import scope_holds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from entities.declaration import Parent
    from entities.models import Record
    from entities.workflow import Transition
    from security.plan import Access, Action

NEUTRAL = "These values cannot be stored together with what exists."
Made = frozenset[tuple[str, int]]
NOTHING: Made = frozenset()


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
    record = entity.model()
    _assign(entity, record, values)
    nested = _belongs_to(entity, record, made)
    if not (access.nests(entity) if nested else "insert" in access.shape(entity).actions):
        raise NotPermitted
    now = present()
    record.created_at = record.updated_at = now
    record.created_by_id = record.updated_by_id = access.actor.id
    sent = frozenset(name for name, value in values.items() if value not in (None, "", []))
    circumstances = replace(_circumstances(access, now, sent, None, made), unfinished=unfinished)
    if not nested:
        _require_owner(access, entity, record)
    rules.complete(record, circumstances)
    rules.check(record, circumstances)
    _validate(access, entity, record, None)
    _announce(access, entity)
    _save(record, None)
    if not nested and not gate.rows_after(access, entity, "insert").filter(pk=record.pk).exists():
        raise NotPermitted if entity.parents else OutsideYourRights
    rules.settle(record, circumstances)
    _remember(access, entity, record.pk, "insert", values, now)
    _bring_about(access, entity, record)
    return record


def finish(access: Access, record: Record, made: Made) -> None:
    """Let the rules settle a record that was created ``unfinished``, now that its children are there."""
    rules.settle(record, _circumstances(access, present(), frozenset(), None, made))


def locked(access: Access, entity: Entity, key: int, action: Action) -> Record:
    """Return the record for a write, locked until the transaction ends, its neighbours first (entities.rules.lock).

    Raises ``RecordNotFound`` where the actor cannot see it, ``NotPermitted`` where ``action`` is not allowed on it.
    """
    seen = gate.rows(access, entity).filter(pk=key).first()
    if seen is not None:
        rules.lock(seen, _circumstances(access, present(), frozenset(), seen))
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
    _assign(entity, record, values)
    if not any(_differs(entity, record, before, name) for name in values):
        return False
    given = frozenset(name for name in sent if _differs(entity, record, before, name))
    circumstances = _circumstances(access, now, given, before)
    rules.check(record, circumstances)
    changed = [f for f in _columns(entity) if getattr(record, f.column) != getattr(before, f.column)]
    _validate(access, entity, record, [field.name for field in changed])
    record.updated_at, record.updated_by_id = now, access.actor.id
    _announce(access, entity)
    _save(record, [*(field.name for field in changed if not field.derived), "updated_at", "updated_by"])
    if not gate.rows_after(access, entity, "edit").filter(pk=record.pk).exists():
        raise OutsideYourRights
    rules.settle(record, circumstances)
    _remember(access, entity, record.pk, "edit", [field.name for field in changed], now)
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
    if rules.remove(record, _circumstances(access, now, frozenset(), copy(record))):
        record.deleted_at, record.deleted_by_id = now, access.actor.id
        record.save(update_fields=["deleted_at", "deleted_by"])
    _remember(access, entity, record.pk, "delete", (), now)


def present() -> datetime:
    """Return the time in whole seconds, as it is shown, stored and compared (contract.md §4)."""
    return timezone.now().replace(microsecond=0)


def _columns(entity: Entity) -> list[Field]:
    stamps = ("created_by", "created_at", "updated_by", "updated_at")
    return [f for f in entity.fields if not f.repeat and f.expression is None and f.name not in stamps]


def _assign(entity: Entity, record: Record, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(record, entity.by_name[name].column, value)


def _differs(entity: Entity, record: Record, before: Record, name: str) -> bool:
    column = entity.by_name[name].column
    return bool(getattr(record, column) != getattr(before, column))


def _require_owner(access: Access, entity: Entity, record: Any) -> None:
    """A generic owner must be a visible record of a kind that may own (security.md §2, References)."""
    for parent in entity.parents:
        if isinstance(parent, ByOwner):
            owner = registry().by_table_id.get(record.owner_table)
            if owner is None or owner.kind not in parent.kinds or not access.sees(owner):
                raise Invalid([("owner_table", "BadReference", "")])
            if record.owner_id is None or not gate.allows(access, owner, "view", record.owner_id):
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


def _circumstances(
    access: Access, now: datetime, given: frozenset[str], before: Record | None, made: Made = NOTHING
) -> Circumstances:
    def allowed(action: Action, model: type[Record], key: int) -> bool:
        entity = entity_of(model)
        return (entity.kind, key) in made or gate.allows(access, entity, action, key)

    def may_insert(record: Record) -> bool:
        entity = entity_of(type(record))
        return any(
            scope_holds(rule, entity, access.actor, record) for rule in access.plans[entity.kind].rules["insert"]
        )

    def wrote(model: type[Record], keys: Sequence[int], action: str, names: Sequence[str]) -> None:
        verb = "edit" if action == "update" else action
        for key in keys:
            _remember(access, entity_of(model), key, verb, names, now)

    actor = gate.system_rows(User).filter(pk=access.actor.id).first()
    if actor is None:
        raise UnknownActor
    return Circumstances(
        actor=actor,
        now=now,
        given=given,
        before=before,
        rows=gate.system_rows,
        may_insert=may_insert,
        visible=lambda model, key: allowed("view", model, key),
        editable=lambda model, key: allowed("edit", model, key),
        readable=lambda model, name: access.shape(entity_of(model)).reads(name),
        wrote=wrote,
    )


def _validate(access: Access, entity: Entity, record: Record, names: Iterable[str] | None) -> None:
    """Ask the model's own validators and constraints; what they say of a hidden field is said neutrally."""
    chosen = {f.name for f in _columns(entity)} if names is None else set(names)
    checked = {f.name for f in _columns(entity) if f.name in chosen and not f.target and not f.derived}
    try:
        record.clean_fields(exclude=set(model_fields(entity.model)) - checked)
        record.validate_constraints()
    except ValidationError as error:
        raise Invalid(list(_problems(access, entity, error))) from error


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


def _save(record: Record, fields: list[str] | None) -> None:
    try:
        with transaction.atomic():
            record.save(force_insert=fields is None, update_fields=fields)
    except IntegrityError as error:
        raise Invalid([("", "BusinessRule", NEUTRAL)]) from error


def _remember(access: Access, entity: Entity, key: int, action: str, names: Iterable[str], now: datetime) -> None:
    Change.objects.create(
        kind=entity.kind, key=key, action=action, fields=sorted(names), user_id=access.actor.id, at=now
    )
