"""The report of a run, in Markdown with plots: docs/performance.md holds that of the last good full one.

    python -m bench.report full | quick [MEASURED [TARGET]]

A quick one goes beside its figures in the clone's private directory.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import charts
from bench.acceptance import Run, divided, goals
from bench.measure import results
from bench.ratios import ratios
from crm import localdb

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def text(found: dict[str, Any]) -> str:
    """Return the report of what one run measured."""
    parts = [
        _head(found),
        _acceptance(found),
        _list(found),
        _callers(found),
        _cases(found),
        _growth(found),
        _rest(found),
    ]
    return "\n\n".join(parts) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; all columns but the first are figures."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _head(found: dict[str, Any]) -> str:
    size, machine = found["size"], found["machine"]
    told = ", ".join(f"{name} {value}" for name, value in machine.items())
    target = "bench" if found["mode"] == "full" else "bench-quick"
    return f"""# Speed, measured

One run of `make {target}`: {size["companies"]:,} companies, twice as many people,
{size["territories"]} territories, {size["grants"]:,} grants; every server by gunicorn with two processes over loopback,
asked in turn. Times are in milliseconds; **read them as ratios of this run**, for a machine that others use changes its
mind between runs.

Machine: {told}. The run took {found["seconds"]} s.

* **ours**: this product over HTTP, entries complete with links, tags and linked records.
* **stock**: Django REST framework as it is commonly used, over the same tables and indexes (`bench/stock/`), its
  password cost taken out unless said. It answers the same in its own names: rows, columns, links by a row's rights,
  tags, titles of visible linked records; not the texts that stand beside our links. **no count**: without it.
  **expert**: no count, and all queries of rights and grants flat and tuned by hand, by the same serializers.
* **stock, by hand**: the expert without serializers, by tuples and formatting, which is more than tuning; both are set
  against the goal for an expert. **half the answer**: no titles, no tags, no links by rights, and references to
  invisible records. Earlier reports called "stock, no count" what is here "stock, no count, half the answer", and
  "stock, expert" what is here "stock, by hand, half the answer". A create by stock reads back what it shows, which it
  did not before.
* **limit**: a bare WSGI application with hand-written SQL that answers the same bytes but for the tags
  (`bench/limit.py`). It checks no password and parses no query, and takes the shortest way that the indexes allow: it
  looks up the rows of callers who see few, and walks the order for the others.
* **restricted**, the usual caller, sees a twentieth of the rows by home territory, assignment, team, creation and
  grants together, and has hidden fields."""


def _acceptance(found: dict[str, Any]) -> str:
    def shown(value: float | None, unit: str) -> str:
        return "–" if value is None else f"{value:.2f} {unit}" if value < 10 else f"{value:.0f} {unit}"

    rows = [
        (
            goal.name,
            f"{'≥' if goal.more else '≤'} {goal.must:g} {goal.unit}",
            f"{goal.dream:g} {goal.unit}",
            f"**{shown(goal.reached, goal.unit)}**",
            goal.verdict,
        )
        for goal in goals(found)
    ]
    return "## What must be reached\n\n" + table(("case", "must", "dream", "reached", ""), rows)


def _list(found: dict[str, Any]) -> str:
    run = Run(found)
    rows = []
    for sample in (s for s in found["samples"] if s["case"] == "list" and s["at"] == 1):
        name = sample["variant"]
        ratio = sample["p50"] / (run.of("list", "ours") or 1)
        rate = run.of("list", name, "rate", 16) or 0.0
        figures = (
            f"{sample['p50']:.1f}",
            f"{sample['p95']:.1f}",
            f"{ratio:.2f}",
            f"{rate:.0f}",
            f"{sample['bytes']:,}",
        )
        rows.append((name, *figures))
    head = ("the first page of 100, by name", "median", "p95", "against ours", "per second at 16", "bytes")
    ours, bare = found["honesty"]["ours"], found["honesty"]["limit"]
    told = (
        f"Ours and limit show the same members of the same records; their answers differ by {abs(ours - bare):,} bytes."
    )
    return f"## A page\n\n![The first page](performance/page.svg)\n\n{table(head, rows)}\n\n{told}"


def _callers(found: dict[str, Any]) -> str:
    run = Run(found)
    callers = dict.fromkeys(
        s["variant"] for s in found["samples"] if s["case"] in ("list by scope", "list, worst callers")
    )
    rows = []
    for caller in callers:
        case = "list by scope" if run.of("list by scope", caller) else "list, worst callers"
        figures = (
            (run.of(case, caller), 1),
            (run.of(case, caller, "p95"), 1),
            (run.of(f"{case}, limit", caller), 1),
            (divided(run.of(case, caller), run.of(f"{case}, limit", caller)), 2),
            (run.of(case, caller, "rate", 16), 0),
            (run.of("single by scope", caller), 1),
            (run.of("single by scope", caller, "p95"), 1),
            (divided(run.of("single by scope", caller), run.of("single", "limit")), 2),
        )
        rows.append((caller, *("–" if figure is None else f"{figure:.{places}f}" for figure, places in figures)))
    head = ("caller", "list", "p95", "limit", "ratio", "per second at 16", "single", "p95", "ratio to limit")
    told = "`nothing`, `tiny` and `small` see 0, 0.01 % and 0.25 % of the rows; `many` holds many grants besides."
    return f"## Who asks\n\n{told}\n\n![Who asks](performance/callers.svg)\n\n{table(head, rows)}"


def _cases(found: dict[str, Any]) -> str:
    skipped = ("list", "list by scope", "list by scope, limit", "list, worst callers", "list, worst callers, limit")
    run = Run(found)
    rows = [
        (
            f"{s['case']} · {s['variant']}",
            str(s["at"]),
            f"{s['p50']:.1f}",
            f"{s['p95']:.1f}",
            _compared(run, s),
            f"{s['bytes']:,}" if s["bytes"] else "",
            str(s["n"]),
        )
        for s in found["samples"]
        if s["case"] not in skipped
    ]
    told = "Ours is divided by the limit's answer to the same question, or by its page or record where it has none."
    head = ("case", "at once", "median", "p95", "ratio of medians", "bytes", "times asked")
    return f"## Everything else\n\n{told}\n\n{table(head, rows)}"


def _compared(run: Run, sample: dict[str, Any]) -> str:
    """Return a sample's ratio and to what: ours to its yardstick, the stock implementation to ours."""
    case, variant = sample["case"], sample["variant"]
    first = next(name for of, name, _ in run.samples if of == case)
    lower = next((ratio.lower for ratio in ratios() if ratio.upper == (case, variant)), (case, first))
    value = divided(sample["p50"], run.of(lower[0], lower[1], at=sample["at"]))
    if value is None or lower == (case, variant) or variant.startswith(("limit", "executemany")):
        return ""
    return f"{value:.2f} × {lower[1] if lower[0] == case else ' · '.join(lower)}"


def _growth(found: dict[str, Any]) -> str:
    names = list(found["growth"][0]["times"]) if found["growth"] else []
    rows = [
        (
            f"{row['companies']:,}",
            str(row["territories"]),
            f"{row['grants']:,}",
            *(f"{row['times'][name]:.1f}" for name in names),
        )
        for row in found["growth"]
    ]
    head = ("companies", "territories", "grants", *names)
    shown = "\n".join(f"![Over the number of {over}](performance/{over}.svg)" for over in _grown(found))
    told = "There are at most ten grants for each company."
    return f"## Growth\n\n{shown}\n\n{told}\n\n{table(head, rows)}"


def _grown(found: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return, by what grows, the worlds that differ in it alone; nothing where it does not grow."""
    base, series = found["size"], {}
    for over in base:
        rows = [row for row in found["growth"] if all(row[name] == base[name] for name in base if name != over)]
        if len(rows) > 1:
            series[over] = sorted(rows, key=lambda row: row[over])
    return series


def _rest(found: dict[str, Any]) -> str:
    memory = found["memory"]
    used = [
        (f"after {memory[count]:,} requests", ", ".join(f"{value:.0f} MB" for value in memory[f"after {count}"]))
        for count in ("few", "many")
    ]
    log_in = [(name, f"{value:.2f}") for name, value in found["log-in"].items()]
    return (
        "## Log-in, in one process and on a server that just started\n\n"
        + table(("", "ms"), log_in)
        + "\n\n## Peak memory of the workers, under mixed requests\n\n"
        + table(("", "each"), used)
    )


def pictures(found: dict[str, Any]) -> dict[str, str]:
    """Return the plots by file name."""
    listed = {s["variant"]: s["p50"] for s in found["samples"] if s["case"] == "list" and s["at"] == 1}
    callers = {
        s["variant"]: s["p50"]
        for s in found["samples"]
        if s["case"] in ("list, worst callers", "list by scope") and s["at"] == 1
    }
    drawn = {"page.svg": charts.bars("The first page of 100 companies, restricted user, median", listed)}
    if callers:
        drawn["callers.svg"] = charts.bars("The first page of 100 companies, ours, by caller, median", callers)
    for over, rows in _grown(found).items():
        series = {name: [row["times"][name] for row in rows] for name in rows[0]["times"]}
        names = [f"{row[over]:,}" for row in rows]
        drawn[f"{over}.svg"] = charts.lines(f"A page over the number of {over}, median", names, series)
    return drawn


def write(found: dict[str, Any], target: Path) -> None:
    """Write the report to ``target`` and its plots into the directory ``performance`` beside it."""
    target.write_text(text(found))
    (target.parent / "performance").mkdir(exist_ok=True)
    for name, picture in pictures(found).items():
        (target.parent / "performance" / name).write_text(picture)


def main(mode: str = "quick", measured: str = "", target: str = "") -> None:
    """Write the report of the last run, or of ``measured``."""
    source = Path(measured) if measured else results(mode)
    default = localdb.CLONE / "docs/performance.md" if mode == "full" else localdb.state_directory() / "performance.md"
    path = Path(target) if target else default
    write(json.loads(source.read_text()), path)
    print(f"Report: {path}")


if __name__ == "__main__":
    main(*sys.argv[1:])
