"""Whether the time of an answer tells a hidden record from a missing one, or a hidden field from a misspelt name.

Not part of ``make test``, for times depend on the machine: ``make test-timing`` asks a served process, PAIRS (10,000)
times each, and prints a table. It fails on nothing but a difference in what is answered. The test-suite compares what
is *done* instead: the same statements (``tests/api/twins.py``).
"""

from __future__ import annotations

import gc
import http.client
import json
import os
import random
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from entities.models import User
from security.gate import system_rows
from tests.api.conftest import connected_to, demo_database
from tests.api.serving import Served, copy_served
from tests.api.twins import invisible_key, keys
from tests.api.wire import BASE, basic
from tests.timing.effect import Effect, effect

if TYPE_CHECKING:
    from pytest_django import DjangoDbBlocker

__all__ = ["demo_database"]  # a fixture

PAIRS = int(os.environ.get("PAIRS", "10000"))
LOG_INS = max(PAIRS // 10, 1)  # each pays the slow hash
HIDDEN, MISSPELT = "comp_revenue", "comp_revenux"


@dataclass(frozen=True)
class Ask:
    """One request."""

    path: str
    method: str = "GET"
    body: bytes | None = None
    logon: str = "olivia"
    password: str | None = None


@dataclass(frozen=True)
class Pair:
    """Two requests that must not be told apart."""

    name: str
    first: Ask
    second: Ask


class Client:
    """One connection that is kept open, as a patient attacker's."""

    def __init__(self, port: int) -> None:
        self.link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def time(self, ask: Ask) -> tuple[float, int]:
        """Return how long the answer took, in seconds, and its status."""
        headers = {"Authorization": basic(ask.logon, ask.password), "Content-Type": "application/json"}
        start = time.perf_counter()
        self.link.request(ask.method, f"{BASE}/{ask.path}", ask.body, headers)
        answer = self.link.getresponse()
        answer.read()
        return time.perf_counter() - start, answer.status


def rows(hidden: int, missing: int) -> list[Pair]:
    """Pairs of a record that olivia cannot see and one that is not there."""
    body = json.dumps({"comp_source": "Web"}).encode()
    found = []
    for name, path, method in (
        ("record: GET", "company('{}')", "GET"),
        ("record: GET of its people", "company('{}')/person", "GET"),
        ("record: PATCH", "company('{}')", "PATCH"),
        ("record: where on the key", "company?where=comp_companyid+eq+{}", "GET"),
        ("record: where on a reference", "person?where=pers_companyid+eq+{}", "GET"),
    ):
        sent = Ask("", method, body if method == "PATCH" else None)
        made = [replace(sent, path=path.format(key)) for key in (hidden, missing)]
        found.append(Pair(name, *made))
    return found


def fields(visible: int) -> list[Pair]:
    """Pairs of a field that olivia cannot read and a name that is none."""

    def ask(name: str, path: str, method: str = "GET") -> Ask:
        body = json.dumps({name: "x"}).encode() if method == "PATCH" else None
        return Ask(path.format(name), method, body)

    channels = (
        ("field: where", "company?where={}+eq+'x'", "GET"),
        ("field: orderBy", "company?orderBy={}", "GET"),
        ("field: select", "company?select={}", "GET"),
        ("field: select of a record", f"company('{visible}')?select={{}}", "GET"),
        ("field: PATCH", f"company('{visible}')", "PATCH"),
    )
    return [Pair(title, ask(HIDDEN, path, how), ask(MISSPELT, path, how)) for title, path, how in channels]


def log_ins() -> list[Pair]:
    """Pairs of a wrong password of somebody and another way to be refused."""
    wrong = Ask("$whoami", logon="olivia", password="wrong")
    others = {"unknown": replace(wrong, logon="nobody"), "disabled": replace(wrong, logon="peter")}
    others["disabled, right password"] = replace(wrong, logon="peter", password="demo-peter")
    others["empty password"] = replace(wrong, password="")
    return [Pair(f"log-in: {name}", other, wrong) for name, other in others.items()]


def measure(port: int, pairs: list[Pair], rounds: int) -> dict[str, Effect]:
    """Send the pairs in turn, each in an order thrown by dice, so that no drift of the machine favours one side."""
    client, times = Client(port), {pair.name: ([0.0] * rounds, [0.0] * rounds) for pair in pairs}
    gc.disable()
    try:
        ask_in_turn(client, pairs, rounds, times)
    finally:
        gc.enable()
        client.link.close()
    return {name: effect(*found) for name, found in times.items()}


def ask_in_turn(
    client: Client, pairs: list[Pair], rounds: int, times: dict[str, tuple[list[float], list[float]]]
) -> None:
    """Fill ``times``, after some rounds that are not counted."""
    dice = random.Random(7)
    for number in range(-max(rounds // 40, 1), rounds):
        for pair in pairs:
            sides = [(0, pair.first), (1, pair.second)]
            dice.shuffle(sides)
            statuses = set()
            for side, ask in sides:
                taken, status = client.time(ask)
                statuses.add(status)
                if number >= 0:
                    times[pair.name][side][number] = taken
            assert len(statuses) == 1, (pair, statuses)


def table(found: dict[str, Effect]) -> str:
    """Return the figures as they stand in docs/security.md."""
    lines = [
        "| compared | pairs | median, µs | median difference, µs (95 %) | Cliff's delta |",
        "|---|---|---|---|---|",
    ]
    for name, one in found.items():
        interval = f"{one.difference:+.1f} ({one.low:+.1f} to {one.high:+.1f})"
        lines.append(f"| {name} | {one.pairs:,} | {one.median:,.0f} | {interval} | {one.delta:+.3f} |")
    return "\n".join(lines)


@pytest.mark.django_db(transaction=True)
def test_the_time_of_an_answer_tells_nothing(
    demo_database: str,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with django_db_blocker.unblock(), connected_to(demo_database):
        hidden, visible = invisible_key("olivia", "Company"), keys("olivia", "Company")[0]
        missing = max(keys("admin", "Company")) + 100
    assert hidden is not None
    quiet = {"LOGIN_FAILURES_PER_ACCOUNT": "0", "LOGIN_FAILURES_PER_NETWORK": "0"}
    alone = {"WEB_CONCURRENCY": "1", "WEB_THREADS": "1", "STATEMENT_TIMEOUT": "10s"}
    with copy_served(demo_database, django_db_blocker, tmp_path_factory, "timing", **quiet, **alone) as served:
        found = ask_all(served, django_db_blocker, (hidden, missing, visible))
    with capsys.disabled():
        print(f"\n{table(found)}")


def ask_all(served: Served, blocker: DjangoDbBlocker, chosen: tuple[int, int, int]) -> dict[str, Effect]:
    """Measure all pairs, and as many missing records against other missing ones: what noise alone looks like.

    The missing key is as long as the hidden one: how long a key is, whoever asks knows.
    """
    hidden, missing, visible = chosen
    with blocker.unblock(), connected_to(served.database):
        system_rows(User).filter(logon="peter").update(disabled=True)
    control = Pair("control: two missing records", *(Ask(f"company('{missing + n}')") for n in range(2)))
    found = measure(served.port, [control, *rows(hidden, missing), *fields(visible)], PAIRS)
    return {**found, **measure(served.port, log_ins(), LOG_INS)}
