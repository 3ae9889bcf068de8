"""Why the door stays shut. The api turns these into the contract's errors; none names what the actor cannot see."""

from __future__ import annotations


class AccessError(Exception):
    """Base of all refusals of the gate."""


class RecordNotFound(AccessError):
    """No such record, or none that the actor can see."""


class UnknownActor(AccessError):
    """The actor is no user any more: deleted after the credentials were verified."""


class NotPermitted(AccessError):
    """The record or kind is visible, the action is not allowed."""


class OutsideYourRights(AccessError):
    """The record as written would lie outside the actor's rights; nothing was stored."""


class Invalid(AccessError):
    """The values break a rule of the model. ``problems`` = ``[(attribute or "", code, message)]``."""

    def __init__(self, problems: list[tuple[str, str, str]]) -> None:
        super().__init__(problems)
        self.problems = problems
