"""Changes that make the second world: of hidden columns, of invisible records, of what others may.

Each is told in one line, applied in a savepoint, and left out where it would touch what the user may see.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from django.db import DatabaseError, transaction
from django.db.models import Q
from django.utils import timezone

from crm.proof.hidden import DECIDING, deciding, kinds, rights, stored
from entities.registry import Entity, registry
from security import changes, gate
from security.errors import Invalid
from security.grants import GRANTS
from security.models import Change

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

    from crm.proof.hidden import Sight
    from entities.registry import Field

NEW = 5  # invisible records that appear, of each kind
FIRST_NEW_KEY = 1_900_000_001
TEXTS = ("Aaaa", "zzzz", "Newcomer", "43", "x@aaaa.example", "Y")


@dataclass(frozen=True)
class Difference:
    """One change of what the user may not see, of the records ``keys``.

    ``field`` = the attribute that gets ``value``; ``copy`` = a new record, the invisible one ``value`` once more.
    """

    what: Literal["hidden", "reference", "edit", "invisible", "deletion", "copy", "grant", "rule"]
    kind: str
    keys: tuple[int, ...]
    field: str = ""
    value: Any = None

    def __str__(self) -> str:
        keys = ", ".join(map(str, self.keys[:5])) + (f" and {len(self.keys) - 5} more" if len(self.keys) > 5 else "")
        name = registry()[self.kind].by_name[self.field].wire if self.field and self.what != "rule" else self.field
        match self.what:
            case "hidden":
                return f"{self.kind} {keys}: {name}, which is hidden, becomes {self.value!r}"
            case "reference":
                return f"{self.kind} {keys}: {name}, which looks empty, becomes {self.value!r}, which is invisible"
            case "edit":
                return f"{self.kind} {keys}: the history tells of an edit of {name}, which is hidden"
            case "invisible":
                return f"{self.kind} {keys}, invisible: {name} becomes {self.value!r}"
            case "deletion":
                return f"{self.kind} {keys}, invisible: deleted"
            case "copy":
                return f"{self.kind} {keys}: new and invisible, as {self.value} is"
            case "grant":
                return f"{self.kind} {keys}, invisible: shared with user {self.value}"
        return f"{self.kind}: {self.field} is hidden from user {self.value}"


def differences(sight: Sight, dice: Random) -> list[Difference]:
    """Return changes of everything that the user may not see; a third of the fields and rows by lot."""
    found: list[Difference] = []
    for entity in kinds():
        invisible, visible = sight.invisible[entity.kind], sight.visible[entity.kind]
        if entity.kind == "Users":
            visible = tuple(key for key in visible if key != sight.access.actor.id)  # whose policy is to stay
        told = DECIDING.get(entity.kind, ())
        for field in sight.hidden(entity) if visible else ():
            if field.name not in told and dice.random() < 0.7:
                found.append(Difference("hidden", entity.kind, visible, field.name, _value(sight, entity, field, dice)))
            if dice.random() < 0.3:
                found.append(Difference("edit", entity.kind, visible[:20], field.name, sight.access.actor.id))
        found += _references(sight, entity, visible, dice)
        for field in stored(entity) if invisible else ():
            if field.name not in deciding(entity) and dice.random() < 0.5:
                some = tuple(sorted(dice.sample(invisible, (len(invisible) + 1) // 2)))
                found.append(Difference("invisible", entity.kind, some, field.name, _value(sight, entity, field, dice)))
        if invisible:
            found.append(Difference("deletion", entity.kind, invisible[dice.randrange(3) :: 3]))
            new = tuple(range(FIRST_NEW_KEY, FIRST_NEW_KEY + NEW))
            found.append(Difference("copy", entity.kind, new, value=dice.choice(invisible)))
        found += _policy(sight, entity, dice)
    found = [one for one in found if one.keys or one.what == "rule"]
    dice.shuffle(found)
    return sorted(found, key=lambda one: one.what != "copy")  # before what they copy is changed


def _references(sight: Sight, entity: Entity, visible: tuple[int, ...], dice: Random) -> Iterator[Difference]:
    """Yield changes of references that look empty: from nothing, or an invisible record, to an invisible one."""
    for field in stored(entity) if visible else ():
        others = sight.invisible.get(field.target, ())
        if others and field.name not in deciding(entity) and dice.random() < 0.7:
            rows = gate.system_rows(entity.model).filter(pk__in=visible).order_by("pk")
            empty = rows.filter(Q(**{field.column: None}) | Q(**{f"{field.column}__in": others}))
            keys = tuple(empty.values_list("pk", flat=True))
            yield Difference("reference", entity.kind, keys, field.name, dice.choice(others))


def _policy(sight: Sight, entity: Entity, dice: Random) -> Iterator[Difference]:
    """Yield changes of what somebody else may."""
    others = [key for key in (*sight.visible["Users"], *sight.invisible["Users"]) if key != sight.access.actor.id]
    if not others or sight.access.actor.administrator:
        return  # policy is not hidden from an administrator
    if entity.kind in GRANTS and sight.invisible[entity.kind]:
        yield Difference("grant", entity.kind, sight.invisible[entity.kind][:5], value=dice.choice(others))
    if dice.random() < 0.1:
        yield Difference("rule", entity.kind, (), dice.choice(stored(entity)).wire, dice.choice(others))


def _value(sight: Sight, entity: Entity, field: Field, dice: Random) -> Any:
    """Return a value that would show: one that sorts first or last, is looked for, or refers to what is seen."""
    match field.type:
        case "ref":
            seen = sight.visible.get(field.target, ())
            return dice.choice(seen) if seen else None
        case "bool":
            return dice.random() < 0.5
        case "int":
            return dice.choice((0, 1, 7, 999))
        case "num" | "money" | "pct":
            return dice.choice((0, 1, 7))
        case "dt":
            return timezone.now() + timedelta(days=dice.choice((-4000, -1, 0, 1, 4000)))
        case "msel":
            return [dice.choice(TEXTS)]
        case _:
            return (dice.choice(TEXTS) + entity.prefix)[: field.max_length]


def applied(wanted: Sequence[Difference]) -> list[Difference]:
    """Apply the changes; return those that the database took."""
    taken = []
    for one in wanted:
        try:
            with transaction.atomic():
                _apply(one)
        except (DatabaseError, Invalid):
            continue
        taken.append(one)
    return taken


def _apply(one: Difference) -> None:
    entity = registry()[one.kind]
    rows = gate.system_rows(entity.model).filter(pk__in=one.keys)
    match one.what:
        case "hidden" | "reference" | "invisible":
            rows.update(**{entity.by_name[one.field].column: one.value})
        case "edit":
            for key in one.keys:
                Change(
                    kind=one.kind, key=key, action="edit", fields=[one.field], user_id=one.value, at=timezone.now()
                ).save()
        case "deletion":
            rows.update(deleted_at=timezone.now())
        case "copy":
            for key in one.keys:
                record = gate.system_rows(entity.model).get(pk=one.value)
                record.pk, record._state.adding = key, True
                record.save(force_insert=True)
        case "grant":
            given = {"entity": one.kind, "action": "view", "user": one.value}
            changes.apply(changes.Change("Grant", None, {**given, "record": key}) for key in one.keys)
        case "rule":
            values = {"entity": one.kind, "field": one.field, "user": one.value, "read": False}
            changes.apply([changes.Change("FieldRule", None, values)])


def unseen(user: int, wanted: Sequence[Difference], before: tuple[object, ...]) -> list[Difference]:
    """Apply those of the changes that leave the user's rights and rows as they were ``before``; return them."""
    if not wanted:
        return []
    with transaction.atomic():
        taken = applied(wanted)
        if rights(user) == before:
            return taken
        transaction.set_rollback(True)
    if len(wanted) == 1:
        return []
    half = len(wanted) // 2
    return [*unseen(user, wanted[:half], before), *unseen(user, wanted[half:], before)]


def pieces(one: Difference) -> list[Difference]:
    """Return the change in two halves of its records; itself where it cannot be divided."""
    half = len(one.keys) // 2
    return [replace(one, keys=one.keys[:half]), replace(one, keys=one.keys[half:])] if half else [one]
