"""What grows where it should not: the memory of a worker over many requests, and the cost of a page over more rows."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import ExitStack
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.asking import Ask, Effort, Line, alternate, expected
from bench.cases import deep, limit, ours, page
from bench.servers import database, environment, serving
from bench.size import BASE, CALLERS, KEYS, Size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.asking import Sample
    from bench.servers import Server

CALLERS_AT_ONCE = 4
WORLDS = "by $next, by number of companies"
_CONNECTIONS = 16


def mixed() -> list[Ask]:
    """Return requests of many kinds by many callers: what a worker does all day."""
    found = [page(logon) for logon in CALLERS]
    found += [ours(f"totals=none&where=comp_segmentid eq {number}".replace(" ", "%20")) for number in range(20)]
    found += [ours(f"totals=none&startIndex={start}", order="comp_companyid") for start in range(1, 200, 10)]
    found += [Ask("ours", f"{BASE}/$prototypes/Company", logon) for logon in CALLERS]
    found += [Ask("ours", f"{BASE}/users('{key}')", "admin") for key in KEYS.values()]
    return found


def memory(servers: Mapping[str, Server], few: int, many: int) -> dict[str, Any]:
    """Return the peak memory of the workers, in megabytes, after ``few`` and after ``many`` mixed requests."""
    server = servers["ours"]
    _log_in(server)
    _send(server, few // 2)
    _forget_peaks(server)
    _send(server, few - few // 2)
    before = _peaks(server)
    _forget_peaks(server)
    _send(server, many - few)
    after = _peaks(server)
    return {"few": few, "many": many, "after few": before, "after many": after}


def _log_in(server: Server) -> None:
    """Let every worker know every caller: the hash of a log-in takes a hundred megabytes for a moment.

    An idle server gives its connections to the same worker, a busy one to both.
    """
    for caller in CALLERS:
        _work([iter([page(caller)] * 2) for _ in range(_CONNECTIONS)], server)


def _send(server: Server, count: int) -> None:
    _work([islice(cycle(mixed()), start, count, CALLERS_AT_ONCE) for start in range(CALLERS_AT_ONCE)], server)


def _work(shares: Sequence[Iterator[Ask]], server: Server) -> None:
    """Ask the shares at the same time, each over a connection of its own. Raises what the first failure raised."""
    failures: list[BaseException] = []

    def work(asks: Iterator[Ask]) -> None:
        line = Line(server.port)
        try:
            for ask in asks:
                expected(line.ask(ask), ask)
        except (RuntimeError, OSError) as failure:
            failures.append(failure)
        finally:
            line.close()

    threads = [threading.Thread(target=work, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _forget_peaks(server: Server) -> None:
    for pid in server.workers:
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # see proc(5)


def _peaks(server: Server) -> list[float]:
    """Return the peak of each worker's resident memory, in megabytes."""
    found = []
    for pid in server.workers:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        found.append(next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")))
    return sorted(found)


def log_in(address: str) -> dict[str, float]:
    """Return what ``bench.login`` measures in a process of its own, and the same over HTTP on a cold server."""
    command = [sys.executable, "-m", "bench.login"]
    served = environment(address, DATABASE_POOL="1")  # as gunicorn's configuration has it: connections are kept
    made = subprocess.run(command, check=True, capture_output=True, text=True, env=served)
    found: dict[str, float] = json.loads(made.stdout)
    with serving(address, "ours") as servers:
        line = Line(servers["ours"].port)
        found["first page of a server that just started"] = expected(line.ask(page()), page()).seconds * 1000
        found["the next page"] = expected(line.ask(page()), page()).seconds * 1000
    return found


def growth(url: str, sizes: Sequence[Size], effort: Effort) -> list[dict[str, Any]]:
    """Return what a page costs in worlds of several sizes, for the usual caller and for one with many grants."""
    found = []
    for size in sizes:
        address = database(url, size)
        with serving(address, "ours", "limit") as servers:
            walk = deep(servers, "restricted", size.companies // 40).asks
            asks = {
                "first page": page(),
                "by $next": walk["by $next"],
                "many grants": page("many"),
                "limit": limit(),
            }
            samples = alternate(servers, "growth", asks, replace(effort, seconds=effort.seconds / 2))
        times = {sample.variant: sample.summary()["p50"] for sample in samples}
        found.append(
            {"companies": size.companies, "territories": size.territories, "grants": size.grants, "times": times}
        )
        print(f"growth: {size}: " + ", ".join(f"{name} {value:.1f}" for name, value in times.items()), flush=True)
    return found


def side_by_side(url: str, sizes: Sequence[Size], effort: Effort) -> list[Sample]:
    """Measure a page by ``$next`` in several worlds in turn: one world after the other says as much of the machine."""
    with ExitStack() as stack:
        servers, asks = {}, {}
        for size in sizes:
            served = stack.enter_context(serving(database(url, size), "ours"))
            walk = deep(served, "restricted", size.companies // 40).asks
            servers[size.name] = served["ours"]
            asks[f"{size.companies:,}"] = replace(walk["by $next"], server=size.name)
        return alternate(servers, WORLDS, asks, effort)
