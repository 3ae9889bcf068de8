"""A running server over a copy of the demo world, as ``make run`` has it: what no test client shows."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from django.db import connection

from tests.api.conftest import connected_to, copied
from tests.api.wire import BASE, basic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import DjangoDbBlocker

CLONE = Path(__file__).parents[2]


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


@contextmanager
def serving(database: str, log: Path, *arguments: str, **variables: str) -> Iterator[Served]:
    """Serve ``database`` with the settings that ``variables`` name; what the server says goes to ``log``."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    wanted = {"DATABASE_URL": address_of_database(database), "HOST": "127.0.0.1", "PORT": str(port)}
    wanted |= {"REQUIRE_HTTPS": "0", "STATEMENT_TIMEOUT": "1s", "WEB_CONCURRENCY": "2", "LOG_LEVEL": "ERROR"}
    wanted |= {"SECRET_KEY": "x" * 50, "ALLOWED_HOSTS": "127.0.0.1"} | variables
    command = [sys.executable, "-m", "gunicorn", "--config", "crm/gunicorn.py", *arguments, "crm.wsgi:application"]
    with (
        log.open("wb") as lines,
        subprocess.Popen(command, cwd=CLONE, env={**os.environ, **wanted}, stdout=lines, stderr=lines) as server,
    ):
        try:
            _wait(port, server)
            yield Served(port, database)
        finally:
            server.terminate()


@contextmanager
def copy_served(
    source: str, blocker: DjangoDbBlocker, paths: pytest.TempPathFactory, name: str, **variables: str
) -> Iterator[Served]:
    """Serve a copy of the database ``source`` with the settings that ``variables`` name."""
    copy, log = f"{source}_{name}", paths.mktemp(name) / "log"
    with blocker.unblock(), copied(source, copy), serving(copy, log, **variables) as found:
        yield found


@pytest.fixture(scope="module")
def served(
    demo_database: str, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """Serve a copy of the demo world with a statement limit of one second."""
    with copy_served(demo_database, django_db_blocker, tmp_path_factory, "served") as found:
        yield found


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
