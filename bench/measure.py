"""The comparison in one run: ours, the stock implementation and the limit, over one database, in turn.

    python -m bench.measure full | quick | smoke [companies] [OUTPUT]

Writes what was measured as JSON into the clone's private directory; ``bench.report`` makes the pages of it.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from bench import cases, honesty, long_run, writing
from bench.asking import Effort, alternate, together
from bench.servers import cluster, database, memory, serving
from bench.size import FULL, QUICK, Size
from crm import localdb

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.servers import Server

EFFORTS = {
    "full": Effort(400, 15.0, 6, 2.0),
    "quick": Effort(20, 2.0, 2, 0.5),
    "smoke": Effort(3, 0.5, 1, 0.2),
}
MOST_GRANTS = 10  # for each company: there are not more profiles to hold them
SMALLEST = 10_000  # companies of which the usual caller sees several pages
REQUESTS = {"full": (1_000, 10_000), "quick": (200, 1_500), "smoke": (40, 80)}


def sizes(mode: str, base: Size) -> Sequence[Size]:
    """Return the worlds of the growth table: in a full run every combination of companies, territories and grants.

    BENCH_LARGEST=10000000 adds one of ten million companies.
    """
    small = [count for count in (base.companies // 100, base.companies // 10) if count >= SMALLEST]
    largest = int(os.environ.get("BENCH_LARGEST", "0"))
    rows = [*small, base.companies]
    found = [Size(count, base.territories, base.grants) for count in rows]
    if mode == "full":
        grants = (0, base.grants // 50, base.grants, base.grants * 10)
        found = [Size(*numbers) for numbers in product(rows, (10, 100, base.territories), grants)]
    else:
        found.append(replace(base, grants=0))
    if largest > base.companies:
        found.append(replace(base, companies=largest))
    found = [size for size in found if size.grants <= MOST_GRANTS * size.companies]
    return sorted(dict.fromkeys(found), key=lambda size: (size == base, *vars(size).values()))  # ends as it began


def run(mode: str, size: Size) -> dict[str, Any]:
    """Measure everything and return it."""
    effort, begin = EFFORTS[mode], time.monotonic()
    found: dict[str, Any] = {"mode": mode, "size": vars(size), "machine": machine()}

    def told(part: str) -> None:
        print(f"{time.monotonic() - begin:.0f} s: {part}", flush=True)

    with cluster() as url:
        address = database(url, size)
        found["machine"] |= of_database(address)
        with serving(address, "ours", "stock", "limit") as servers:
            told("comparing what is shown")
            found["honesty"] = honesty.compared(servers)
            told("reading")
            found["samples"] = _cases(servers, size, effort)
            told("writing")
            found["samples"] += [sample.summary() for sample in writing.measured(servers, address, size, effort)]
        with serving(address, "ours") as servers:
            told("memory")
            found["memory"] = long_run.memory(servers, *REQUESTS[mode])
        told("log-in")
        found["log-in"] = long_run.log_in(address)
        told("growth")
        worlds = sizes(mode, size)
        found["growth"] = long_run.growth(url, worlds, effort)
        told("worlds in turn")
        alike = [world for world in worlds if replace(world, companies=size.companies) == size]
        found["samples"] += [sample.summary() for sample in long_run.side_by_side(url, alike, effort)]
    found["seconds"] = round(time.monotonic() - begin)
    return found


def _cases(servers: Mapping[str, Server], size: Size, effort: Effort) -> list[dict[str, Any]]:
    found = []
    for case in [*cases.listed(servers, size), *cases.single(servers)]:
        samples = alternate(servers, case.name, case.asks, effort)
        if case.many:
            samples += together(servers, case.name, case.asks, effort)
        for sample in samples:
            found.append(sample.summary())
            told = f"{sample.case} · {sample.variant} · at {sample.at}"
            print(f"{told}: {found[-1]['p50']:.1f} ms, p95 {found[-1]['p95']:.1f}", flush=True)
    return found


def machine() -> dict[str, Any]:
    """Return what the run was made on, without its name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "memory MB": memory(),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "Python": platform.python_version(),
        "load at the start": round(os.getloadavg()[0], 1),
    }


def of_database(address: str) -> dict[str, Any]:
    """Return the database's version and size."""
    with psycopg.connect(address) as connection:
        row = connection.execute(
            "SELECT current_setting('server_version'), current_setting('shared_buffers'),"
            " pg_size_pretty(pg_database_size(current_database()))"
        ).fetchone()
    assert row is not None
    return {"PostgreSQL": row[0].split()[0], "shared_buffers": row[1], "database": row[2]}


def results(mode: str) -> Path:
    """Return the file of the last run."""
    return localdb.state_directory() / f"bench-{mode}.json"


def main(mode: str = "quick", companies: str = "", output: str = "") -> None:
    """Run, and write what was measured."""
    base = FULL if mode == "full" else QUICK
    size = Size(int(companies), base.territories, base.grants * int(companies) // base.companies) if companies else base
    found = run(mode, size)
    path = Path(output) if output else results(mode)
    path.write_text(json.dumps(found, indent=1))
    print(f"Measured in {found['seconds']} s: {path}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
