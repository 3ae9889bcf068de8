"""Locks upon names rather than rows, held until the transaction ends (PostgreSQL's advisory locks)."""

from __future__ import annotations

import hashlib

import orjson
from django.db import connection


def digest(*parts: str | int) -> str:
    """Return a digest of a name made of ``parts``, 32 hexadecimal digits."""
    return hashlib.blake2b(orjson.dumps(parts), digest_size=16).hexdigest()


def wait(*parts: str | int) -> None:
    """Wait for the lock upon a name, then hold it."""
    _ask("pg_advisory_xact_lock", parts)


def take(*parts: str | int) -> bool:
    """Hold the lock upon a name, unless another transaction does; say whether it is held."""
    return bool(_ask("pg_try_advisory_xact_lock", parts))


def _ask(function: str, parts: tuple[str | int, ...]) -> object:
    number = int.from_bytes(bytes.fromhex(digest(*parts))[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [number])
        return cursor.fetchone()[0]
