"""What only a running server shows: compression, proxies and what the server's own log holds (contract.md §3)."""

from __future__ import annotations

import gzip
import json
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from django.utils import timezone

from security import credentials
from tests.api.conftest import copied
from tests.api.serving import Served, address_of_database, serving
from tests.api.wire import BASE, basic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_django import DjangoDbBlocker

HOST = "crm.example.com"


@pytest.fixture(autouse=True)
def world() -> None:
    """The servers have a world of their own."""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the server says."""
    return tmp_path_factory.mktemp("served") / "log"


@pytest.fixture(scope="module")
def sid(demo_database: str) -> str:
    """A token that the server's database knows."""
    return credentials.new_token()


@pytest.fixture(scope="module")
def served(demo_database: str, django_db_blocker: DjangoDbBlocker, log: Path, sid: str) -> Iterator[Served]:
    """A server behind a proxy on this machine, with an access log and tokens in addresses."""
    name = f"{demo_database}_proxied"
    settings = {"ALLOWED_HOSTS": f"127.0.0.1,{HOST}", "TRUSTED_PROXIES": "127.0.0.1", "ALLOW_SID_IN_URL": "1"}
    settings |= {"LOGIN_DELAY": "0", "LOGIN_FAILURES_PER_ACCOUNT": "6", "LOG_LEVEL": "INFO"}
    with django_db_blocker.unblock(), copied(demo_database, name):
        with psycopg.connect(address_of_database(name)) as link:
            link.execute(
                "INSERT INTO security_token (user_id, name, hash, read_only, created_at, expires_at)"
                " SELECT id, 'x', %s, false, now(), %s FROM entities_user WHERE logon = 'susan'",
                [credentials.token_hash(sid), timezone.now() + timedelta(days=1)],
            )
        with serving(name, log, "--access-logfile", "-", **settings) as found:
            yield found


def test_17_gzip_over_the_wire(served: Served) -> None:
    plain, packed = served.send("GET", "company"), served.send("GET", "company", Accept_Encoding="gzip")
    assert packed[1]["Content-Encoding"] == "gzip"
    assert len(packed[2]) < len(plain[2]) / 3
    assert gzip.decompress(packed[2]) == plain[2]
    assert "Content-Encoding" not in plain[1]


def test_18_head_has_the_headers_of_get_and_no_body(served: Served) -> None:
    for path in ("", "company", "company('2')", "$openapi", "nosuch"):
        for encoding in ("identity", "gzip"):
            get = served.send("GET", path, Accept_Encoding=encoding)
            head = served.send("HEAD", path, Accept_Encoding=encoding)
            assert (head[0], head[2]) == (get[0], b"")
            changing = {"X-Request-Id", "Date", "Content-Length"}
            assert set(head[1]) | {"Content-Length"} == set(get[1]) | {"Content-Length"}
            assert {n: v for n, v in head[1].items() if n not in changing} == {
                n: v for n, v in get[1].items() if n not in changing
            }


def test_15_a_trusted_proxy_is_believed(served: Served) -> None:
    sent = {"X_Forwarded_Proto": "https", "X_Forwarded_Host": HOST}
    body = served.send("GET", "company", **sent)[2]
    assert f"https://{HOST}{BASE}/Company".encode() in body
    assert b"http://" not in body
    body = served.send("GET", "company", Forwarded=f"for=203.0.113.9;proto=https;host={HOST}")[2]
    assert f"https://{HOST}{BASE}/Company".encode() in body
    status, _, body = served.send("GET", "company", X_Forwarded_Host="evil.example")
    assert (status, json.loads(body)["$diagnoses"][0]["$applicationCode"]) == (400, "BadHost")
    status, _, body = served.send("GET", "company", Host="evil.example")
    assert (status, json.loads(body)["$diagnoses"][0]["$applicationCode"]) == (400, "BadHost")


@pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
def test_06_what_no_address_answers_is_405(served: Served, method: str) -> None:
    request = f"{method} {BASE}/company HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    answer = served.raw(f"{request}Authorization: {basic('susan')}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 405")
    assert b"MethodNotAllowed" in answer


def test_13_failures_are_counted_over_all_processes(served: Served) -> None:
    wrong = {"Authorization": basic("peter", "wrong"), "X_Forwarded_For": "203.0.113.7"}
    found = [served.send("GET", "$whoami", **wrong)[0] for _ in range(9)]
    assert found == [401] * 6 + [429] * 3
    right = wrong | {"Authorization": basic("peter")}
    status, headers, _ = served.send("GET", "$whoami", **right)
    assert status == 429
    assert 0 < int(headers["Retry-After"]) <= 100
    assert served.send("GET", "$whoami", **right | {"X_Forwarded_For": "198.51.100.9"})[0] == 200


def test_11_a_token_in_the_address_never_appears_in_the_log(served: Served, log: Path, sid: str) -> None:
    for path in ("company?count=1&SID=", "$whoami?sid=", "nosuch?SID=", "company?where=(&SID="):
        assert served.send("GET", f"{path}{sid}", Authorization="", Referer=f"http://x/?SID={sid}")[0] == 401
        request = f"GET {BASE}/{path}{sid} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        answer = served.raw(f"{request}Referer: http://127.0.0.1/?SID={sid}\r\n\r\n".encode())
        assert not answer.startswith(b"HTTP/1.1 401")
        assert sid.encode() not in answer
    for broken in (f"GET {BASE}/company?SID={sid} x HTTP/1.1", f"GET  {BASE}/?SID={sid}", f"G@T /?SID={sid} HTTP/1.1"):
        served.raw(f"{broken}\r\nHost: 127.0.0.1\r\n\r\n".encode())
    text = ""
    for _ in range(50):
        text = log.read_text()
        if text.count(f"GET {BASE}/company") >= 2 and "Invalid" in text:
            break
        time.sleep(0.1)
    assert f"GET {BASE}/company" in text
    assert "Invalid" in text
    assert sid not in text


def test_15_without_a_trusted_proxy_nobody_is_believed(
    demo_database: str, django_db_blocker: DjangoDbBlocker, tmp_path: Path
) -> None:
    """Not even somebody on the same machine, whom gunicorn itself would believe."""
    name = f"{demo_database}_alone"
    settings = {"ALLOWED_HOSTS": f"127.0.0.1,{HOST}", "WEB_CONCURRENCY": "1"}
    with django_db_blocker.unblock(), copied(demo_database, name), serving(name, tmp_path / "log", **settings) as found:
        forged: dict[str, Any] = {"X_Forwarded_Proto": "https", "X_Forwarded_Ssl": "on", "X_Forwarded_Host": HOST}
        forged |= {"X_Forwarded_Protocol": "ssl", "Forwarded": f"proto=https;host={HOST}", "Script_Name": "/x"}
        assert found.send("GET", "company('2')", **forged)[2] == found.send("GET", "company('2')")[2]
