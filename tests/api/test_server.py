"""The served application, over sockets and with parallel requests: what no test client shows."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg
import pytest
from django.db import connection
from guardian.shortcuts import assign_perm

from entities.models import Company, User
from security.gate import system_rows
from tests.api.conftest import connected_to, copied
from tests.api.wire import BASE, basic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_django import DjangoDbBlocker

CLONE = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def world() -> None:
    """The server has a world of its own."""


def address_of_database(name: str) -> str:
    """Return the libpq address of a database on the test's server."""
    known = connection.settings_dict
    address: dict[str, Any] = {"user": known["USER"], "password": known["PASSWORD"], "host": known["HOST"]}
    given = "&".join(f"{key}={quote(str(value), safe='')}" for key, value in address.items() if value)
    port = f"&port={known['PORT']}" if known["PORT"] else ""
    return f"postgresql:///{name}?{given}{port}"


class Served:
    """A running server and its database."""

    def __init__(self, port: int, database: str) -> None:
        self.port, self.database = port, database

    def send(
        self, method: str, path: str, body: Any = None, logon: str = "susan", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Send one request over a connection of its own."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            sent = {"Authorization": basic(logon), "Content-Type": "application/json"}
            data = body if isinstance(body, bytes) or hasattr(body, "__next__") or body is None else json.dumps(body)
            target = quote(f"{BASE}/{path}", safe="/?=&$'()")
            link.request(method, target, data, sent | {k.replace("_", "-"): v for k, v in headers.items()})
            answer = link.getresponse()
            return answer.status, dict(answer.headers), answer.read()
        finally:
            link.close()

    def json(self, method: str, path: str, body: Any = None, logon: str = "susan", **headers: str) -> Any:
        """Return the body of an answer."""
        return json.loads(self.send(method, path, body, logon, **headers)[2])

    def raw(self, request: bytes) -> bytes:
        """Send bytes; return everything that comes back."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as link:
            link.sendall(request)
            found = b""
            while piece := link.recv(65536):
                found += piece
            return found


@pytest.fixture(scope="module")
def served(
    demo_database: str, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """Serve a copy of the demo world as ``make run`` does, with a statement limit of one second."""
    name = f"{demo_database}_served"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with django_db_blocker.unblock(), copied(demo_database, name):
        wanted = {"DATABASE_URL": address_of_database(name), "HOST": "127.0.0.1", "PORT": str(port)}
        wanted |= {"REQUIRE_HTTPS": "0", "STATEMENT_TIMEOUT": "1s", "WEB_CONCURRENCY": "2", "LOG_LEVEL": "ERROR"}
        wanted |= {"SECRET_KEY": "x" * 50, "ALLOWED_HOSTS": "127.0.0.1"}
        command = [sys.executable, "-m", "gunicorn", "--config", "crm/gunicorn.py", "crm.wsgi:application"]
        log = (tmp_path_factory.mktemp("served") / "log").open("wb")
        with log, subprocess.Popen(command, cwd=CLONE, env={**os.environ, **wanted}, stdout=log, stderr=log) as server:
            try:
                _wait(port, server)
                yield Served(port, name)
            finally:
                server.terminate()


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert server.poll() is None
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError


@pytest.fixture
def behind(served: Served, django_db_blocker: DjangoDbBlocker) -> Iterator[Served]:
    """The server, with the test connected to its database."""
    with django_db_blocker.unblock(), connected_to(served.database):
        yield served


def together(*sends: Callable[[], Any]) -> list[Any]:
    """Run all at once, each in a thread."""
    start = Barrier(len(sends))

    def run(send: Callable[[], Any]) -> Any:
        start.wait()
        return send()

    with ThreadPoolExecutor(len(sends)) as threads:
        return list(threads.map(run, sends))


def test_75_of_two_edits_at_once_with_the_same_tag_one_is_stored(served: Served) -> None:
    for attempt in range(8):
        tag = served.send("GET", "company('2')")[1]["ETag"]
        values = [100 * attempt + 1, 100 * attempt + 2]
        answers = together(
            *(partial(served.send, "PATCH", "company('2')", {"comp_intid": value}, If_Match=tag) for value in values)
        )
        assert sorted(status for status, _, _ in answers) == [200, 412]
        stored = next(value for value, (status, _, _) in zip(values, answers, strict=True) if status == 200)
        assert served.json("GET", "company('2')")["Comp_IntId"] == stored


def test_edits_of_different_fields_at_once_are_both_stored(served: Served) -> None:
    for number in range(5):
        bodies: list[dict[str, Any]] = [
            {"comp_intid": number},
            {"comp_segmentid": number},
            {"comp_website": f"w{number}"},
        ]
        answers = together(*(partial(served.send, "PATCH", "company('2')", body) for body in bodies))
        assert [status for status, _, _ in answers] == [200] * 3
        entry = served.json("GET", "company('2')")
        assert (entry["Comp_IntId"], entry["Comp_SegmentId"], entry["Comp_WebSite"]) == (number, number, f"w{number}")


def test_many_requests_at_once_are_all_answered(served: Served) -> None:
    sends = [partial(served.send, "GET", "company?count=50", logon=logon) for logon in ("susan", "olivia") * 8]
    answers = together(*sends)
    assert [status for status, _, _ in answers] == [200] * 16
    assert len({body for _, _, body in answers}) == 2


def test_a_body_in_chunks_is_read(served: Served) -> None:
    body = json.dumps({"comp_name": "In chunks"}).encode()
    status, _, answer = served.send("POST", "company", iter([body[:7], body[7:]]))
    assert (status, json.loads(answer)["Comp_Name"]) == (201, "In chunks")
    status, _, answer = served.send("POST", "company", iter([b"x" * 65536] * 17))
    assert (status, json.loads(answer)["$diagnoses"][0]["$applicationCode"]) == (413, "BodyTooLarge")
    status, _, answer = served.send("PATCH", "company('2')", iter([]))
    assert (status, json.loads(answer)["$diagnoses"][0]["$applicationCode"]) == (400, "BadJson")


def head(method: str, target: bytes, logon: str = "susan") -> bytes:
    lines = [method.encode() + b" " + target + b" HTTP/1.1", b"Host: 127.0.0.1", b"Connection: close"]
    return b"\r\n".join([*lines, f"Authorization: {basic(logon)}".encode(), b"", b""])


def test_18_the_answer_to_head_ends_with_its_headers(served: Served) -> None:
    for path in (b"/company", b"/company('2')", b"/nosuch"):
        answer = served.raw(head("HEAD", BASE.encode() + path))
        assert answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 404"))
        assert answer.endswith(b"\r\n\r\n")
        assert answer.count(b"\r\n\r\n") == 1


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(("length", "status"), [(8000, 200), (8001, 414), (8100, 414)])
def test_47_the_length_of_a_target_is_judged(served: Served, length: int, status: int) -> None:
    start = BASE.encode() + b"/company?count=0&_t="
    answer = served.raw(head("GET", start + b"x" * (length - len(start))))
    assert status_of(answer) == status
    assert (b"UrlTooLong" in answer) == (status == 414)


@pytest.mark.parametrize("length", [8300, 20_000])
def test_47_a_line_that_the_web_server_cannot_read_is_refused(served: Served, length: int) -> None:
    assert status_of(served.raw(head("GET", BASE.encode() + b"/company?_t=" + b"x" * length))) in (400, 414)


@pytest.mark.parametrize(
    "target", [b"/%ff%fe", b"/%", b"/%zz", b"/company%00", b"/a%0d%0ab", b"/../../etc/passwd", b"/%2e%2e"]
)
def test_6_garbage_on_the_line_is_a_404(served: Served, target: bytes) -> None:
    assert status_of(served.raw(head("GET", BASE.encode() + target))) == 404


def test_a_granted_row_is_visible_to_every_process_on_the_next_request(behind: Served) -> None:
    """Rights granted here bind the server's processes at once."""
    assert {behind.send("GET", "company('59')", logon="olivia")[0] for _ in range(6)} == {404}
    assign_perm("view_company", system_rows(User).get(logon="olivia"), system_rows(Company).get(pk=59))
    assert {behind.send("GET", "company('59')", logon="olivia")[0] for _ in range(6)} == {200}
    system_rows(User).filter(logon="olivia").update(disabled=True)
    assert {behind.send("GET", "company('59')", logon="olivia")[0] for _ in range(6)} == {401}
    system_rows(User).filter(logon="olivia").update(disabled=False)


def test_90_a_write_that_waits_beyond_the_limit_stores_nothing(served: Served) -> None:
    quotes = served.json("GET", "quotes?count=1&select=quot_opportunityid", logon="admin")["$resources"][0]
    opportunity = f"opportunity('{quotes['Quot_OpportunityId']}')"
    before = served.json("GET", opportunity, logon="admin")
    other = next(
        entry["$key"]
        for entry in served.json("GET", "currency", logon="admin")["$resources"]
        if entry["$key"] != before["Oppo_Currency"]
    )
    companies = served.json("GET", "company?count=2&select=$key", logon="admin")["$resources"]
    company = next(entry["$key"] for entry in companies if entry["$key"] != before["Oppo_PrimaryCompanyId"])
    body = {"oppo_description": "Half", "oppo_primarycompanyid": company, "oppo_primarypersonid": None}
    assert other
    with psycopg.connect(address_of_database(served.database)) as holder:
        holder.execute("SELECT FROM entities_quote WHERE id = %s FOR UPDATE", [quotes["$key"]])
        status, headers, answer = served.send("PATCH", opportunity, body, logon="admin")
    assert (status, json.loads(answer)["$diagnoses"][0]["$applicationCode"]) == (503, "QueryTimeout")
    assert int(headers["Retry-After"]) > 0
    assert served.json("GET", opportunity, logon="admin") == before
    assert served.send("PATCH", opportunity, body, logon="admin")[0] == 200
