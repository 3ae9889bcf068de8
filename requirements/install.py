"""Install the hash-locked requirements into .venv, once per change of the locks.

    python3 requirements/install.py run|dev

Decides what stands in .venv. Runs on the machine's own Python with nothing installed, so it knows
the standard library only, and it keeps to old syntax so that an old Python can still say what is
wrong. When nothing has changed it touches neither the network nor .venv.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LOCKS = Path(__file__).resolve().parent
VENV = LOCKS.parent / ".venv"
STAMP = VENV / "installed"
# dev.txt is compiled with run.txt as its constraint, so an environment for dev also serves run.
SATISFIED_BY = {"run": ("run", "dev"), "dev": ("dev",)}


def fingerprint(name: str) -> str:
    """Identify the content of the locks that the set `name` is installed from."""
    digest = hashlib.sha256()
    for lock in ("uv.txt", "run.txt", f"{name}.txt"):
        digest.update((LOCKS / lock).read_bytes())
    return f"{name} {digest.hexdigest()}"


def installed(name: str) -> bool:
    """Tell whether .venv already holds the locked versions of the set `name`."""
    if not (STAMP.is_file() and works(VENV / "bin" / "python")):
        return False
    return STAMP.read_text().strip() in [fingerprint(other) for other in SATISFIED_BY[name]]


def works(python: Path) -> bool:
    """Tell whether an interpreter starts; a venv dies with the Python that it was made from."""
    try:
        return subprocess.run([python, "-c", ""], check=False).returncode == 0
    except OSError:
        return False


def install(name: str) -> None:
    """Make .venv if needed, let pip install uv with hashes, and uv all the rest."""
    python = VENV / "bin" / "python"
    STAMP.unlink(missing_ok=True)
    if not works(python):
        if importlib.util.find_spec("ensurepip") is None:
            sys.exit(
                "Parapet CRM needs Python's venv module with ensurepip, which this Python lacks; "
                "install it (Debian and Ubuntu: apt install python3-venv)."
            )
        run([sys.executable, "-m", "venv", "--clear", VENV], failure="Making .venv failed.")
    run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"],
        ["--require-hashes", "--only-binary=:all:", "-r", LOCKS / "uv.txt"],
        failure="Installing uv failed; is a package registry reachable?",
    )
    run(
        [VENV / "bin" / "uv", "pip", "sync", "--quiet", "--python", python],
        ["--compile-bytecode", "--require-hashes", LOCKS / f"{name}.txt"],
        failure="Installing the requirements failed; is a package registry reachable?",
    )
    STAMP.write_text(fingerprint(name) + "\n")


def run(*parts: Sequence[str | Path], failure: str) -> None:
    """Run one step of the installation, or end with the sentence that says which one failed."""
    command = [word for part in parts for word in part]
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    if subprocess.run(command, env=environment, check=False).returncode != 0:
        sys.exit(failure)


def main() -> None:
    """Bring .venv to the set named on the command line."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever runs this may have an older Python
        sys.exit(
            f"Parapet CRM needs Python 3.11 or newer, and {sys.executable} is "
            f"{sys.version.split()[0]}; name another with make PYTHON=..."
        )
    name = sys.argv[1]
    with (LOCKS / f"{name}.txt").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two makes at once: the second finds the work done
        if not installed(name):
            print("Installing the locked requirements into .venv ...", file=sys.stderr, flush=True)
            install(name)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
