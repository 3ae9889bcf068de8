"""What a business rule is told about the write it belongs to.

Rules never ask who may do what; they are told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from entities.models import Record, User
from entities.rules.numbering import next_number

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from django.db.models import QuerySet

R = TypeVar("R", bound=Record)
T = TypeVar("T")


class RuleViolation(Exception):
    """A business rule refuses the write.

    ``field`` is the attribute at fault (or empty), ``code`` the contract's application code
    (contract.md §19: ``BusinessRule``, ``Required``, ``BadReference``, ``InUse``,
    ``TransitionNotAllowed``, ``NotPermitted``, ``OutsideYourRights``).
    The message may name no record and no value that the caller might not see.
    """

    def __init__(self, message: str, field: str = "", code: str = "BusinessRule") -> None:
        super().__init__(message)
        self.message, self.field, self.code = message, field, code

    @property
    def violations(self) -> tuple[RuleViolation, ...]:
        """All problems found; several only in ``RuleViolations``."""
        return (self,)


class RuleViolations(RuleViolation):
    """Several problems of one record; message, field and code are those of the first."""

    def __init__(self, violations: Sequence[RuleViolation]) -> None:
        first = violations[0]
        super().__init__(first.message, first.field, first.code)
        self._violations = tuple(violations)

    @property
    def violations(self) -> tuple[RuleViolation, ...]:
        """All problems found, in the order of the rules."""
        return self._violations


def _everything(model: type[Record], name: str) -> bool:
    return True


def _all(model: type[Record], keys: Collection[int]) -> Collection[int]:
    return keys


def _nobody(model: type[Record], keys: Sequence[int], action: str, names: Sequence[str]) -> None:
    return


@dataclass(frozen=True)
class Known:
    """What was looked up for a write and is not asked again: rows by model and key, None for what is not there.

    ``facts`` = answers by name that are the same for every record; ``visible`` = of which records it was asked whether
    the caller sees them.
    """

    rows: dict[type[Record], dict[int, Any]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    visible: dict[tuple[type[Record], int], bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Circumstances:
    """The surroundings of one write, inside its transaction.

    ``rows(model)`` = live rows of a model, unfiltered by rights; ``may_insert(record)`` = would the
    caller's insert right cover this unsaved record (its territory, team, creator and assignee as
    set); ``visible(model, key)`` and ``editable(model, key)`` = may the caller see / edit that
    record; ``readable(model, name)`` = may the caller read that attribute.
    ``given`` = attributes that the caller sent with a value of their own; ``before`` = the stored
    record before an update, None on create.
    ``unfinished`` = further records of the same document follow in this request, after which
    ``settle`` is called for the document once more: its amounts wait till then.
    ``live(model, keys)`` = those of the live rows ``keys``, by key; ``known`` is shared by writes that go together.
    ``among_visible(model, keys)`` and ``among_editable`` = those of the records ``keys`` that the caller may see or
    edit. ``number(name)`` = the next number of a counter.
    ``wrote(model, keys, action, names)`` is told of every neighbour that a rule wrote: ``action``
    is ``update`` or ``delete``, ``names`` the attributes.
    """

    actor: User
    now: datetime
    given: frozenset[str]
    before: Record | None
    rows: Callable[[type[R]], QuerySet[R]]
    may_insert: Callable[[Record], bool]
    visible: Callable[[type[Record], int], bool]
    editable: Callable[[type[Record], int], bool]
    readable: Callable[[type[Record], str], bool] = _everything
    wrote: Callable[[type[Record], Sequence[int], str, Sequence[str]], None] = _nobody
    unfinished: bool = False
    live: Callable[[type[R], Collection[int]], Mapping[int, R]] | None = None
    known: Known = field(default_factory=Known)
    among_visible: Callable[[type[Record], Collection[int]], Collection[int]] | None = None
    among_editable: Callable[[type[Record], Collection[int]], Collection[int]] = _all
    number: Callable[[str], int] = next_number

    def find(self, model: type[R], key: int | None) -> R | None:
        """Return the live row ``key`` of ``model`` as it was when it was first looked up; None if it is not there."""
        if key is None:
            return None
        if key not in self.known.rows.get(model, {}):
            self.foresee({model: {key}})
        found: R | None = self.known.rows[model][key]
        return found

    def foreseen(self, model: type[R], key: int | None) -> R | None:
        """Return the row where it was looked up already, else None."""
        found: R | None = self.known.rows.get(model, {}).get(key)  # type: ignore[arg-type]
        return found

    def foresee(self, wanted: Mapping[type[Any], Collection[int]]) -> None:
        """Look up rows, ``{model: keys}``, those of one model together."""
        for model, keys in wanted.items():
            found = self.live(model, keys) if self.live else self.rows(model).in_bulk(list(keys))
            self.known.rows.setdefault(model, {}).update({key: found.get(key) for key in keys})

    def foresee_visible(self, wanted: Mapping[type[Record], Collection[int]]) -> None:
        """Look up which of many records the caller sees, those of one model together."""
        for model, keys in wanted.items() if self.among_visible else ():
            seen = self.among_visible(model, keys) if self.among_visible else ()
            self.known.visible.update({(model, key): key in seen for key in keys})

    def once(self, name: str, ask: Callable[[], T]) -> T:
        """Return what ``ask`` answered when it was first asked under ``name``."""
        if name not in self.known.facts:
            self.known.facts[name] = ask()
        found: T = self.known.facts[name]
        return found

    def keyed(self, model: type[R], key: int | None) -> QuerySet[R]:
        """Return the live row ``key`` of ``model`` as a queryset, an empty one for no key."""
        return self.rows(model).none() if key is None else self.rows(model).filter(pk=key)

    def changed(self, record: Record, *names: str) -> bool:
        """Whether any of ``names`` (columns for references: ``company_id``) differs from before."""
        before: Any = self.before
        return before is None or any(getattr(record, name) != getattr(before, name) for name in names)
