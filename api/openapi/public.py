"""The contract that the document of ``make docs`` describes: every kind, every field, every action, no installation.

It is the full plan without a database: the kinds of the registry and the selection lists that a new installation
starts with.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from entities.captions import Choice, Lists
from entities.lists import starting_lists
from entities.registry import Entity, registry
from security.access import ACTIONS, Access, AccessPlan, Actor
from security.models import FUNCTIONS
from security.shapes import Shape, blocks_insert, fields_of, transitions_of

BASE_ROOT = "https://crm.example.com"


@lru_cache(maxsize=1)
def public_access() -> Access:
    """Return the access of nobody in particular who may do everything."""
    actor = Actor(0, "", "", "US", True, None, None, (), (), frozenset(FUNCTIONS))
    plans = {
        entity.kind: AccessPlan(_full_shape(entity), dict.fromkeys(ACTIONS, ()), {}, bool(entity.parents))
        for entity in registry()
    }
    return Access(actor, 0, plans, _lists(), {})


def _full_shape(entity: Entity) -> Shape:
    fields = fields_of({}, entity, full=True)
    blocked = {"insert"} if blocks_insert({}, entity, fields) else set()
    shape = Shape(entity.kind, fields, frozenset(ACTIONS) - blocked)
    return replace(shape, transitions=transitions_of(shape, [frozenset()]))


def _lists() -> Lists:
    return {
        name: tuple(Choice(code, (label, "", "", "", "", ""), retired=False) for code, label in choices)
        for name, choices in starting_lists().items()
    }
