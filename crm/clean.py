"""Removes what make has made: the private servers with their data, .venv and the caches.

Decides nothing else. Needs the standard library alone, because .venv may be gone already.
"""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from crm import localdb
from crm.pgbinaries import LocalDatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOOLS = (".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache")
REPORTS = (".hypothesis", ".coverage", "htmlcov")


def clean(clone: Path) -> None:
    """Say what goes, then remove it. Raises LocalDatabaseError while the private server is used."""
    state = localdb.state_directory(clone)
    doomed = [path for path in (state, *made(clone)) if path.exists()]
    for path in doomed:
        print(f"Removing {path}{' with the private database' if path == state else ''}")
    servers = {"make run": localdb.private(clone), "make bench": localdb.Cluster(state / "bench")}
    for target, cluster in servers.items():
        if not localdb.discard(cluster):
            raise LocalDatabaseError(f"Not everything was removed, because {target} still runs: stop it first.")
    localdb.discard_unused(state / "throwaway")
    for path in doomed:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def made(clone: Path) -> Iterator[Path]:
    """Yield the places of .venv, of the tools' caches and of our modules' byte code."""
    yield from (clone / name for name in (*TOOLS, *REPORTS))
    for folder in clone.iterdir():
        if folder.is_dir() and not folder.name.startswith("."):
            yield from folder.rglob("__pycache__")


if __name__ == "__main__":
    try:
        clean(localdb.CLONE)
    except (LocalDatabaseError, OSError) as error:
        sys.exit(f"Parapet CRM: {error}")
