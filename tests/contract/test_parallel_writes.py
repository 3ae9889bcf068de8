"""Equal requests at the same time, each over a connection of its own (contract.md §12.5, §13, §14)."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from api.idempotency import Repeatable
from api.locks import digest
from tests.api.serving import Served, address_of_database, copy_served
from tests.api.test_server import together
from tests.api.wire import BASE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import DjangoDbBlocker


@pytest.fixture(autouse=True)
def world() -> None:
    """The server has a world of its own."""


@pytest.fixture(scope="module")
def served(
    demo_database: str, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """Serve a copy of the demo world; a deadlock is found long before the limit of a statement."""
    limit = {"STATEMENT_TIMEOUT": "60s"}
    with copy_served(demo_database, django_db_blocker, tmp_path_factory, "parallel", **limit) as found:
        yield found


@pytest.fixture
def beside(served: Served) -> Iterator[psycopg.Connection[Any]]:
    """A connection of somebody else to the server's database."""
    with psycopg.connect(address_of_database(served.database)) as connection:
        yield connection


def named(served: Served, name: str) -> int:
    total: int = served.json("GET", f"company?count=0&where=comp_name eq '{name}'")["$totalResults"]
    return total


def test_77_of_equal_requests_at_once_one_creates(served: Served) -> None:
    for number in range(4):
        name, key = f"Once {number}", f"parallel-{number}"
        send = partial(served.send, "POST", "company", {"comp_name": name}, Idempotency_Key=key)
        answers = together(*[send] * 6)
        assert {status for status, _, _ in answers} <= {201, 409}
        assert 201 in {status for status, _, _ in answers}
        for status, headers, body in answers:
            if status == 409:
                assert json.loads(body)["$diagnoses"][0]["$applicationCode"] == "RequestInProgress"
                assert int(headers["Retry-After"]) > 0
        assert named(served, name) == 1
        status, headers, _ = send()
        assert (status, headers["Idempotency-Replayed"]) == (201, "true")


def test_77_while_the_first_runs_a_repeat_is_told_to_wait(served: Served, beside: psycopg.Connection[Any]) -> None:
    running = Repeatable(4, f"{BASE}/Company", "running", "").name
    lock = int.from_bytes(bytes.fromhex(digest("idempotency", running))[:8], signed=True)
    send = partial(served.send, "POST", "company", {"comp_name": "Running"}, Idempotency_Key="running")
    beside.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
    status, headers, body = send()
    assert (status, json.loads(body)["$diagnoses"][0]["$applicationCode"]) == (409, "RequestInProgress")
    assert headers["Retry-After"] == "1"
    assert served.send("POST", "company", {"comp_name": "Beside"}, Idempotency_Key="another")[0] == 201
    beside.rollback()
    assert send()[0] == 201
    assert named(served, "Running") == 1


def test_81_of_equal_upserts_at_once_one_creates(served: Served) -> None:
    for number in range(4):
        path = f"company(comp_intforeignid eq 'P-{number}')"
        answers = together(*[partial(served.send, "PUT", path, {"comp_name": f"Upsert {number}"})] * 6)
        assert sorted(status for status, _, _ in answers) == [200] * 5 + [201]
        assert named(served, f"Upsert {number}") == 1


def test_79_batches_that_wait_for_each_other_are_both_stored(served: Served) -> None:
    def put(name: str) -> dict[str, Any]:
        return {"$httpMethod": "PUT", "$url": f"company(comp_intforeignid eq '{name}')", "comp_name": name}

    for number in range(3):
        names = [f"D{number}-{n}" for n in range(6)]
        forward = {"$resources": [put(name) for name in names]}
        backward = {"$resources": [put(name) for name in reversed(names)]}
        answers = together(*(partial(served.send, "POST", "company/$batch", body) for body in (forward, backward)))
        assert [status for status, _, _ in answers] == [200, 200]
        assert all(named(served, name) == 1 for name in names)


def test_78_a_batch_in_chunks_may_be_larger_than_a_record(served: Served) -> None:
    items = [{"note_note": "x" * 90_000, "note_foreigntableid": 5, "note_foreignid": 2}] * 14
    body = json.dumps(items).encode()
    pieces = [body[at : at + 65536] for at in range(0, len(body), 65536)]
    status, _, answer = served.send("POST", "notes/$batch", iter(pieces))
    assert (status, {item["$httpStatus"] for item in json.loads(answer)}) == (200, {200})
    status, _, answer = served.send("POST", "notes", iter(pieces))
    assert (status, json.loads(answer)["$diagnoses"][0]["$applicationCode"]) == (413, "BodyTooLarge")
