"""The servers that are compared, over one database: each by gunicorn as we serve, two processes of four threads."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from crm import localdb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.size import Size

APPLICATIONS = {"ours": "crm.wsgi", "stock": "bench.stock.wsgi", "limit": "bench.limit"}
PATIENCE = 60.0
KEY = "the benchmark's own key, which guards nothing at all"


@dataclass(frozen=True)
class Server:
    """A running server: its port and the process id of its master."""

    port: int
    pid: int

    @property
    def workers(self) -> list[int]:
        """The process ids of its workers."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]


# With the default of 4 MB the stock implementation's list of a million keys fits into no memory: it takes minutes.
_SETTINGS = ("max_connections = 100", "max_wal_size = '8GB'", "work_mem = '64MB'")


@contextmanager
def cluster() -> Iterator[str]:
    """Start the benchmark's own PostgreSQL, whose data stay; yield the address of its first database."""
    own = localdb.Cluster(localdb.state_directory() / "bench")
    with localdb.attached(own) as url, psycopg.connect(url, autocommit=True) as connection:
        for setting in (f"shared_buffers = '{memory() // 8}MB'", *_SETTINGS):
            connection.execute(f"ALTER SYSTEM SET {setting}")
    with localdb.attached(own) as url:  # started anew, for these take effect at a start
        yield url


def memory() -> int:
    """Return how many megabytes of memory the machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20


def database(url: str, size: Size) -> str:
    """Return the address of the database of ``size``, which is made and filled where it is not there yet."""
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [size.name]).fetchone()
        if found is None:
            connection.execute(f'CREATE DATABASE "{size.name}"')
    address = url.replace("@/parapet?", f"@/{size.name}?")
    numbers = [str(number) for number in (size.companies, size.territories, size.grants)]
    without_end = environment(address, STATEMENT_TIMEOUT="0")  # twenty million people take longer than any request may
    subprocess.run([sys.executable, "-m", "bench.world", *numbers], check=True, env=without_end)
    return address


def environment(address: str, **more: str) -> dict[str, str]:
    """Return the environment of a process that works on the database at ``address``."""
    own = {"DATABASE_URL": address, "SECRET_KEY": KEY, "REQUIRE_HTTPS": "0", "LOG_LEVEL": "ERROR", "LOG_IN_DAYS": "0"}
    return {**os.environ, **own, "STATEMENT_TIMEOUT": "120s", "ROW_SECURITY": "off", **more}


@contextmanager
def serving(address: str, *names: str) -> Iterator[dict[str, Server]]:
    """Serve the database at ``address`` by the applications ``names`` during a block."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(server(address, APPLICATIONS[name])) for name in names}


@contextmanager
def server(address: str, application: str, **settings: str) -> Iterator[Server]:
    """Serve the database at ``address`` by one application, with ``settings`` of its own, during a block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--config", "crm/gunicorn.py", "--log-level", "error"]
    values = environment(address, HOST="127.0.0.1", PORT=str(port), WEB_CONCURRENCY="2", WEB_THREADS="4", **settings)
    with subprocess.Popen([*command, application], cwd=localdb.CLONE, env=values) as process:
        try:
            _wait(port, process)
            yield Server(port, process.pid)
        finally:
            process.terminate()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("A server does not serve; what it said stands above.")
