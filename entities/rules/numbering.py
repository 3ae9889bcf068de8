"""Reference numbers (entities.md §6.5): one counter per kind; numbers are never given twice, gaps are possible."""

from __future__ import annotations

from django.conf import settings
from django.db import connection

from entities.models import Counter
from entities.registry import table_name

CASES, QUOTES = "Cases", "Quotes"


def case_reference(creator: int) -> str:
    """Return the reference of a new case: the creator's key and the next number, ``4-1027``."""
    return f"{creator}-{next_number(CASES)}"


def quote_reference() -> str:
    """Return the reference of a new quote by the setting ``QUOTE_REFERENCE``, ``Q-000042``."""
    pattern: str = getattr(settings, "QUOTE_REFERENCE", "Q-{counter:06}")
    return pattern.format(counter=next_number(QUOTES))


def next_number(name: str) -> int:
    """Return the next number of the counter ``name``; other writers wait for this transaction."""
    table = connection.ops.quote_name(table_name(Counter))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} AS counter (name, value) VALUES (%s, 1) "
            "ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value",
            [name],
        )
        number: int = cursor.fetchone()[0]
    return number
