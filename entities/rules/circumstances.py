"""What a business rule is told about the write it belongs to. Rules never ask who may do what; they are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import QuerySet

from entities.models import Record, User

R = TypeVar("R", bound=Record)


class RuleViolation(Exception):
    """A business rule refuses the write.

    ``field`` is the attribute at fault (or empty), ``code`` the contract's application code (contract.md §19:
    ``BusinessRule``, ``InUse``, ``TransitionNotAllowed``, ``NotPermitted``, ``OutsideYourRights``).
    The message may name no record and no value that the caller might not see.
    """

    def __init__(self, message: str, field: str = "", code: str = "BusinessRule") -> None:
        super().__init__(message)
        self.message, self.field, self.code = message, field, code


@dataclass(frozen=True)
class Circumstances:
    """The surroundings of one write, inside its transaction.

    ``rows(model)`` = live rows of a model, unfiltered by rights; ``may_insert(record)`` = would the caller's insert
    right cover this unsaved record (its territory, team, creator and assignee as set); ``visible(record_model, key)``
    and ``editable(record_model, key)`` = may the caller see / edit that record; ``given`` = attributes that the
    caller sent with a value of their own; ``before`` = the stored record before an update, None on create.
    """

    actor: User
    now: datetime
    given: frozenset[str]
    before: Record | None
    rows: Callable[[type[R]], QuerySet[R]]
    may_insert: Callable[[Record], bool]
    visible: Callable[[type[Record], int], bool]
    editable: Callable[[type[Record], int], bool]

    def changed(self, record: Record, *names: str) -> bool:
        """Whether any of the attributes ``names`` (columns for references: ``company_id``) differs from before."""
        before: Any = self.before
        return before is None or any(getattr(record, name) != getattr(before, name) for name in names)
