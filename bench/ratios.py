"""Which times are divided by which: the figures of a run that mean much the same on every machine.

A ratio's name says both. What ours is divided by is the bare application's answer to the same question where it has
one, and otherwise its page or its record, so that a ratio moves with the product alone; writes are divided by the stock
implementation's, for the bare application does not write.

They are ratios of the times that a tenth of the answers kept: what neighbours take away on a busy machine lies above,
and the ratio of such times varies half as much from run to run as that of medians.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.acceptance import Run
from bench.cases import ORDERS, WHERE
from bench.size import SCOPES, WORST

if TYPE_CHECKING:
    from collections.abc import Iterable


# The cases of ``make bench-check``.
CHECKED = (
    "list",
    "list by scope",
    "list, worst callers",
    "deep page, admin",
    "deep page, restricted",
    "totals",
    "single",
    "create",
)
QUIET = "p10"  # of a sample
_PAGE, _RECORD = ("list", "limit"), ("single", "limit")


@dataclass(frozen=True)
class Ratio:
    """One figure: ours and what it is divided by, each as a case and a variant."""

    upper: tuple[str, str]
    lower: tuple[str, str]

    @property
    def name(self) -> str:
        """What identifies it in a table and in the baseline."""
        if self.lower[0] == self.upper[0]:
            below = self.lower[1]
        else:
            below = "limit" if self.lower[0] == f"{self.upper[0]}, limit" else " · ".join(self.lower)
        return f"{' · '.join(self.upper)} / {below}"

    def of(self, run: Run) -> float | None:
        """Return it as ``run`` has it, None where that did not measure it."""
        upper, lower = run.of(*self.upper, QUIET), run.of(*self.lower, QUIET)
        return None if upper is None or not lower else upper / lower


def ratios() -> tuple[Ratio, ...]:
    """Return all the ratios that a whole run yields."""
    return (*_of_lists(), *_of_questions(), *_of_records())


def checked() -> tuple[Ratio, ...]:
    """Return those that are looked at with every change."""
    return tuple(ratio for ratio in ratios() if ratio.upper[0] in CHECKED)


def _of_lists() -> Iterable[Ratio]:
    yield Ratio(("list", "ours"), _PAGE)
    for order in ORDERS:
        yield Ratio((f"list by {order}", "ours"), (f"list by {order}", "limit"))
    for logon in ("admin", *SCOPES):
        yield Ratio(("list by scope", logon), ("list by scope, limit", logon))
    for logon in WORST:
        own = ("list, worst callers, limit", logon)  # which of next to nothing is too short a time to divide by
        yield Ratio(("list, worst callers", logon), _PAGE if logon in ("nothing", "tiny") else own)
    for logon in ("admin", "restricted"):
        case = f"deep page, {logon}"
        yield Ratio((case, "by $next"), (case, "limit, by cursor"))
        yield Ratio((case, "by startIndex"), (case, "limit, by offset"))


def _of_questions() -> Iterable[Ratio]:
    for case in (*WHERE, "select", "include"):
        yield Ratio((case, "ours"), _PAGE)
    for case in ("totals", "totals, superuser"):
        yield Ratio((case, "exact"), _PAGE)


def _of_records() -> Iterable[Ratio]:
    yield Ratio(("single", "ours"), _RECORD)
    for logon in ("admin", *SCOPES):
        yield Ratio(("single by scope", logon), _RECORD)
    for case, variant in (("prototypes", "one"), ("prototypes", "all"), ("OpenAPI", "ours"), ("$whoami", "ours")):
        yield Ratio((case, variant), _RECORD)
    yield Ratio(("quick find", "ours"), _PAGE)
    yield Ratio(("create", "ours"), ("create", "stock"))
    yield Ratio(("update with If-Match", "ours"), ("create", "stock"))
    yield Ratio(("batch of 1,000", "ours"), ("batch of 1,000", "executemany"))


def measured(found: dict[str, Any]) -> dict[str, float]:
    """Return the ratios of what a run found, by name; those that it did not measure are left out."""
    run = Run(found)
    return {ratio.name: value for ratio in ratios() if (value := ratio.of(run)) is not None}
