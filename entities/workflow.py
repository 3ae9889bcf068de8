"""Workflows: how the stage and status of a kind change, as data (entities.md §7).

A declaration names its workflow; ``security.writes`` carries transitions out, ``api`` links them. Who may do one is
not decided here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from django.conf import settings

from entities.kinds import fold

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from entities.kinds import Entity, Field

OPEN = "In Progress"
EMPTY: tuple[Any, ...] = (None, "", [])
Effect = Literal["now", "caller", "empty"] | int
"""What a transition writes: the time, the caller, nothing, or a number."""


@dataclass(frozen=True, eq=False)
class Transition:
    """One step of a workflow.

    ``starts`` are the states it begins at as ``(stage, status)``, where an empty one means any; ``stage`` and
    ``status`` the state it leads to, empty = unchanged. ``parameters`` are the attributes that the caller may send
    along, ``required`` those of them that must be sent unless the record holds them, ``some_of`` those of which at
    least one must be writable for the transition to make sense. ``defaults`` are written unless they are sent, but
    ``proposed`` only for a caller who could have sent them; ``effects`` are written in any case.
    ``first_of`` = ``(kind, attribute)``: the first record of that kind that refers to this one brings it about, too.
    """

    name: str
    title: str
    starts: tuple[tuple[str, str], ...]
    stage: str = ""
    status: str = ""
    parameters: tuple[str, ...] = ()
    required: frozenset[str] = frozenset()
    some_of: frozenset[str] = frozenset()
    proposed: Mapping[str, Effect] = field(default_factory=dict)
    defaults: Mapping[str, Effect] = field(default_factory=dict)
    effects: Mapping[str, Effect] = field(default_factory=dict)
    first_of: tuple[str, str] | None = None

    def begins_at(self, stage: str, status: str) -> bool:
        """Whether the transition is possible in this state."""
        return any(at in ("", stage) and within in ("", status) for at, within in self.starts)

    def leads_to(self, stage: str, status: str) -> tuple[str, str]:
        """Return the state that follows this one."""
        return self.stage or stage, self.status or status


@dataclass(frozen=True, eq=False)
class Workflow:
    """The transitions of a kind and the attributes that hold its state; a kind may have no stage.

    ``closed`` are the statuses that end the work, ``closing`` what a record created in one of them gets.
    """

    transitions: tuple[Transition, ...]
    status: str = "status"
    stage: str = ""
    closed: frozenset[str] = frozenset()
    closing: Mapping[str, Effect] = field(default_factory=dict)

    @property
    def state(self) -> tuple[str, ...]:
        """The attributes that change along the transitions only."""
        return (self.stage, self.status) if self.stage else (self.status,)

    @property
    def attributes(self) -> frozenset[str]:
        """All attributes that the workflow reads or writes."""
        found = {*self.state, *self.closing}
        for step in self.transitions:
            found |= {*step.parameters, *step.proposed, *step.defaults, *step.effects}
        return frozenset(found)

    def of(self, record: Any) -> tuple[str, str]:
        """Return stage and status of a record, or of anything that has them as attributes."""
        return getattr(record, self.stage) if self.stage else "", getattr(record, self.status)

    def find(self, name: str) -> Transition | None:
        """Return the transition called ``name`` in any case, or None."""
        wanted = fold(name)
        return next((step for step in self.transitions if step.name.lower() == wanted), None)

    def written(self, stage: str, status: str) -> dict[str, str]:
        """Return the attributes that put a record into a state."""
        return {self.status: status} | ({self.stage: stage} if self.stage else {})


def workflow_of(entity: Entity) -> Workflow | None:
    """Return the workflow of a kind; None where it has none or the setting ``WORKFLOWS_OFF`` names it."""
    return None if entity.kind in getattr(settings, "WORKFLOWS_OFF", ()) else entity.workflow


def effect(told: Effect, field: Field, caller: int, now: datetime) -> Any:
    """Return the value that an effect writes to ``field``."""
    match told:
        case "now":
            return now
        case "caller":
            return caller
        case "empty":
            return "" if field.is_text else None
    return told


def _at(*stages: str) -> tuple[tuple[str, str], ...]:
    """Return these stages, as long as the work is open."""
    return tuple((stage, OPEN) for stage in stages)


_ANY_OPEN = (("", OPEN),)
_WHO = frozenset(("assigned_user", "team"))
_CASE_CLOSED: Mapping[str, Effect] = {"closed": "now", "closed_by": "caller"}

CASES = Workflow(
    stage="stage",
    closed=frozenset(("Closed",)),
    closing=_CASE_CLOSED,
    transitions=(
        Transition(
            "queue",
            "Queue",
            _at("Logged", "Investigating", "Waiting"),
            "Queued",
            OPEN,
            parameters=("team", "assigned_user"),
        ),
        Transition(
            "investigate",
            "Investigate",
            _at("Logged", "Queued", "Waiting", "Solved"),
            "Investigating",
            OPEN,
            parameters=("assigned_user",),
            proposed={"assigned_user": "caller"},
        ),
        Transition(
            "wait",
            "Wait",
            _at("Queued", "Investigating"),
            "Waiting",
            OPEN,
            parameters=("target_close",),
        ),
        Transition(
            "solve",
            "Solve",
            _at("Logged", "Queued", "Investigating", "Waiting"),
            "Solved",
            OPEN,
            parameters=("solution_note", "solution_type"),
            required=frozenset(("solution_note",)),
        ),
        Transition(
            "close",
            "Close",
            _ANY_OPEN,
            "Closed",
            "Closed",
            parameters=("solution_note", "solution_type"),
            effects=_CASE_CLOSED,
        ),
        Transition(
            "reopen",
            "Reopen",
            # An imported case may be closed by one of the two alone.
            (("Closed", ""), ("", "Closed")),
            "Investigating",
            OPEN,
            effects={"closed": "empty", "closed_by": "empty"},
        ),
        Transition("reassign", "Reassign", _ANY_OPEN, parameters=("assigned_user", "team"), some_of=_WHO),
    ),
)

CERTAINTY: Mapping[str, int] = {
    "Lead": 10,
    "Qualified": 25,
    "Quoted": 50,
    "Negotiating": 75,
    "Sale Agreed": 90,
    "Sale Closed": 100,
    "Deal Lost": 0,
}
_DEAL = ("certainty", "forecast", "target_close")
_DEAL_CLOSED: Mapping[str, Effect] = {"closed": "now"}


def _deal(
    name: str,
    starts: tuple[tuple[str, str], ...],
    stage: str,
    status: str = OPEN,
    *,
    certainty: int | None = None,
    more: tuple[str, ...] = (),
    effects: Mapping[str, Effect] | None = None,
    first_of: tuple[str, str] | None = None,
) -> Transition:
    """A step of an opportunity; its certainty is that of the stage unless told."""
    return Transition(
        name,
        name.capitalize(),
        starts,
        stage,
        status,
        parameters=(*more, *_DEAL),
        defaults={"certainty": CERTAINTY[stage] if certainty is None else certainty},
        effects=effects or {},
        first_of=first_of,
    )


OPPORTUNITY = Workflow(
    stage="stage",
    closed=frozenset(("Won", "Lost", "Closed")),
    closing=_DEAL_CLOSED,
    transitions=(
        _deal("qualify", _at("Lead"), "Qualified"),
        _deal("quote", _at("Lead", "Qualified"), "Quoted", first_of=("Quotes", "opportunity")),
        _deal("negotiate", _at("Qualified", "Quoted"), "Negotiating"),
        _deal("agree", _at("Quoted", "Negotiating"), "Sale Agreed"),
        _deal("win", _ANY_OPEN, "Sale Closed", "Won", more=("scrm_winner",), effects=_DEAL_CLOSED),
        _deal(
            "lose",
            _ANY_OPEN,
            "Deal Lost",
            "Lost",
            more=("scrm_reason_for_loss", "scrm_winner"),
            effects=_DEAL_CLOSED,
        ),
        _deal("abandon", _ANY_OPEN, "", "Closed", certainty=0, effects=_DEAL_CLOSED),
        _deal(
            "reopen",
            (("", "Won"), ("", "Lost"), ("", "Closed")),
            "Negotiating",
            certainty=50,
            effects={"closed": "empty"},
        ),
        Transition("reassign", "Reassign", _ANY_OPEN, parameters=("assigned_user", "team", *_DEAL), some_of=_WHO),
    ),
)

QUOTES = Workflow(
    transitions=(
        Transition("deactivate", "Deactivate", (("", "Active"),), status="Inactive"),
        Transition("activate", "Activate", (("", "Inactive"),), status="Active"),
    ),
)
