"""The private server: it starts, is shared, stops, keeps its data, and survives being killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from crm import localdb, pgbinaries
from crm.localdb import Cluster, attached, listens, private, state_directory, throwaway
from crm.locks import held
from crm.pgbinaries import LocalDatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """The path of some other clone, without a private server and leaving none behind."""
    yield tmp_path
    state = state_directory(tmp_path)
    if state.exists():
        localdb.discard_unused(state / "throwaway")
        for directory in state.iterdir():
            assert localdb.discard(Cluster(directory, durable=False))
        shutil.rmtree(state)


@pytest.fixture
def quick(clone: Path) -> Cluster:
    """A server for tests that do not ask what survives."""
    return Cluster(state_directory(clone) / "quick", durable=False)


def ask(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def postmaster(cluster: Cluster) -> int:
    """The process id of a running server."""
    return int(localdb.pid_file(cluster)[localdb.PID])


USER = """
import sys, time
from pathlib import Path
from crm.localdb import attached, private, throwaway
clone = Path(sys.argv[2])
with attached(private(clone)) if sys.argv[1] == "private" else throwaway(clone) as url:
    print(url, flush=True)
    while True:  # a signal that comes just before a sleep begins is noticed when it ends
        time.sleep(0.1)
"""


@pytest.fixture
def other_user(clone: Path) -> Iterator[OtherUser]:
    """Other processes that use the clone's servers until they are killed."""
    other = OtherUser(clone)
    yield other
    for process in other.processes:
        process.kill()
        process.communicate()


class OtherUser:
    def __init__(self, clone: Path) -> None:
        self.clone = clone
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, kind: str) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [sys.executable, "-c", USER, kind, str(self.clone)],
            cwd=localdb.CLONE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        assert process.stdout is not None
        return process, process.stdout.readline().strip()


def test_serves_utf8_on_a_socket_only_and_without_jit(quick: Cluster) -> None:
    with attached(quick) as url:
        assert ask(url, "SELECT current_database(), current_user") == [("parapet", "parapet")]
        assert ask(url, "SHOW server_encoding") == [("UTF8",)]
        assert ask(url, "SHOW listen_addresses") == [("",)]
        assert ask(url, "SHOW jit") == [("off",)]
        assert ask(url, "SELECT lower('ÄÖ'), 'B' < 'a'") == [("äö", True)]


def test_only_its_own_user_may_enter(quick: Cluster) -> None:
    with attached(quick):
        for directory in (quick.data, quick.sockets):
            assert directory.stat().st_mode & 0o077 == 0
        with pytest.raises(psycopg.OperationalError, match="authentication failed"):
            psycopg.connect(quick.url.replace("parapet@", "postgres@"))


def test_stops_at_the_end_and_keeps_its_data(clone: Path) -> None:
    with attached(private(clone)) as url:
        ask(url, "CREATE TABLE kept AS SELECT 43 AS number")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    with attached(private(clone)) as url:
        assert ask(url, "SELECT number FROM kept") == [(43,)]


def test_the_last_user_stops_it(clone: Path, other_user: OtherUser) -> None:
    with attached(private(clone)) as url:
        process, theirs = other_user.start("private")
        assert theirs == url
    assert ask(url, "SELECT 1") == [(1,)]
    process.send_signal(signal.SIGINT)
    process.wait()
    assert not held(private(clone).directory, "server")


def test_two_that_start_it_at_once_share_it(clone: Path, other_user: OtherUser) -> None:
    answers: list[tuple[object, str]] = []
    starters = [threading.Thread(target=lambda: answers.append(other_user.start("private"))) for _ in range(2)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()
    assert [url for _, url in answers] == [private(clone).url] * 2


def test_a_server_whose_user_was_killed_is_joined_and_stopped(clone: Path, other_user: OtherUser) -> None:
    process, theirs = other_user.start("private")
    served_by = postmaster(private(clone))
    process.kill()
    process.wait()
    with attached(private(clone)) as url:
        assert url == theirs
        assert postmaster(private(clone)) == served_by
    assert not held(private(clone).directory, "server")


def test_starts_again_after_being_killed(clone: Path, other_user: OtherUser) -> None:
    cluster = private(clone)
    process, url = other_user.start("private")
    ask(url, "CREATE TABLE kept AS SELECT 43 AS number")
    process.kill()
    os.kill(postmaster(cluster), signal.SIGKILL)
    while listens(cluster.sockets / localdb.SOCKET):
        time.sleep(0.01)
    with attached(cluster) as url:
        assert ask(url, "SELECT number FROM kept") == [(43,)]


def test_starts_although_another_process_has_the_old_process_id(clone: Path) -> None:
    cluster = private(clone)
    with attached(cluster):
        remains = (cluster.data / "postmaster.pid").read_text()
    account = pgbinaries.choose_account(cluster.data)
    stranger = subprocess.Popen(["sleep", "60"], user=account.uid)
    number, rest = remains.split("\n", 1)
    (cluster.data / "postmaster.pid").write_text(f"{stranger.pid}\n{rest}")
    (cluster.sockets / f"{localdb.SOCKET}.lock").write_text(f"{stranger.pid}\n{rest}")
    (cluster.data / "postmaster.pid").chmod(0o644)
    try:
        with attached(cluster) as url:
            assert ask(url, "SELECT 1") == [(1,)]
            assert number != str(stranger.pid)
    finally:
        stranger.kill()
        stranger.wait()


def test_leaves_a_server_alone_that_it_did_not_start(clone: Path) -> None:
    cluster = private(clone)
    with attached(cluster):
        pass
    account = pgbinaries.choose_account(cluster.data)
    programs = pgbinaries.find(cluster.data, account, copies=state_directory())
    account.run(["touch", cluster.data / "foreign.log"])
    words: list[str | Path] = [programs / "pg_ctl", "-w", "-D", cluster.data]
    options = f"-c listen_addresses= -c unix_socket_directories={cluster.data}"
    log: list[str | Path] = ["-l", cluster.data / "foreign.log", "-o", options]
    assert account.run([*words, *log, "start"], output=subprocess.DEVNULL).returncode == 0
    try:
        with pytest.raises(LocalDatabaseError, match="make did not start it"), attached(cluster):
            pass
    finally:
        account.run([*words, "stop"])


def test_makes_its_data_anew_when_that_was_interrupted(quick: Cluster) -> None:
    localdb.make_directory(quick.directory / "data.part")
    (quick.directory / "data.part" / "PG_VERSION").write_text("18\n")
    with attached(quick) as url:
        assert ask(url, "SELECT 1") == [(1,)]


def test_says_in_one_sentence_why_it_does_not_start(quick: Cluster) -> None:
    with attached(quick):
        pass
    with (quick.data / "postgresql.conf").open("a") as configuration:
        configuration.write("no_such_setting = on\n")
    with pytest.raises(LocalDatabaseError, match=r"did not start: .*FATAL: .*conf.*") as caught, attached(quick):
        pass
    assert "\n" not in str(caught.value)


def test_a_deep_clone_gets_a_short_private_socket(clone: Path) -> None:
    cluster = Cluster(state_directory(clone) / ("deep" * 30), durable=False)
    assert len(os.fsencode(cluster.sockets / localdb.SOCKET)) < 107
    with attached(cluster) as url:
        assert ask(url, "SELECT 1") == [(1,)]
        assert cluster.sockets.stat().st_mode & 0o077 == 0
    assert localdb.discard(cluster)
    assert not cluster.sockets.exists()


def test_does_not_enter_a_socket_directory_that_others_may_enter(clone: Path) -> None:
    cluster = Cluster(state_directory(clone) / ("deep" * 30), durable=False)
    cluster.sockets.mkdir()
    cluster.sockets.chmod(0o777)
    try:
        with pytest.raises(LocalDatabaseError, match="not a directory of ours"), attached(cluster):
            pass
    finally:
        cluster.sockets.rmdir()


def test_a_throwaway_server_vanishes_even_when_its_user_fails(clone: Path) -> None:
    with pytest.raises(ZeroDivisionError), throwaway(clone) as url:
        assert ask(url, "SHOW fsync") == [("off",)]
        raise ZeroDivisionError
    assert not [*(state_directory(clone) / "throwaway").glob("*/")]


def test_a_throwaway_server_whose_user_was_killed_vanishes_with_the_next(clone: Path, other_user: OtherUser) -> None:
    process, abandoned = other_user.start("throwaway")
    process.kill()
    process.wait()
    with throwaway(clone) as url:
        assert url != abandoned
        assert len([*(state_directory(clone) / "throwaway").glob("*/")]) == 1
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(abandoned)


def test_a_throwaway_server_leaves_others_in_use_alone(clone: Path, other_user: OtherUser) -> None:
    _, theirs = other_user.start("throwaway")
    with throwaway(clone) as url:
        assert url != theirs
    assert ask(theirs, "SELECT 1") == [(1,)]


def test_is_not_discarded_while_in_use(quick: Cluster) -> None:
    with attached(quick) as url:
        assert not localdb.discard(quick)
        assert ask(url, "SELECT 1") == [(1,)]
    assert localdb.discard(quick)
    assert not quick.directory.exists()


def test_an_impatient_wait_ends_in_a_sentence(quick: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    with attached(quick):
        monkeypatch.setattr(localdb, "PATIENCE", -1.0)
        pid_file = quick.data / "postmaster.pid"
        status = pid_file.read_text()
        pid_file.write_text(status.replace("ready", "starting"))
        with pytest.raises(LocalDatabaseError, match="is not ready"):
            localdb.becomes_ready(quick)
        pid_file.write_text(status)
        monkeypatch.undo()
