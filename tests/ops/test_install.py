"""The installer: it works once per change of the locks, and says in a sentence what it lacks."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from crm.localdb import CLONE

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


@pytest.fixture
def installer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The installer of a bare clone with small locks, and no step of which may run."""
    spec = importlib.util.spec_from_file_location("installer", CLONE / "requirements/install.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "LOCKS", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "STAMP", tmp_path / ".venv" / "installed")
    for name in ("uv", "run", "dev"):
        (tmp_path / f"{name}.txt").write_text(f"{name}==1\n")
    return module


def installed_as(installer: ModuleType, name: str) -> None:
    """Make it look as if a set had been installed."""
    (installer.VENV / "bin").mkdir(parents=True)
    (installer.VENV / "bin" / "python").symlink_to(sys.executable)
    installer.STAMP.write_text(installer.fingerprint(name))


def test_a_bare_clone_has_nothing_installed(installer: ModuleType) -> None:
    assert not installer.installed("run")
    assert not installer.installed("dev")


def test_what_serves_development_serves_running_and_not_the_reverse(installer: ModuleType) -> None:
    installed_as(installer, "dev")
    assert installer.installed("run")
    assert installer.installed("dev")
    installer.STAMP.write_text(installer.fingerprint("run"))
    assert installer.installed("run")
    assert not installer.installed("dev")


@pytest.mark.parametrize("lock", ["uv.txt", "run.txt", "dev.txt"])
def test_a_changed_lock_is_installed_anew(installer: ModuleType, lock: str) -> None:
    installed_as(installer, "dev")
    (installer.LOCKS / lock).write_text("other==2\n")
    assert not installer.installed("dev")


def test_an_environment_whose_python_is_gone_is_made_anew(installer: ModuleType) -> None:
    installed_as(installer, "dev")
    (installer.VENV / "bin" / "python").unlink()
    (installer.VENV / "bin" / "python").symlink_to("/no/such/python")
    assert not installer.installed("dev")


def test_nothing_is_run_when_all_is_installed(
    installer: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed_as(installer, "run")
    monkeypatch.setattr(sys, "argv", ["install.py", "run"])
    monkeypatch.setattr(installer, "install", pytest.fail)
    installer.main()
    assert capsys.readouterr() == ("", "")


def test_an_old_python_is_told(installer: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer, and .* make PYTHON="):
        installer.main()


def test_a_python_without_ensurepip_is_told(installer: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="apt install python3-venv"):
        installer.install("run")
    assert not installer.VENV.exists()


def test_a_failed_step_ends_in_its_sentence(installer: ModuleType) -> None:
    with pytest.raises(SystemExit, match=r"^No network\.$"):
        installer.run([sys.executable, "-c", "raise SystemExit(2)"], failure="No network.")


@pytest.mark.parametrize("target", ["run", "test", "check", "manage"])
def test_a_machine_without_python_is_told(target: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
    result = subprocess.run(
        ["make", target, "PYTHON=no-such-python"],
        cwd=CLONE,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    said = "Parapet CRM needs Python 3.11 or newer: no-such-python was not found."
    assert result.stderr.splitlines()[0] == said


def test_the_locks_carry_hashes_and_name_no_index() -> None:
    for name in ("uv", "run", "dev"):
        lines = (CLONE / "requirements" / f"{name}.txt").read_text().splitlines()
        pinned = [line for line in lines if line and line[0] not in " #"]
        assert all("==" in line and line.endswith("\\") for line in pinned)
        assert not [line for line in lines if "://" in line or line.startswith("-")]


def test_everything_that_runs_is_developed_with_in_the_same_version() -> None:
    def pins(name: str) -> set[str]:
        lines = (CLONE / "requirements" / f"{name}.txt").read_text().splitlines()
        return {line.split()[0] for line in lines if line and line[0] not in " #"}

    assert pins("run") <= pins("dev")
