"""What must be reached, and what was: ratios of one run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.cases import HASHED
from bench.long_run import WORLDS
from bench.size import SCOPES, WORST

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Goal:
    """One line of the table: what must be reached, what is dreamt of, what was reached (None = not measured)."""

    name: str
    must: float
    dream: float
    reached: float | None
    more: bool = False  # is more better?
    unit: str = "×"

    @property
    def verdict(self) -> str:
        """Return in one word how it went."""
        if self.reached is None:
            return "not measured"
        for word, bound in (("dream", self.dream), ("reached", self.must)):
            if self.reached >= bound if self.more else self.reached <= bound:
                return word
        return "missed"


class Run:
    """What one run measured, to be asked for by name."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.found = found
        self.samples = {(s["case"], s["variant"], s["at"]): s for s in found["samples"]}

    def of(self, case: str, variant: str, what: str = "p50", at: int = 1) -> float | None:
        """Return one figure, None where it was not measured."""
        sample = self.samples.get((case, variant, at))
        return None if sample is None else float(sample[what])

    def ratio(self, case: str, upper: str, lower: str, what: str = "p50", at: int = 1) -> float | None:
        """Return how many times ``upper`` is ``lower``."""
        return divided(self.of(case, upper, what, at), self.of(case, lower, what, at))

    def grown(self, variant: str, larger: dict[str, int], smaller: dict[str, int]) -> float | None:
        """Return how many times a page of the larger world costs one of the smaller; the worlds by what they hold."""
        return divided(self._in_world(variant, larger), self._in_world(variant, smaller))

    def _in_world(self, variant: str, wanted: dict[str, int]) -> float | None:
        size = self.found["size"] | wanted
        for row in self.found["growth"]:
            if all(row[name] == value for name, value in size.items()):
                return float(row["times"][variant])
        return None


def divided(upper: float | None, lower: float | None) -> float | None:
    """Return a ratio, None where a part of it is not known."""
    return None if upper is None or not lower else upper / lower


def worst(values: Iterable[float | None]) -> float | None:
    """Return the largest of those that are known."""
    known = [value for value in values if value is not None]
    return max(known) if known else None


def goals(found: dict[str, Any]) -> list[Goal]:
    """Return the table of acceptance with what was reached."""
    run = Run(found)
    return [*_of_lists(run), *_of_callers(run), *_of_records(run), *_of_growth(run), *_of_the_rest(run)]


def _of_lists(run: Run) -> list[Goal]:
    return [
        Goal(
            "list against stock with count and a password hash on each request",
            100,
            250,
            run.ratio(f"list, {HASHED}", "stock", "ours"),
            more=True,
        ),
        Goal(
            "list against stock with count, without that hash", 100, 250, run.ratio("list", "stock", "ours"), more=True
        ),
        Goal("list against stock without count", 35, 45, run.ratio("list", "stock, no count", "ours"), more=True),
        Goal(
            "list against stock tuned by an expert: no count, flat queries of grants",
            8,
            12,
            run.ratio("list", "stock, expert", "ours"),
            more=True,
        ),
        Goal(
            "list against stock by hand: tuples, no serializers",
            8,
            12,
            run.ratio("list", "stock, by hand", "ours"),
            more=True,
        ),
        Goal("list against limit, time", 1.6, 1.2, run.ratio("list", "ours", "limit")),
        Goal(
            "list against limit, throughput at 16", 0.6, 0.8, run.ratio("list", "ours", "limit", "rate", 16), more=True
        ),
        Goal(
            "deep page by $next against the first page",
            1.15,
            1.03,
            worst(run.ratio(f"deep page, {who}", "by $next", "first page") for who in ("admin", "restricted")),
        ),
        Goal("page with exact total against page without", 2, 1.1, run.ratio("totals", "exact", "none")),
    ]


def _of_callers(run: Run) -> list[Goal]:
    scopes = {
        case: worst(run.ratio(case, logon, "admin", "p95") for logon in SCOPES)
        for case in ("list by scope", "single by scope")
    }
    worst_caller = worst(run.ratio("list, worst callers", logon, "restricted") for logon in WORST)
    return [
        Goal("slowest scope against superuser, p95, list", 1.3, 1.1, scopes["list by scope"]),
        Goal("slowest scope against superuser, p95, single", 1.3, 1.1, scopes["single by scope"]),
        Goal("worst caller against the usual one", 3, 1.5, worst_caller),
    ]


def _of_records(run: Run) -> list[Goal]:
    batch = run.ratio("batch of 1,000", "ours", "executemany")
    return [
        Goal("single record against stock", 5, 7, run.ratio("single", "stock", "ours"), more=True),
        Goal("single record against limit", 2, 1.4, run.ratio("single", "ours", "limit")),
        Goal("create against stock", 1.5, 2.4, run.ratio("create", "stock", "ours"), more=True),
        Goal("batch of 1,000 people against executemany", 6, 3, batch),
    ]


def _of_growth(run: Run) -> list[Goal]:
    grown, grants = run.found["growth"], run.found["size"]["grants"]
    most = max((row["grants"] for row in grown), default=0)
    worlds = sorted(int(name.replace(",", "")) for case, name, _ in run.samples if case == WORLDS)
    by_rows = [
        Goal(
            f"{worlds[0]:,} → {world:,} companies, list by $next",
            1.2,
            1.05,
            run.ratio(WORLDS, f"{world:,}", f"{worlds[0]:,}"),
        )
        for world in worlds
        if world >= run.found["size"]["companies"]
    ]
    in_table = run.grown("first page", {"grants": most}, {"grants": 0})
    own = run.grown("many grants", {"grants": max(grants, most)}, {"grants": 0})
    return [
        *by_rows,
        Goal(f"0 → {most:,} grants in the table, list", 1.3, 1.1, in_table),
        Goal("0 → the most of the caller's own grants, list", 1.3, 1.1, own),
    ]


def _of_the_rest(run: Run) -> list[Goal]:
    log_in, memory = run.found["log-in"], run.found["memory"]
    warm = log_in["warm log-in"] + log_in["warm plan"]
    return [
        Goal("warm Basic log-in, freshness and grants included", 0.4, 0.2, warm, unit="ms"),
        Goal(
            f"peak memory after {memory['many']:,} requests against after {memory['few']:,}",
            1.05,
            1.0,
            divided(max(memory["after many"]), max(memory["after few"])),
        ),
    ]
