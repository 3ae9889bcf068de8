"""What the second lock costs: one database, served by its owner and by the locked role, asked in alternation.

    .venv/bin/python -m crm.launch throwaway .venv/bin/python bench/row_security.py [small|medium] [rounds]

Prints a Markdown table: medians in milliseconds over real HTTP, and their ratio.
"""

from __future__ import annotations

import base64
import http.client
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE = "/sdata/crmj/sagecrm2/-"
CASES = {
    "list page of 100": "company?count=100",
    "the same with exact total": "company?count=100&totals=exact",
    "the same by prefix": "company?count=100&where=Comp_Name like 'A%25'",
    "people, page of 100": "person?count=100",
    "phones, page of 100": "phone?count=100",
    "one record": "company('43')",
}
LOGONS = ("admin", "susan", "olivia")
PORTS = (8471, 8472)


@contextmanager
def serving(port: int, **settings: str) -> Iterator[None]:
    """Serve the database on ``port`` by one process during a block."""
    command = [sys.executable, "-m", "gunicorn", "--config", "crm/gunicorn.py", "--log-level", "error", "crm.wsgi"]
    values = {"PORT": str(port), "WEB_CONCURRENCY": "1", "REQUIRE_HTTPS": "0", "LOG_LEVEL": "ERROR"} | settings
    with subprocess.Popen(command, env=os.environ | values) as server:
        try:
            yield
        finally:
            server.terminate()


def asked(port: int, path: str, logon: str) -> float:
    """Return the seconds that one answer takes. Raises RuntimeError unless it is a 200."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    credentials = base64.b64encode(f"{logon}:demo-{logon}".encode()).decode()
    begin = time.perf_counter()
    link.request("GET", quote(f"{BASE}/{path}", safe="/?=&$'()%"), headers={"Authorization": f"Basic {credentials}"})
    answer = link.getresponse()
    answer.read()
    taken = time.perf_counter() - begin
    link.close()
    if answer.status not in (200, 404):
        raise RuntimeError(f"{path} as {logon}: {answer.status}")
    return taken


def manage(*arguments: str) -> None:
    """Run a command of the owner."""
    subprocess.run([sys.executable, "manage.py", *arguments], check=True, stdout=subprocess.DEVNULL)


def main(size: str = "medium", rounds: str = "60") -> None:
    """Seed, lock, serve twice and compare."""
    for command in (["migrate", "-v0"], ["seed_demo", "--size", size], ["row_security", "on"]):
        manage(*command)
    with ExitStack() as stack:
        stack.enter_context(serving(PORTS[0], ROW_SECURITY="off"))
        stack.enter_context(serving(PORTS[1], ROW_SECURITY="on", DATABASE_ROLE="parapet_app"))
        time.sleep(8)
        print("| case | user | without | with the lock | ratio |\n|---|---|---|---|---|")
        for title, path in CASES.items():
            for logon in LOGONS:
                times: tuple[list[float], list[float]] = ([], [])
                for number in range(int(rounds) + 5):
                    for port, taken in zip(PORTS, times, strict=True):
                        seconds = asked(port, path, logon)
                        if number >= 5:  # warm by then
                            taken.append(seconds * 1000)
                plain, locked = (statistics.median(taken) for taken in times)
                print(f"| {title} | {logon} | {plain:.1f} | {locked:.1f} | {locked / plain:.2f} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
