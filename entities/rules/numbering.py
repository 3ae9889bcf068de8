"""Reference numbers (entities.md §6.5): one counter per kind; numbers are never given twice, gaps are possible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection

from entities.models import Counter
from entities.registry import table_name

if TYPE_CHECKING:
    from collections.abc import Mapping

CASES, QUOTES = "Cases", "Quotes"


def case_reference(creator: int, number: int) -> str:
    """Return the reference of a new case: the creator's key and the ``number`` of the case, ``4-1027``."""
    return f"{creator}-{number}"


def quote_reference() -> str:
    """Return the reference of a new quote by the setting ``QUOTE_REFERENCE``, ``Q-000042``."""
    pattern: str = getattr(settings, "QUOTE_REFERENCE", "Q-{counter:06}")
    return pattern.format(counter=next_number(QUOTES))


def next_number(name: str) -> int:
    """Return the next number of the counter ``name``; other writers wait for this transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_table()} AS counter (name, value) VALUES (%s, 1) "
            "ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value",
            [name],
        )
        number: int = cursor.fetchone()[0]
    return number


def _table() -> str:
    name: str = connection.ops.quote_name(table_name(Counter))
    return name


class Numbers:
    """The numbers of records that are created together: a counter is taken once and put back once.

    What a record that is refused was given is given to the next one, as it would be had it been undone alone.
    """

    def __init__(self) -> None:
        self._first: dict[str, int] = {}
        self._last: dict[str, int] = {}

    def next(self, name: str) -> int:
        """Return the next number of the counter ``name``; other writers wait for this transaction."""
        if name not in self._last:
            self._first[name] = self._last[name] = next_number(name) - 1
        self._last[name] += 1
        return self._last[name]

    def given(self) -> Mapping[str, int]:
        """Return where the counters stand, for ``back_to``."""
        return dict(self._last)

    def back_to(self, given: Mapping[str, int]) -> None:
        """Take back what was given since the counters stood there."""
        self._last = {**self._first, **given}

    def store(self) -> None:
        """Write where the counters stand now."""
        for name, value in self._last.items():
            with connection.cursor() as cursor:
                cursor.execute(f"UPDATE {_table()} SET value = %s WHERE name = %s", [value, name])
