"""Business actions in the document: their bodies, their links, examples of both (contract.md §7.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api import workflow
from api.openapi import records
from api.openapi.shared import Schema, closed, ref
from api.serializers import serializer_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drf_spectacular.openapi import AutoSchema

    from entities.registry import Entity
    from entities.workflow import Transition
    from security.shapes import Shape


def name(kind: str, step: Transition) -> str:
    """Return the component name of the body of an action: ``CasesClose``."""
    return f"{kind}{step.name[:1].upper()}{step.name[1:]}"


def request_body(auto_schema: AutoSchema, entity: Entity, step: Transition) -> Schema:
    """Return the body of an action: its parameters, or nothing at all."""
    access = records.access_of(auto_schema)
    component = name(entity.kind, step)
    serializer = serializer_for(workflow.narrowed(access, entity, step).shape(entity))()
    properties = {wire: auto_schema._map_serializer_field(one, "request") for wire, one in serializer.fields.items()}
    text = "Names are matched in any case; members that begin with `$` are ignored."
    required = [field.wire for field in workflow.parameters(access.shape(entity), step) if field.name in step.required]
    if required:
        text += f" Needed, unless the record holds it already: `{', '.join(required)}`."
    schema = records.named(auto_schema, component, closed(properties, (), description=text) | records.IGNORED)
    content: Schema = {"schema": schema, "examples": {"demo": ref(component, "examples")}}
    return {"content": {"application/json": content}, "required": False}


def examples(shape: Shape, stored: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return an example of the body of every action, by component name, with values of the example records."""
    return {name(shape.kind, step): _example(shape, step, stored) for step in workflow.steps(shape)}


def _example(shape: Shape, step: Transition, stored: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in workflow.parameters(shape, step):
        values = [record[field.wire] for record in stored if record[field.wire] not in (None, "")]
        if values:
            found[field.wire] = values[0]
    return found


def links(shape: Shape, url: str, names: Mapping[str, Any]) -> dict[str, Any]:
    """Return those action links among ``names`` that the caller may have, with the caller's own parameters."""
    return {
        step.name: workflow.link(step, url, workflow.request(shape, step))
        for step in workflow.steps(shape)
        if step.name in names
    }
