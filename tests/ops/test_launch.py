"""What make starts: the database around a command, the served CRM, and one sentence a failure."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest

from crm import launch, localdb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the launcher to its end."""
    return subprocess.run(
        [sys.executable, "-m", "crm.launch", *arguments],
        cwd=localdb.CLONE,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def empty_database() -> Iterator[str]:
    """The URL of a new database, as somebody may give it."""
    with localdb.throwaway() as url:
        yield url


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"PORT": "abc"}, "PORT=abc is not a port"),
        ({"PORT": "0"}, "PORT=0 is not a port"),
        ({"PORT": "65536"}, "PORT=65536 is not a port"),
        ({"PORT": "٨"}, "PORT=٨ is not a port"),
        ({"HOST": "nowhere.invalid"}, "HOST=nowhere.invalid is not an address"),
        ({"HOST": "192.0.2.1"}, "cannot serve on 192.0.2.1 port"),
        ({"DATABASE_URL": "postgresql://u:hush@127.0.0.1:1/x"}, "cannot be reached: connection"),
        ({"DATABASE_URL": "postgresql://u:hush@127.0.0.1:1/x", "ROW_SECURITY": "on"}, "serves it as another role"),
        ({"DATABASE_URL": "postgres//u:hush@127.0.0.1/x"}, "DATABASE_URL is not an address"),
    ],
)
def test_what_cannot_be_served_is_told_in_one_sentence(
    variables: dict[str, str], sentence: str, free_port: int
) -> None:
    result = run("run", **{"PORT": str(free_port), **variables})
    assert result.returncode == 1
    assert result.stderr.startswith("Parapet CRM: ")
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert "hush" not in result.stderr
    assert result.stdout == ""


def test_a_busy_port_is_told_before_anything_is_started(busy_port: int) -> None:
    result = run("run", PORT=str(busy_port), DATABASE_URL="postgresql://127.0.0.1:1/unreachable")
    assert result.returncode == 1
    assert result.stderr == (
        f"Parapet CRM: port {busy_port} of 127.0.0.1 is in use: stop what serves there, or choose "
        f"another port, as in make run PORT={busy_port + 1}.\n"
    )


def test_an_unknown_command_is_told_what_there_is() -> None:
    result = run("walk")
    assert result.returncode == 1
    assert "run | private COMMAND... | throwaway COMMAND..." in result.stderr


def test_a_command_runs_on_a_throwaway_server_and_its_status_is_ours() -> None:
    program = (
        "import os, psycopg; c = psycopg.connect(os.environ['DATABASE_URL']);"
        "print(c.execute('SHOW fsync').fetchone()[0], len(os.environ['SECRET_KEY']) >= 50);"
        "raise SystemExit(3)"
    )
    result = run("throwaway", sys.executable, "-c", program, SECRET_KEY="")
    assert result.stdout == "off True\n"
    assert (result.returncode, result.stderr) == (3, "")


def test_a_command_that_is_not_there_is_told_in_one_sentence() -> None:
    result = run("throwaway", "/no/such/program")
    assert result.returncode == 1
    assert result.stderr.startswith("Parapet CRM: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_command_and_its_server(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "crm.launch", "throwaway", "sh", "-c"]
    script = 'echo "$DATABASE_URL"; exec sleep 600'
    with subprocess.Popen([*command, script], cwd=localdb.CLONE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        psycopg.connect(url).close()
        process.send_signal(number)
        assert process.wait(30) == 130
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_a_given_database_is_used_and_stays(empty_database: str) -> None:
    result = run("private", "sh", "-c", 'echo "$DATABASE_URL"', DATABASE_URL=empty_database)
    assert (result.stdout, result.returncode) == (f"{empty_database}\n", 0)
    psycopg.connect(empty_database).close()


def test_serves_until_it_is_told_to_end(empty_database: str, free_port: int) -> None:
    values = {"DATABASE_URL": empty_database, "PORT": str(free_port), "DEMO": "0"}
    with subprocess.Popen(
        [sys.executable, "-m", "crm.launch", "run"],
        cwd=localdb.CLONE,
        env={**os.environ, **values},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(5)]
        page = http.client.HTTPConnection("127.0.0.1", free_port, timeout=30)
        with contextlib.closing(page):
            page.request("GET", "/static/admin/css/base.css")
            answer = page.getresponse()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert f"http://127.0.0.1:{free_port}/sdata/crmj/sagecrm2/-/" in "".join(said)
    assert answer.status == 200
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", free_port))


def test_the_key_is_generated_once_and_for_us_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    file = tmp_path / "state" / "secret_key"
    monkeypatch.setattr(localdb, "secret_key", lambda: file)
    key = launch.signing_key()
    assert len(key) >= 50
    assert launch.signing_key() == key == file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    monkeypatch.setenv("SECRET_KEY", "given")
    assert launch.signing_key() == "given"


def test_requests_may_name_the_loopback_the_host_and_what_is_given() -> None:
    assert launch.allowed_hosts("127.0.0.1", {}) == "localhost,127.0.0.1,[::1]"
    assert launch.allowed_hosts("crm.lan", {"ALLOWED_HOSTS": "crm.example.com"}) == (
        "localhost,127.0.0.1,[::1],crm.lan,crm.example.com"
    )
    assert "[fe80::1]" in launch.allowed_hosts("fe80::1", {}).split(",")


@pytest.mark.parametrize(
    ("host", "site"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/"),
        ("0.0.0.0", "http://localhost:8000/"),
        ("::1", "http://[::1]:8000/"),
    ],
)
def test_the_addresses_that_are_printed_can_be_opened(host: str, site: str) -> None:
    assert f"{site}admin/" in launch.banner(host, 8000, demo=False)


def test_demo_log_ins_are_printed_only_where_they_exist() -> None:
    assert "susan:demo-susan" in launch.banner("127.0.0.1", 8000, demo=True)
    assert "demo" not in launch.banner("127.0.0.1", 8000, demo=False)
