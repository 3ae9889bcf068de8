"""Business actions as the caller knows them: parameters, links, the shape that reads their bodies (contract.md §7.4).

Everything comes from the caller's shape and the row's state; nothing is looked up.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from api import prototypes
from entities.workflow import workflow_of
from security.shapes import Shape, ShapeField

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entities.kinds import Entity, Field
    from entities.workflow import Transition
    from security.access import Access


def steps(shape: Shape) -> tuple[Transition, ...]:
    """Return the transitions that the caller may do to some row."""
    flow = workflow_of(shape.entity)
    if flow is None or not shape.offers("edit"):
        return ()
    return tuple(step for step in flow.transitions if step.name in shape.transitions)


def state(shape: Shape) -> tuple[Field, ...]:
    """Return the fields that the links of the actions depend on; none where there is no action."""
    flow = workflow_of(shape.entity)
    return tuple(shape.entity.by_name[name] for name in flow.state) if flow is not None and steps(shape) else ()


def parameters(shape: Shape, step: Transition) -> tuple[Field, ...]:
    """Return the parameters of an action that the caller may send."""
    fields = (shape.entity.by_name[name] for name in step.parameters)
    return tuple(field for field in fields if shape.writes(field))


def narrowed(access: Access, entity: Entity, step: Transition) -> Access:
    """Return the access that reads the body of an action: it knows the parameters and nothing else of the kind."""
    plan = access.plans[entity.kind]
    shape = Shape(entity.kind, _listed(plan.shape, step), plan.shape.actions)
    return replace(access, plans={**access.plans, entity.kind: replace(plan, shape=shape)})


@lru_cache(maxsize=2_000)
def _listed(shape: Shape, step: Transition) -> tuple[ShapeField, ...]:
    names = {field.wire for field in parameters(shape, step)}
    required = {shape.entity.by_name[name].wire for name in step.required}
    found = (item for item in shape.fields if item.wire in names)
    return tuple(replace(item, required=item.required or item.wire in required) for item in found)


def request(shape: Shape, step: Transition) -> dict[str, Any]:
    """Return what an action takes, as its link says it."""
    described = {
        field.wire: {
            "$title": field.title,
            "$type": prototypes.TYPES[field.type],
            "$isMandatory": field.name in step.required,
        }
        for field in parameters(shape, step)
    }
    return {"$properties": described}


def links(offered: Mapping[Transition, dict[str, Any]], url: str, stage: str, status: str) -> dict[str, Any]:
    """Return the links of the actions that are possible in this state; ``offered`` = what each takes."""
    return {step.name: link(step, url, taken) for step, taken in offered.items() if step.begins_at(stage, status)}


def link(step: Transition, url: str, taken: dict[str, Any]) -> dict[str, Any]:
    """Return the link of an action on the record at ``url``."""
    return {"$url": f"{url}/$service/{step.name}", "$method": "POST", "$title": step.title, "$request": taken}
