"""Which transition a change amounts to, and what a transition writes (security.md §4, entities.md §7).

It decides from the shape and the record's state; ``writes`` locks, stores and checks the rows before and after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from entities.registry import registry
from entities.rules.circumstances import RuleViolation
from entities.workflow import EMPTY, effect, workflow_of
from security.errors import Invalid, NotPermitted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from entities.models import Record
    from entities.registry import Entity, Field
    from entities.workflow import Transition
    from security.plan import Access


def possible_for(access: Access, entity: Entity, record: Record) -> tuple[Transition, ...]:
    """Return the transitions that the actor may do to ``record`` now, if it may be edited."""
    flow = workflow_of(entity)
    return possible(access, entity, *flow.of(record)) if flow is not None else ()


def possible(access: Access, entity: Entity, stage: str, status: str) -> tuple[Transition, ...]:
    """Return the transitions that the actor may do to a row in this state, if it may be edited."""
    flow, mine = workflow_of(entity), access.shape(entity).transitions
    steps = flow.transitions if flow is not None and mine else ()
    return tuple(step for step in steps if step.name in mine and step.begins_at(stage, status))


def meant(access: Access, entity: Entity, record: Record, values: Mapping[str, Any]) -> Transition | None:
    """Return the transition that a change of ``values`` amounts to; None where it leaves the state alone.

    Raises ``RuleViolation`` ``TransitionNotAllowed`` where no allowed transition, or several, have that result.
    """
    flow = workflow_of(entity)
    if flow is None:
        return None
    state = flow.of(record)
    wanted = tuple(values.get(name, getattr(record, name)) for name in flow.state)
    if wanted == state[-len(wanted) :]:
        return None
    steps = possible(access, entity, *state)
    fitting = [step for step in steps if step.leads_to(*state)[-len(wanted) :] == wanted]
    if len(fitting) != 1:
        raise _not_allowed(steps, state)
    return fitting[0]


def written(
    access: Access, entity: Entity, step: Transition, record: Record, values: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """Return ``values`` with what the transition writes beside them.

    Raises ``NotPermitted`` where the actor may not do it at all, ``RuleViolation`` ``TransitionNotAllowed`` where not
    in this state, ``Invalid`` where something required is missing.
    """
    flow, shape = workflow_of(entity), access.shape(entity)
    if flow is None or step.name not in shape.transitions:
        raise NotPermitted
    state = flow.of(record)
    if not step.begins_at(*state):
        raise _not_allowed(possible(access, entity, *state), state)
    by_name = entity.by_name
    lacking = [
        by_name[name] for name in step.required if values.get(name, getattr(record, by_name[name].column)) in EMPTY
    ]
    if lacking:
        raise Invalid([(field.name, "Required", f"{field.wire} is required.") for field in lacking])
    proposed = {name: told for name, told in step.proposed.items() if shape.writes(by_name[name])}
    unsent = {name: told for name, told in {**proposed, **step.defaults}.items() if name not in values}
    effects = {
        name: effect(told, by_name[name], access.actor.id, now) for name, told in {**unsent, **step.effects}.items()
    }
    return {**values, **effects, **flow.written(*step.leads_to(*state))}


def brought_about(entity: Entity) -> Iterator[tuple[Entity, Transition, Field]]:
    """Yield the transitions that a first record of ``entity`` brings about: of which kind, through which reference."""
    for other in registry():
        flow = workflow_of(other)
        for step in flow.transitions if flow is not None else ():
            if step.first_of is not None and step.first_of[0] == entity.kind:
                yield other, step, entity.by_name[step.first_of[1]]


def _not_allowed(steps: tuple[Transition, ...], state: tuple[str, str]) -> RuleViolation:
    """Say what is possible instead: as much as the actor's links say."""
    told = [f"{step.title} ({' / '.join(filter(None, step.leads_to(*state)))})" for step in steps]
    text = f" Possible now: {', '.join(told)}." if told else ""
    return RuleViolation(f"The workflow does not lead there from here.{text}", code="TransitionNotAllowed")
