"""Creating many records of one kind together, each of which stands or falls alone: what ``writes.create`` does to each.

They are judged before any of them is stored, with what their rules look up read for all of them; those that pass are
stored by one statement. It goes for kinds of which no new record matters to another (``together``). Where the database
refuses them together, they are halved, so that in the end each is refused by itself and in its own words.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, OperationalError, transaction

from entities import rules
from entities.registry import ByOwner, constrained_by_others, plain_columns, registry
from entities.rules.numbering import Numbers
from security import gate, recording, storing, transitions, writes
from security.surroundings import circumstances, people

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from entities.models import Record
    from entities.registry import Entity
    from security.plan import Access

Outcome = int | Exception


class _Outside(Exception):
    """Some of the records, by their places, lie outside the actor's rights as they were written."""

    def __init__(self, places: list[int]) -> None:
        super().__init__(places)
        self.places = places


def together(entity: Entity) -> bool:
    """Whether new records of the kind may go together: none matters to another, nor do they bring anything about.

    Nor may the kind be policy, whose every change is judged by itself.
    """
    joint = rules.joint(entity.model) and plain_columns(entity.model) is not None
    alone = constrained_by_others(entity.model) or recording.is_policy(entity) or any(transitions.brought_about(entity))
    return joint and not alone


def create_all(access: Access, entity: Entity, many: Sequence[Mapping[str, Any]]) -> list[Outcome]:
    """Store new records of a kind that goes ``together``; return the key of each, or why it was refused.

    ``many`` = the values of each as ``writes.create`` takes them. The caller has asked whether the actor may insert
    records of the kind at all. Raises ``OperationalError`` alone, which fails them all.
    """
    if len(many) < 2:
        return [_alone(access, entity, values) for values in many]
    try:
        with transaction.atomic():
            return _joint(access, entity, many)
    except _Outside as error:
        rest = [values for place, values in enumerate(many) if place not in error.places]
        found: list[Outcome] = create_all(access, entity, rest)
        for place in error.places:
            found.insert(place, writes.outside(entity))
        return found
    except OperationalError:
        raise
    except Exception:  # whatever it is, each item gets the answer that it would get alone
        half = len(many) // 2
        return create_all(access, entity, many[:half]) + create_all(access, entity, many[half:])


def _alone(access: Access, entity: Entity, values: Mapping[str, Any]) -> Outcome:
    try:
        with transaction.atomic():
            key: int = writes.create(access, entity, values).pk
    except OperationalError:
        raise
    except Exception as error:
        return error
    return key


def _joint(access: Access, entity: Entity, many: Sequence[Mapping[str, Any]]) -> list[Outcome]:
    now = writes.present()
    records = [_new(access, entity, values, now) for values in many]
    numbers = Numbers()
    known = people(access, [writes.assigned(entity, record) for record in records])
    shared = circumstances(access, now, frozenset(), None, known=known)
    shared = replace(shared, number=numbers.next)
    rules.foresee(records, shared)
    owners = _owners(access, entity, records)

    def judged(record: Record, values: Mapping[str, Any]) -> Exception | None:
        given, c = numbers.given(), replace(shared, given=writes.sent(values))
        try:
            writes.require_owner(access, entity, record, lambda owner, key: (owner.kind, key) in owners)
            rules.complete(record, c)
            rules.check(record, c)
            writes.clean(access, entity, record)
        except DatabaseError:
            raise
        except Exception as error:
            numbers.back_to(given)
            return error
        return None

    refused = [judged(record, values) for record, values in zip(records, many, strict=True)]
    good = [place for place, error in enumerate(refused) if error is None]
    if good:
        stored = [records[place] for place in good]
        held = storing.insert(access, entity, stored, [many[place] for place in good])
        if not all(held):
            raise _Outside([place for place, inside in zip(good, held, strict=True) if not inside])
        rules.settle_joint(stored, shared)
    numbers.store()
    return [record.pk if error is None else error for record, error in zip(records, refused, strict=True)]


def _new(access: Access, entity: Entity, values: Mapping[str, Any], now: datetime) -> Record:
    record = entity.model()
    writes.assign(entity, record, values)
    writes.stamp(access, record, now)
    return record


def _owners(access: Access, entity: Entity, records: Sequence[Any]) -> set[tuple[str, int]]:
    """Return those of the generic owners of new records that the actor sees, as ``(kind, key)``."""
    named: dict[str, set[int]] = {}
    if any(isinstance(parent, ByOwner) for parent in entity.parents):
        for record in records:
            owner = registry().by_table_id.get(record.owner_table)
            if owner is not None and record.owner_id is not None and access.sees(owner):
                named.setdefault(owner.kind, set()).add(record.owner_id)
    return {(kind, key) for kind, keys in named.items() for key in gate.allowed(access, registry()[kind], "view", keys)}
