"""Business rules (entities.md §6): what the server computes, completes and refuses, in every channel.

They run inside the transaction of the write. Five moments: ``lock`` what the write will compute, before the record
itself is locked; ``complete`` a new record's empty fields; ``check`` the record before it is saved (also computes
its own columns); ``settle`` the neighbours after it was saved; ``remove`` the neighbours of a record that is being
deleted. Rules are told by ``Circumstances`` what the caller may do; they never ask a profile.

Order of locks: companies and people → addresses; opportunity → quote → lines → counter; the root territory; the
members of a list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from entities.models import (
    Address,
    AddressLink,
    Case,
    Company,
    Currency,
    Email,
    Note,
    Opportunity,
    Person,
    Phone,
    Price,
    PriceList,
    Quote,
    QuoteLine,
    Record,
    Territory,
    Unit,
    User,
)
from entities.rules import consistency, deletion, directory, documents, lines, parties, products, sales, service
from entities.rules.arithmetic import AMOUNT
from entities.rules.assignment import assignee, check_assignment, complete_assignment
from entities.rules.circumstances import Circumstances, RuleViolation, RuleViolations

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

__all__ = [
    "Circumstances",
    "RuleViolation",
    "RuleViolations",
    "check",
    "complete",
    "computed_by_state",
    "foresee",
    "joint",
    "lock",
    "locks",
    "remove",
    "settle",
    "settle_joint",
    "state_computes",
]

LONGEST_WAY = 3


def _nothing(record: Any, c: Circumstances) -> None:
    return


def _no_neighbour(record: Any, c: Circumstances) -> Iterator[tuple[type[Record], int | None]]:
    yield from ()


def _no_problem(record: Any, c: Circumstances) -> Iterator[RuleViolation]:
    yield from ()


@dataclass(frozen=True)
class _Rules:
    """The rules of one model; what is left out does nothing, ``remove`` what the declaration says.

    ``near`` yields the rows that ``complete`` and ``check`` look up for a new record, ``sees`` those of which they ask
    whether the caller sees them. ``joint`` = new records may be judged before any of them is stored, for no rule of one
    looks at another; ``settle_joint`` then does for all of them what ``settle`` does for each.
    """

    complete: Callable[[Any, Circumstances], None] = _nothing
    check: Callable[[Any, Circumstances], Iterator[RuleViolation]] = _no_problem
    settle: Callable[[Any, Circumstances], None] = _nothing
    remove: Callable[[Any, Circumstances], bool | None] = deletion.remove_declared
    lock: Callable[[Any, Circumstances], None] = _nothing
    near: Callable[[Any, Circumstances], Iterator[tuple[type[Record], int | None]]] = assignee
    sees: Callable[[Any, Circumstances], Iterator[tuple[type[Record], int | None]]] = _no_neighbour
    joint: bool = False
    settle_joint: Callable[[Sequence[Any], Circumstances], None] = _nothing


_USUAL = _Rules(complete=complete_assignment, check=check_assignment, joint=True)
_RULES: dict[type[Record], _Rules] = {
    Company: _Rules(complete=complete_assignment, check=parties.check_company, joint=True),
    Person: _Rules(
        parties.complete_person,
        parties.check_person,
        parties.settle_person,
        deletion.remove_person,
        near=parties.near_person,
        joint=True,
        settle_joint=parties.settle_people,
    ),
    Address: _Rules(check=parties.check_address, remove=deletion.remove_address, lock=parties.lock_address),
    AddressLink: _Rules(
        check=parties.check_link,
        settle=parties.settle_link,
        remove=deletion.remove_link,
        lock=parties.lock_link,
    ),
    Phone: _Rules(check=parties.check_reach, near=parties.near_reach, joint=True),
    Email: _Rules(check=parties.check_reach, near=parties.near_reach, joint=True),
    Note: _Rules(check=parties.check_reach, near=parties.near_reach, joint=True),
    Opportunity: _Rules(
        sales.complete_opportunity,
        sales.check_opportunity,
        sales.settle_opportunity,
        deletion.remove_opportunity,
        near=consistency.near_dealing,
        sees=consistency.company_of_person,
        joint=True,
    ),
    Case: _Rules(
        complete=service.complete_case,
        check=service.check_case,
        near=consistency.near_dealing,
        sees=consistency.company_of_person,
        joint=True,
    ),
    Quote: _Rules(
        sales.complete_quote, sales.check_quote, sales.settle_quote, deletion.remove_quote, documents.lock_for_quote
    ),
    QuoteLine: _Rules(
        lines.complete_line, lines.check_line, lines.settle_line, lines.remove_line, documents.lock_for_line
    ),
    Currency: _Rules(check=products.check_currency),
    PriceList: _Rules(
        check=products.check_price_list, settle=consistency.unset_other_defaults, lock=consistency.lock_list
    ),
    Unit: _Rules(check=products.check_unit, settle=consistency.unset_other_defaults, lock=consistency.lock_list),
    Price: _Rules(check=products.check_price),
    User: _Rules(check=directory.check_user),
    Territory: _Rules(
        check=directory.check_territory, settle=directory.settle_territory, lock=directory.lock_for_territory
    ),
}


def _of(record: Record) -> _Rules:
    return _RULES.get(type(record), _USUAL)


def locks(model: type[Record]) -> bool:
    """Whether writing a record of ``model`` locks others before it."""
    return _RULES.get(model, _USUAL).lock is not _nothing


def foresee(records: Collection[Record], c: Circumstances) -> None:
    """Look up together what ``complete`` and ``check`` will ask about new records, as far as it is known before."""
    for _ in range(LONGEST_WAY):
        wanted: dict[type[Record], set[int]] = {}
        for record in records:
            for model, key in _of(record).near(record, c):
                if key is not None and key not in c.known.rows.get(model, {}):
                    wanted.setdefault(model, set()).add(key)
        if not wanted:
            break
        c.foresee(wanted)
    seen: dict[type[Record], set[int]] = {}
    for record in records:
        for model, key in _of(record).sees(record, c):
            if key is not None:
                seen.setdefault(model, set()).add(key)
    c.foresee_visible(seen)


def joint(model: type[Record]) -> bool:
    """Whether new records of ``model`` may be judged together, before any of them is stored."""
    return _RULES.get(model, _USUAL).joint


def settle_joint(records: Sequence[Record], c: Circumstances) -> None:
    """Bring the neighbours of new records of one ``joint`` model up to date, as ``settle`` does one after the other."""
    _of(records[0]).settle_joint(records, c)


def lock(record: Record, c: Circumstances) -> None:
    """Lock the neighbours that a write of ``record`` will compute, in the one order that all writes keep.

    Before an update or a deletion it is called with the record as first read, before that is locked and read again;
    on create ``complete`` calls it.
    """
    _of(record).lock(record, c)


def complete(record: Record, c: Circumstances) -> None:
    """Fill the empty fields of a new record that the caller did not send.

    Raises ``RuleViolation`` ``OutsideYourRights`` where no territory is left within the caller's insert right.
    """
    if not c.unfinished or not isinstance(record, QuoteLine):
        lock(record, c)
    _of(record).complete(record, c)


def check(record: Record, c: Circumstances) -> None:
    """Check the record before it is saved, and compute its own columns.

    Raises ``RuleViolation`` for one problem, ``RuleViolations`` (a subclass) for several.
    """
    problems = list(_of(record).check(record, c))
    if problems:
        raise problems[0] if len(problems) == 1 else RuleViolations(problems)


def settle(record: Record, c: Circumstances) -> None:
    """Bring the neighbours of the saved record up to date. Raises ``RuleViolation``."""
    _of(record).settle(record, c)


def remove(record: Record, c: Circumstances) -> bool:
    """Do what goes with the deletion of ``record``; return whether its own row is to be marked deleted.

    Raises ``RuleViolation`` (``InUse``, ``NotPermitted``, ``TransitionNotAllowed``).
    """
    return _of(record).remove(record, c) is not False


def state_computes(model: type[Record]) -> bool:
    """Whether the state of a record of ``model`` says which of its attributes are computed."""
    return model is Quote


def computed_by_state(record: Record) -> frozenset[str]:
    """Return the attributes that are computed, hence read-only, in the record's present state (entities.md §6.2)."""
    if isinstance(record, Quote):
        return frozenset({"discount_pc" if record.discount_type == AMOUNT else "discount_amt"})
    return frozenset()
