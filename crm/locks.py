"""Locks by name in a directory, released by the kernel however their holder ends."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def locked(directory: Path, name: str) -> Iterator[int]:
    """Hold a lock for a block; whoever inherits the descriptor holds it beyond the block's end."""
    with lock_file(directory, name) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def held(directory: Path, name: str) -> bool:
    """Tell whether any process holds a lock."""
    with lock_file(directory, name) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def lock_file(directory: Path, name: str) -> IO[str]:
    """Open a lock's file, which nobody else may open (and so lock)."""
    path = directory / f"{name}.lock"
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, mode=0o600), "a")


def share(file: IO[str]) -> None:
    """Hold a lock together with others who share it, as soon as nobody holds it alone."""
    fcntl.flock(file, fcntl.LOCK_SH)


def unlock(file: IO[str]) -> None:
    """Give a lock back."""
    fcntl.flock(file, fcntl.LOCK_UN)
