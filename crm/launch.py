"""What ``make`` runs: a served CRM, or a command with a database around it.

    python -m crm.launch run | private COMMAND... | throwaway COMMAND...

Decides which database a command gets, in what order things start and stop, and how a failure is
told to the person at the shell: in one sentence. It knows nothing of what the CRM does.
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, NoReturn

import psycopg

from crm import localdb
from crm.pgbinaries import OLDEST, LocalDatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType

MANAGE = [sys.executable, str(localdb.CLONE / "manage.py")]
GUNICORN = [sys.executable, "-m", "gunicorn", "--config", str(localdb.CLONE / "crm/gunicorn.py")]
GRACE = 15.0  # seconds that a child has for its own end before it is told to end
ANYWHERE = ("0.0.0.0", "::")
DEMO_LOGONS = ["admin", "susan", "william", "peter", "olivia", "ian", "nora"]


class LaunchError(Exception):
    """A command cannot be done; the message is a sentence for the person at the shell."""


class Ended(LaunchError):
    """A child failed and has said why itself; the message is empty."""

    def __init__(self, status: int) -> None:
        super().__init__("")
        self.status = status


def main(arguments: Sequence[str]) -> int:
    """Do one command and return its exit status; every failure foreseen here is one sentence."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, interrupt)
    try:
        match arguments:
            case ["run"]:
                serve()
            case ["private", *command] if command:
                with database() as url:
                    call(command, environment(url, signing_key()))
            case ["throwaway", *command] if command:
                with localdb.throwaway() as url:
                    call(command, environment(url, secrets.token_urlsafe(50)))
            case _:
                raise LaunchError(str(__doc__).split("\n\n")[1].strip())
    except Ended as end:
        return end.status
    except (LaunchError, LocalDatabaseError, OSError) as error:
        print(f"Parapet CRM: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0 if arguments == ["run"] else 130
    return 0


def interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """Turn the first signal into an orderly end that a second one cannot cut short."""
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt(number)


def serve() -> None:
    """Serve the CRM until interrupted, on HOST and PORT, seeded with the demo world when empty."""
    host, port = address(os.environ)
    locked = locks_rows(os.environ)
    with listening(host, port) as listener, database() as url:
        values = environment(url, signing_key())
        values["ALLOWED_HOSTS"] = allowed_hosts(host, os.environ)
        values.setdefault("REQUIRE_HTTPS", "0")
        values["ROW_SECURITY"] = "off"  # what comes before the web server is the owner's
        call([*MANAGE, "migrate", "--no-input", "--verbosity", "0"], values)
        if os.environ.get("DEMO") != "0" and not count_users(url):
            print("Filling the empty database with the demo world ...", flush=True)
            call([*MANAGE, "seed_demo", "--size", "small"], values)
        if locked:
            call([*MANAGE, "row_security", "on"], values)
            values |= {"ROW_SECURITY": "on", "DATABASE_ROLE": f"{localdb.NAME}_app"}
        bind = f"fd://{listener.fileno()}"
        command = [*GUNICORN, "--log-level", "warning", "--bind", bind, "crm.wsgi"]
        with child(command, values, apart=True, keep=[listener.fileno()]) as server:
            if answers(server, host, port):
                demo = count_users(url, DEMO_LOGONS) == len(DEMO_LOGONS)
                print(banner(host, port, demo), flush=True)
            server.wait()
        if server.returncode != 0:
            raise LaunchError(f"the web server ended with status {server.returncode}.")


def locks_rows(values: Mapping[str, str]) -> bool:
    """Tell whether ROW_SECURITY is on. Raises LaunchError with a DATABASE_URL: that is either the owner's or not."""
    if values.get("ROW_SECURITY") != "on":
        return False
    if values.get("DATABASE_URL"):
        raise LaunchError(
            "with ROW_SECURITY=on the owner prepares the database of DATABASE_URL, and gunicorn serves it as another "
            "role: see docs/operators.md."
        )
    return True


def address(values: Mapping[str, str]) -> tuple[str, int]:
    """Return where to serve. Raises LaunchError when PORT is not a port."""
    host, port = values.get("HOST") or "127.0.0.1", values.get("PORT") or "8000"
    if not (port.isascii() and port.isdecimal() and len(port) < 6 and 0 < int(port) < 65536):
        raise LaunchError(f"PORT={port} is not a port: give a number from 1 to 65535.")
    return host, int(port)


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Take the address before anything else is done, so that a busy one costs no wait.

    Raises LaunchError when it cannot be had.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except socket.gaierror as error:
        raise LaunchError(f"HOST={host} is not an address of this machine.") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise LaunchError(
                f"port {port} of {host} is in use: stop what serves there, or choose another port, "
                f"as in make run PORT={port + 1}."
            ) from error
        raise LaunchError(f"cannot serve on {host} port {port}: {error.strerror}.") from error
    with listener:
        yield listener


@contextlib.contextmanager
def database() -> Iterator[str]:
    """Yield the URL of the database to use: DATABASE_URL, or that of the private server.

    Raises LaunchError when DATABASE_URL leads nowhere, LocalDatabaseError as localdb does.
    """
    url = os.environ.get("DATABASE_URL")
    if not url:
        with localdb.attached(localdb.private()) as private_url:
            yield private_url
        return
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            version = connection.info.server_version
    except psycopg.ProgrammingError as error:  # its text may quote the password
        raise LaunchError("DATABASE_URL is not an address like postgresql://user:password@host:5432/name.") from error
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise LaunchError(f"the database of DATABASE_URL cannot be reached: {reason}") from error
    if version < OLDEST * 10000:
        raise LaunchError(f"the database of DATABASE_URL is older than PostgreSQL {OLDEST}.")
    yield url


def environment(url: str, key: str) -> dict[str, str]:
    """Return our environment with a database and a signing key."""
    return {**os.environ, "DATABASE_URL": url, "SECRET_KEY": key}


def signing_key() -> str:
    """Return SECRET_KEY from the environment, else the key generated once for this clone."""
    given = os.environ.get("SECRET_KEY")
    if given:
        return given
    file = localdb.secret_key()
    if not file.exists():
        localdb.make_directory(file.parent)
        new = file.with_suffix(f".{os.getpid()}")
        new.touch(mode=0o600, exist_ok=False)
        new.write_text(secrets.token_urlsafe(50))
        with contextlib.suppress(FileExistsError):  # somebody else was faster
            os.link(new, file)
        new.unlink()
    return file.read_text()


def allowed_hosts(host: str, values: Mapping[str, str]) -> str:
    """Return the host names that requests may carry: the loopback's, HOST, and those given."""
    names = ["localhost", "127.0.0.1", "[::1]", f"[{host}]" if ":" in host else host]
    given = values.get("ALLOWED_HOSTS", "")
    return ",".join(dict.fromkeys([*names, *given.split(",")] if given else names))


def count_users(url: str, logons: Sequence[str] | None = None) -> int:
    """Return how many users there are: in all, or of those named."""
    query = "SELECT count(*) FROM entities_user WHERE %(all)s OR logon = ANY(%(logons)s)"
    with psycopg.connect(url) as connection:
        values = {"all": logons is None, "logons": list(logons or [])}
        return int(connection.execute(query, values).fetchall()[0][0])


def call(command: Sequence[str], values: Mapping[str, str]) -> None:
    """Run a child to its end. Raises Ended when it fails."""
    with child(command, values) as process:
        status = process.wait()
    if status != 0:
        raise Ended(status if status > 0 else 128 - status)


@contextlib.contextmanager
def child(
    command: Sequence[str], values: Mapping[str, str], apart: bool = False, keep: Sequence[int] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a child during a block, and let it not survive the block.

    Parameters: `apart` keeps the terminal's Ctrl-C from the child, and we end it; else it ends
    itself then. `keep` names descriptors that it inherits.
    """
    group = 0 if apart else None
    process = subprocess.Popen(command, env=values, pass_fds=keep, process_group=group)
    try:
        yield process
    except KeyboardInterrupt as signalled:
        if signalled.args == (signal.SIGINT,) and not apart:
            end(process, GRACE)
        raise
    finally:
        end(process, 0)


def end(process: subprocess.Popen[bytes], grace: float) -> None:
    """Wait for a child's own end, then ask for it, then force it."""
    for wait, tell in ((grace, process.terminate), (GRACE, process.kill)):
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            tell()
    process.wait()


def answers(server: subprocess.Popen[bytes], host: str, port: int) -> bool:
    """Wait for the web server's first answer, whatever it is; tell False if it ends without one."""
    own = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    while server.poll() is None:
        connection = http.client.HTTPConnection(own, port, timeout=5)
        try:
            connection.request("GET", "/")
            connection.getresponse()
        except (OSError, http.client.HTTPException):
            continue
        else:
            return True
        finally:
            connection.close()
    return False


def banner(host: str, port: int, demo: bool) -> str:
    """Return what is said once the CRM is up: the addresses and the demo log-ins."""
    shown = "localhost" if host in ANYWHERE else f"[{host}]" if ":" in host else host
    site = f"http://{shown}:{port}"
    lines = [
        "",
        "Parapet CRM is up.",
        f"  REST API       {site}/sdata/crmj/sagecrm2/-/",
        f"  Documentation  {site}/docs/",
        f"  Admin          {site}/admin/",
    ]
    if demo:
        lines += [
            f"Demo log-ins: {', '.join(DEMO_LOGONS)}; the password of each is demo-<name>, as in",
            f"  curl -u susan:demo-susan '{site}/sdata/crmj/sagecrm2/-/company?count=3'",
        ]
    if host in ANYWHERE:
        lines += ["Other machines must name a host of ALLOWED_HOSTS=crm.example.com,..."]
    return "\n".join([*lines, "Ctrl-C stops it; the data stays.", ""])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
