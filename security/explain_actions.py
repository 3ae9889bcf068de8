"""Why somebody may do a business action to a record, or may not: the right, the state, what profiles refuse."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from security import explain, gate
from security.transitions import possible_for

if TYPE_CHECKING:
    from entities.registry import Entity
    from entities.workflow import Transition


def transition(subject: explain.Subject, entity: Entity, key: int, step: Transition) -> explain.Verdict:
    """Explain a business action on the record ``key``: the right to edit, the state, what profiles refuse.

    Raises ``RecordNotFound`` where the reader cannot see the record.
    """
    edit = explain.row(subject, entity, key, "edit")
    needs = explain.Reason("It needs the right to edit.", edit.allowed, _may("edit", edit.allowed), inner=edit.reasons)
    begins, closed = obstacles(subject, entity, key, step)
    state = explain.Reason("The workflow begins it in certain states.", begins, _state(begins))
    refused = [(p, f"{entity.kind}.{step.name}" in p.refused) for p in subject.facts.profiles]
    profiles = [
        explain.Reason(
            f"Profile {profile.group.name} {'refuses' if no else 'lets'} it.",
            not no,
            "It is refused there." if no else "One profile that does not refuse it is enough.",
            ("Profile", profile.pk),
        )
        for profile, no in refused
    ]
    writes = explain.Reason(
        "It writes fields.", not closed, "The user may write them." if not closed else "Some are not theirs."
    )
    allowed = edit.allowed and step in possible_for(subject.access, entity, gate.system_rows(entity.model).get(pk=key))
    reasons = (needs, state, *profiles, writes)
    failing = next((reason for reason in (needs, state, writes) if not reason.matched), None)
    if failing is None and not allowed:
        last = explain.Reason("No profile lets it.", True, "Every profile of the user refuses it.", deciding=True)
        return explain.Verdict(False, (*reasons, last))
    return explain.Verdict(allowed, tuple(replace(r, deciding=r is (failing or needs)) for r in reasons))


def obstacles(subject: explain.Subject, entity: Entity, key: int, step: Transition) -> tuple[bool, list[str]]:
    """Return whether the step begins in the record's state, and the fields that it writes and the user may not."""
    flow, shape, by_name = entity.workflow, subject.access.shape(entity), entity.by_name
    assert flow is not None
    begins = step.begins_at(*flow.of(gate.system_rows(entity.model).get(pk=key)))
    return begins, [name for name in (*flow.state, *step.required) if not shape.writes(by_name[name])]


def _may(action: str, allowed: bool) -> str:
    return f"The user may {action} the record." if allowed else f"The user may not {action} the record."


def _state(begins: bool) -> str:
    return "The record is in such a state." if begins else "The record is in another state."
