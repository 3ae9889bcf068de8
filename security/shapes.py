"""Field-level security: which fields of an entity somebody may read, write, must fill.

It decides columns only; rows are ``predicates``' matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from entities.kinds import fold
from entities.registry import Entity, Field, registry
from entities.workflow import workflow_of

if TYPE_CHECKING:
    from entities.workflow import Transition

Level = Literal["user", "team", "profile", "everyone"]
LEVELS: tuple[Level, ...] = ("user", "team", "profile", "everyone")


@dataclass(frozen=True)
class Verdict:
    """What one rule says about one field; None = nothing."""

    level: Level
    read: bool | None
    write: bool | None
    required: bool | None
    source: int = 0


@dataclass(frozen=True)
class ShapeField:
    """A readable field of a shape; ``wire`` as the catalogue spells it."""

    wire: str
    writable: bool
    required: bool


@dataclass(frozen=True)
class Shape:
    """The readable fields of one entity, in catalogue order, the actions allowed on some row, and the transitions.

    Equal for all users with the same rights: the key, with the language, of every derived cache.
    """

    kind: str
    fields: tuple[ShapeField, ...]
    actions: frozenset[str]
    transitions: tuple[str, ...] = ()

    @cached_property
    def entity(self) -> Entity:
        """The entity that this is the shape of."""
        return registry()[self.kind]

    @cached_property
    def readable(self) -> tuple[Field, ...]:
        """The readable fields, compiled."""
        return tuple(self.entity.by_wire[item.wire.lower()] for item in self.fields)

    @cached_property
    def demanded(self) -> tuple[Field, ...]:
        """The readable fields that must be filled."""
        return tuple(field for field in self.readable if self.requires(field))

    @cached_property
    def _by_wire(self) -> Mapping[str, ShapeField]:
        return {item.wire.lower(): item for item in self.fields}

    def field(self, wire: str) -> Field | None:
        """Return the readable field spelt ``wire`` in any case; None for hidden and unknown alike."""
        return self.entity.by_wire[fold(wire)] if fold(wire) in self._by_wire else None

    def reads(self, name: str) -> bool:
        """Whether the attribute ``name`` of the model is readable."""
        field = self.entity.by_name.get(name)
        return field is not None and field.wire.lower() in self._by_wire

    def writes(self, field: Field) -> bool:
        """Whether ``field`` is writable."""
        item = self._by_wire.get(field.wire.lower())
        return item is not None and item.writable

    def requires(self, field: Field) -> bool:
        """Whether ``field`` must be filled."""
        item = self._by_wire.get(field.wire.lower())
        return item is not None and item.required

    def offers(self, action: str) -> bool:
        """Whether ``action`` is possible through the wire contract; some kinds are served read-only."""
        return action in self.actions and (action == "view" or not self.entity.read_only)


def knows_workflow(shape: Shape) -> bool:
    """Whether the kind has transitions and the state that they change is readable; else they are unknown."""
    flow = workflow_of(shape.entity)
    return flow is not None and all(shape.reads(name) for name in flow.state)


def transitions_of(shape: Shape, refusals: Iterable[frozenset[str]]) -> tuple[str, ...]:
    """Return the names of the transitions that ``shape`` may do on rows that may be edited, in their order.

    ``refusals`` = what each of the actor's profiles refuses, as ``Kind.transition``: one that does not is enough.
    A transition is nobody's who cannot write the state, or what it requires (security.md §4, entities.md §7).
    """
    flow = workflow_of(shape.entity)
    by_name = shape.entity.by_name
    if flow is None or "edit" not in shape.actions or not all(shape.writes(by_name[name]) for name in flow.state):
        return ()
    refused = list(refusals)

    def may(step: Transition) -> bool:
        needed = all(shape.writes(by_name[name]) for name in step.required)
        some = not step.some_of or any(shape.writes(by_name[name]) for name in step.some_of)
        return needed and some and any(f"{shape.kind}.{step.name}" not in of_one for of_one in refused)

    return tuple(step.name for step in flow.transitions if may(step))


FieldKey = tuple[str, str]
Rules = Mapping[FieldKey, tuple[Verdict, ...]]


class Said(Protocol):
    """What speaks at a level: a verdict, or the stored rule that it was compiled from."""

    @property
    def level(self) -> Level:
        """The level at which it speaks."""


S = TypeVar("S", bound=Said)


def deciding(rules: Iterable[S], question: Literal["read", "write", "required"]) -> list[S]:
    """Return the rules that decide: those of the most specific level that say something."""
    said = [rule for rule in rules if getattr(rule, question) is not None]
    by_level = ([rule for rule in said if rule.level == level] for level in LEVELS)
    return next(filter(None, by_level), [])


def decide(rules: Iterable[Verdict], question: Literal["read", "write", "required"]) -> bool | None:
    """Let the most specific level that says something decide; inside a level deny beats allow, yes beats no."""
    answers = [getattr(rule, question) for rule in deciding(rules, question)]
    if not answers:
        return None
    return any(answers) if question == "required" else all(answers)


def may_read(rules: Rules, kind: str, name: str) -> bool:
    """Whether the field rules let the attribute ``name`` of ``kind`` be read.

    A computed field is readable only if every field it is made from is; the key always is (security.md §3).
    """
    field = registry()[kind].by_name[name]
    if field.type == "key":
        return True
    decided = decide(rules.get((kind, name), ()), "read")
    if not (decided if decided is not None else not field.administrators):
        return False
    return all(may_read(rules, *source) for source in field.sources)


def fields_of(rules: Rules, entity: Entity, full: bool, seen: frozenset[str] | None = None) -> tuple[ShapeField, ...]:
    """Return the readable fields of ``entity`` under ``rules``; ``full`` = under no rule at all.

    A column of another record needs that record's kind among those ``seen``; None = all are.
    """
    found: list[ShapeField] = []
    for field in entity.fields:
        if seen is not None and not seen.issuperset(field.passes):
            continue
        if full:
            found.append(ShapeField(field.wire, not field.system, field.required))
        elif may_read(rules, entity.kind, field.name):
            said = rules.get((entity.kind, field.name), ())
            write = decide(said, "write")
            writable = not field.system and (write if write is not None else not field.administrators)
            found.append(ShapeField(field.wire, writable, must_fill(rules, entity.kind, field)))
    return tuple(found)


def must_fill(rules: Rules, kind: str, field: Field) -> bool:
    """Whether ``field`` is required, by the model or by a rule; a rule has no say over what only the server writes."""
    return field.required or (not field.system and bool(decide(rules.get((kind, field.name), ()), "required")))


def blocks_insert(rules: Rules, entity: Entity, fields: tuple[ShapeField, ...]) -> bool:
    """Whether a required field without default cannot be written, seen or not, so that nothing can be inserted."""
    writable = {item.wire for item in fields if item.writable}
    closed = (f for f in entity.fields if f.wire not in writable and not f.has_default)
    return any(must_fill(rules, entity.kind, field) for field in closed)
