"""Whether anything became slower: ratios of times now against those of the committed baseline.

    python -m bench.compare quick | check | write

"quick" takes the ratios of the last run of ``bench.measure quick``, "check" measures the main ones now. Prints a
table. What seems slower by more than 30 % is measured again, twice at most and with more rounds, for on a busy machine
one look proves nothing; the exit status is 1 only where it stays so, 2 where there is nothing to compare. "write"
measures all ratios as carefully and makes them the baseline. Absolute times are not compared: they are the machine's.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench import pairs, ratios
from bench.asking import Effort
from bench.measure import results
from bench.size import QUICK, Size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

BASELINE = Path(__file__).parent / "baseline.json"
FALL = 1.3  # times the baseline's ratio
LOOKS = (Effort(80, 2.0, 1, 0.0), Effort(120, 4.0, 1, 0.0))  # at what seems slower
FIRST = Effort(40, 1.0, 1, 0.0)


class Incomparable(Exception):
    """There is nothing to compare, or it is not of the same kind; the message is a sentence."""


@dataclass(frozen=True)
class Line:
    """One line of the comparison; None = the baseline, or the run, does not have it."""

    name: str
    before: float | None
    now: float | None

    @property
    def fallen(self) -> bool:
        """Whether it became slower by more than is allowed."""
        return self.before is not None and self.now is not None and self.now > self.before * FALL

    @property
    def shown(self) -> tuple[str, ...]:
        """The line of the table."""
        figures = tuple("–" if figure is None else f"{figure:.2f}" for figure in (self.before, self.now))
        if self.before is None or self.now is None:
            return (self.name, *figures, "new" if self.before is None else "not measured", "")
        return (
            self.name,
            *figures,
            f"{100 * (self.now / self.before - 1):+.0f} %",
            "slower" if self.fallen else "",
        )


def compared(before: Mapping[str, float], now: Mapping[str, float]) -> list[Line]:
    """Return a line for each ratio of either."""
    return [Line(name, before.get(name), now.get(name)) for name in dict.fromkeys((*now, *before))]


def told(lines: Sequence[Line]) -> str:
    """Return the table of ``lines``."""
    rows = [("ours / yardstick", "baseline", "now", "change", ""), *(line.shown for line in lines)]
    wide = max(len(row[0]) for row in rows)
    return "\n".join(f"{row[0]:{wide}}{row[1]:>10}{row[2]:>10}{row[3]:>14}  {row[4]}".rstrip() for row in rows)


def confirmed(lines: Sequence[Line], measure: Callable[[Sequence[str], Effort], Mapping[str, float]]) -> list[Line]:
    """Return those of ``lines`` that are slower each time that ``measure`` looks at them again."""
    fallen = [line for line in lines if line.fallen]
    for effort in LOOKS:
        if not fallen:
            break
        print(
            f"\n{len(fallen)} seem slower by more than {FALL - 1:.0%}; measured again, with more rounds:\n", flush=True
        )
        again = measure([line.name for line in fallen], effort)
        looks = [replace(line, now=again[line.name]) for line in fallen]
        print(told(looks), flush=True)
        fallen = [line for line in looks if line.fallen]
    return fallen


def named(names: Sequence[str], size: Size, effort: Effort) -> dict[str, float]:
    """Measure the ratios ``names`` and return them."""
    return pairs.measured([ratio for ratio in ratios.ratios() if ratio.name in names], size, effort)


def present(mode: str) -> tuple[Size, dict[str, float]]:
    """Return the ratios of now and the world that they are of. Raises Incomparable where nothing was measured."""
    if mode == "check":
        return QUICK, named([ratio.name for ratio in ratios.checked()], QUICK, FIRST)
    path = results(mode)
    if not path.exists():
        raise Incomparable(f"There is no run to compare; python -m bench.measure {mode} makes one.")
    found = json.loads(path.read_text())
    return Size(**found["size"]), ratios.measured(found)


def baseline(size: Size) -> dict[str, float]:
    """Return the committed ratios. Raises Incomparable where there are none of a world of ``size``."""
    known = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    if known.get("size") != asdict(size):
        raise Incomparable("There is no baseline of a world of this size; make bench-baseline makes one.")
    found: dict[str, float] = known["ratios"]
    return found


def write() -> None:
    """Measure all ratios and make them the baseline."""
    values = named([ratio.name for ratio in ratios.ratios()], QUICK, LOOKS[-1])
    known = {"size": asdict(QUICK), "ratios": {name: round(value, 2) for name, value in values.items()}}
    BASELINE.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")


def report(mode: str) -> int:
    """Compare and return the exit status. Raises Incomparable where there is nothing to compare."""
    size, now = present(mode)
    known = baseline(size)
    lines = compared({name: known[name] for name in known if mode != "check" or name in now}, now)
    print(f"\n{told(lines)}\n\nRatios of times: less is faster.", flush=True)
    fallen = confirmed(lines, lambda names, effort: named(names, size, effort))
    if fallen:
        names = "; ".join(line.name for line in fallen)
        print(f"\nSlower by more than {FALL - 1:.0%}, measured {len(LOOKS) + 1} times: {names}")
    return 1 if fallen else 0


def main(mode: str = "quick") -> int:
    """Compare, or make the baseline; return the exit status."""
    if mode == "write":
        write()
        return 0
    try:
        return report(mode)
    except Incomparable as reason:
        print(reason, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
