"""A PostgreSQL server of this clone's own, for when no DATABASE_URL is given.

Decides where the server's data and socket are, and when it starts and stops. It listens on a Unix
socket only. It knows nothing of Django or of what is stored, and needs the standard library alone.

Three locks say what is alive, so that no process id left in a file is ever trusted: ``gate`` is
held while a server is started or stopped, ``users`` is shared by those who use it (the last one out
stops it), and ``server`` is inherited by every process of the server itself.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from crm import pgbinaries
from crm.locks import held, lock_file, locked, share, unlock
from crm.pgbinaries import Account, LocalDatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator

CLONE = Path(__file__).resolve().parent.parent
NAME = "parapet"  # of the database and of its owner
SOCKET = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT = 103  # bytes: the smallest sockaddr_un in use (macOS)
PID, PORT, SOCKETS, STATUS = 0, 3, 4, 7  # lines of postmaster.pid
PATIENCE = 120.0  # seconds for a recovery after a crash, or for the last checkpoint


@dataclass(frozen=True)
class Cluster:
    """One server: the directory that holds it, and whether its data must survive a crash."""

    directory: Path
    durable: bool = True

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.directory / "data"

    @property
    def log(self) -> Path:
        """What the server said since its last start."""
        return self.directory / "server.log"

    @property
    def sockets(self) -> Path:
        """The directory of the server's socket, elsewhere and short where ours is too deep."""
        near = self.directory / "socket"
        if len(os.fsencode(near / SOCKET)) <= SOCKET_PATH_LIMIT:
            return near
        digest = hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:12]
        return Path("/tmp", f"parapet-{os.geteuid()}-{digest}")

    @property
    def url(self) -> str:
        """The address of the database, in libpq's form."""
        return f"postgresql://{NAME}@/{NAME}?host={quote(str(self.sockets))}&port=5432"


def state_directory(clone: Path = CLONE) -> Path:
    """Return the private directory of a clone: in it, but for root where others can reach.

    PostgreSQL does not run as root, and the account that it runs as may not enter root's home.
    """
    if os.geteuid() != 0:
        return clone / ".local"
    digest = hashlib.sha256(os.fsencode(clone)).hexdigest()[:12]
    return Path("/var/lib/parapet-crm", digest)


def private(clone: Path = CLONE) -> Cluster:
    """Return the server that keeps the clone's own data."""
    return Cluster(state_directory(clone) / "postgres")


def secret_key(clone: Path = CLONE) -> Path:
    """Return the file of the signing key that ``make`` generates for this clone."""
    return state_directory(clone) / "secret_key"


@contextmanager
def attached(cluster: Cluster) -> Iterator[str]:
    """Start the server or join its other users; yield its URL; the last one out stops it.

    Raises LocalDatabaseError when no server can be had.
    """
    make_directory(cluster.directory)
    with lock_file(cluster.directory, "users") as users:
        with locked(cluster.directory, "gate"):
            share(users)
        try:
            with locked(cluster.directory, "gate"):
                if not becomes_ready(cluster):
                    start(cluster)
                    if not becomes_ready(cluster):
                        said = last_words(cluster.log.read_text())
                        raise LocalDatabaseError(f"The private PostgreSQL did not start: {said}")
            yield cluster.url
        finally:
            with locked(cluster.directory, "gate"):
                unlock(users)
                if not held(cluster.directory, "users"):
                    stop(cluster)


@contextmanager
def throwaway(clone: Path = CLONE) -> Iterator[str]:
    """Yield the URL of a new server, fast and unsafe, that vanishes at the end.

    One whose user was killed before its end vanishes at the start of the next.
    """
    parent = state_directory(clone) / "throwaway"
    make_directory(parent)
    try:
        with ExitStack() as stack:
            with locked(parent, "gate"):
                discard_unused(parent)
                cluster = Cluster(parent / secrets.token_hex(4), durable=False)
                url = stack.enter_context(attached(cluster))
            yield url
    finally:
        with locked(parent, "gate"):
            discard_unused(parent)


def discard_unused(parent: Path) -> None:
    """Delete the throwaway servers below a directory that nobody uses."""
    for directory in parent.glob("*/"):
        discard(Cluster(directory, durable=False))


def discard(cluster: Cluster) -> bool:
    """Stop a server and delete it with its data; tell False if it is in use and stays."""
    if not cluster.directory.exists():
        return True
    with locked(cluster.directory, "gate"):
        if held(cluster.directory, "users"):
            return False
        stop(cluster)
        shutil.rmtree(cluster.sockets, ignore_errors=True)
        shutil.rmtree(cluster.directory, ignore_errors=True)
    return True


def start(cluster: Cluster) -> None:
    """Start a server that does not run, on data made now if there is none yet."""
    account = pgbinaries.choose_account(cluster.data)
    make_directory(state_directory())
    programs = pgbinaries.find(cluster.data, account, copies=state_directory())
    if not cluster.data.exists():
        make_data(cluster, programs, account)
    clear_remains(cluster)
    make_owned_directory(cluster.sockets, account)
    admit_only_us(cluster)
    listed = str(cluster.sockets).replace('"', '""')
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": f'"{listed}"',
        "unix_socket_permissions": "0700",
        "port": "5432",
        "jit": "off",
    }
    if not cluster.durable:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    command: list[str | Path] = [programs / "postgres", "-D", cluster.data]
    command += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with cluster.log.open("w") as log, locked(cluster.directory, "server") as lock:
        # The shell leaves the server to init: it is no child whose end we would have to collect.
        account.run(["/bin/sh", "-c", '"$@" &', "sh", *command], output=log, keep=[lock])


def stop(cluster: Cluster) -> None:
    """Stop a server if it runs, and wait for its end."""
    asked = False
    deadline = time.monotonic() + PATIENCE
    while held(cluster.directory, "server"):
        if not asked and (pid := pid_file(cluster)[PID]):
            os.kill(int(pid), signal.SIGINT if cluster.durable else signal.SIGQUIT)
            asked = True
        if time.monotonic() > deadline:
            raise LocalDatabaseError(f"The private PostgreSQL does not stop; see {cluster.log}.")
        time.sleep(0.02)


def pid_file(cluster: Cluster) -> list[str]:
    """Return the lines of postmaster.pid, empty ones where there are none (yet).

    Source: PostgreSQL's src/include/utils/pidfile.h.
    """
    try:
        lines = (cluster.data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        lines = []
    return [line.strip() for line in [*lines, *[""] * 8]]


def make_data(cluster: Cluster, programs: Path, account: Account) -> None:
    """Initialise the data directory: all of it or, when interrupted, nothing."""
    unfinished = cluster.directory / "data.part"
    shutil.rmtree(unfinished, ignore_errors=True)
    make_owned_directory(unfinished, account)
    initdb: list[str | Path] = [programs / "initdb", "-D", unfinished]
    cluster_form = ["-U", NAME, "--auth=peer", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    if (pgbinaries.major_version(programs, account) or 0) >= 17:
        # Orders by code point, so that plain indexes serve LIKE 'x%', and alike on every machine.
        cluster_form += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    single: list[str | Path] = [programs / "postgres", "--single", "-D", unfinished]
    steps: list[tuple[list[str | Path], str]] = [
        ([*initdb, *cluster_form], ""),
        ([*single, "-c", "fsync=off", "postgres"], f"CREATE DATABASE {NAME}\n"),
    ]
    if cluster.durable:
        steps += [([*initdb, "--sync-only"], "")]
    for command, statement in steps:
        made = account.run(command, say=statement)
        if made.returncode != 0:
            said = last_words(made.stdout)
            raise LocalDatabaseError(f"PostgreSQL could not make its data directory: {said}")
    unfinished.rename(cluster.data)


def clear_remains(cluster: Cluster) -> None:
    """Remove the lock files of a server that was killed.

    PostgreSQL itself keeps them when some other process has the old process id by now. The lock
    named server says that no process of ours is left; only a server that somebody started by other
    means could be, and then its socket answers.
    """
    lines = pid_file(cluster)
    if lines[SOCKETS] and listens(Path(lines[SOCKETS], f".s.PGSQL.{lines[PORT]}")):
        raise LocalDatabaseError(f"Process {lines[PID]} serves {cluster.data}, and make did not start it: stop it.")
    (cluster.data / "postmaster.pid").unlink(missing_ok=True)
    for name in (SOCKET, f"{SOCKET}.lock"):
        (cluster.sockets / name).unlink(missing_ok=True)


def admit_only_us(cluster: Cluster) -> None:
    """Let the kernel vouch for who connects: this user of the machine, and nobody else."""
    name = pwd.getpwuid(os.geteuid()).pw_name
    (cluster.data / "pg_hba.conf").write_text("local all all peer map=us\n")
    (cluster.data / "pg_ident.conf").write_text(f'us "{name}" {NAME}\n')


def becomes_ready(cluster: Cluster) -> bool:
    """Wait until a server that starts serves; tell False if none runs, or it ends instead.

    Raises LocalDatabaseError when it does neither.
    """
    deadline = time.monotonic() + PATIENCE
    while held(cluster.directory, "server"):
        if pid_file(cluster)[STATUS] == "ready" and listens(cluster.sockets / SOCKET):
            return True
        if time.monotonic() > deadline:
            raise LocalDatabaseError(f"The private PostgreSQL is not ready; see {cluster.log}.")
        time.sleep(0.02)
    return False


def listens(path: Path) -> bool:
    """Tell whether a process listens on a Unix socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def last_words(output: str) -> str:
    """Return the line of a program's output that says why it ended."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    fatal = [line for line in lines if "FATAL:" in line or "error:" in line]
    return (fatal or lines or ["it said nothing"])[-1]


def make_directory(path: Path) -> None:
    """Make a directory and those above it: ours alone, but for root to be passed through."""
    if not path.exists():
        make_directory(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
        path.chmod(0o711 if os.geteuid() == 0 else 0o700)


def make_owned_directory(path: Path, account: Account) -> None:
    """Make a directory that only the server's account may enter, or see that it is such a one.

    In /tmp anybody may have put something else in its place.
    """
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        os.chown(path, account.uid, account.gid)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or found.st_mode & 0o077:
        raise LocalDatabaseError(f"{path} is not a directory of ours alone: remove it.")
