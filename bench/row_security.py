"""What the second lock costs: one database, served by its owner and by the locked role, asked in alternation.

    .venv/bin/python -m crm.launch throwaway .venv/bin/python -m bench.row_security [small|medium] [rounds]

Prints a Markdown table: medians in milliseconds over real HTTP, and their ratio.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote

from bench.asking import Ask, Effort, Line, alternate, expected
from bench.servers import APPLICATIONS, server
from bench.size import BASE
from crm import localdb

if TYPE_CHECKING:
    from bench.servers import Server

CASES = {
    "list page of 100": "company?count=100",
    "the same with exact total": "company?count=100&totals=exact",
    "the same by prefix": "company?count=100&where=Comp_Name like 'A%25'",
    "people, page of 100": "person?count=100",
    "phones, page of 100": "phone?count=100",
    "one record": "company('{key}')",
}
LOGONS = ("admin", "susan", "olivia")


def manage(*arguments: str) -> None:
    """Run a command of the owner."""
    subprocess.run([sys.executable, "manage.py", *arguments], check=True, stdout=subprocess.DEVNULL)


def asked(server_name: str, path: str, logon: str) -> Ask:
    """Return the request of a demo user for a path of the contract."""
    return Ask(server_name, quote(f"{BASE}/{path}", safe="/?=&$'()%"), logon, password=f"demo-{logon}")


def first_key(served: Server, logon: str) -> int:
    """Return the key of the first company that ``logon`` sees."""
    ask = asked("owner", "company?count=1", logon)
    return int(expected(Line(served.port).ask(ask), ask).json["$resources"][0]["$key"])


def main(size: str = "medium", rounds: str = "60") -> None:
    """Seed, lock, serve twice and compare."""
    for command in (["migrate", "-v0"], ["seed_demo", "--size", size], ["row_security", "on"]):
        manage(*command)
    address, ours = os.environ["DATABASE_URL"], APPLICATIONS["ours"]
    role = f"{localdb.NAME}_app"
    with (
        server(address, ours) as owner,
        server(address, ours, ROW_SECURITY="on", DATABASE_ROLE=role) as locked,
    ):
        servers = {"owner": owner, "locked": locked}
        print("| case | user | without | with the lock | ratio |\n|---|---|---|---|---|")
        for title, path in CASES.items():
            for logon in LOGONS:
                own = path.format(key=first_key(owner, logon))
                asks = {name: asked(name, own, logon) for name in servers}
                samples = alternate(servers, title, asks, Effort(int(rounds), 600.0, 0, 0.0))
                plain, under = (sample.summary()["p50"] for sample in samples)
                print(f"| {title} | {logon} | {plain:.1f} | {under:.1f} | {under / plain:.2f} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
