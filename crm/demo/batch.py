"""Rows waiting to be copied, and the keys they were given."""

from __future__ import annotations

from collections import defaultdict

from crm.demo.load import Row, copy

# References lead to rows that are there already; only a company's primary person comes after it.
_ORDER = (
    *("Address", "Company", "Person", "Address_Link", "Phone", "Email"),
    *("Opportunity", "Quotes", "QuoteItems", "Cases", "Notes"),
)


class Batch:
    """Collects rows per kind; keys count from 1 in the order of collection, ``reserved`` ones are given by name."""

    def __init__(self, reserved: dict[str, int]) -> None:
        self._rows: dict[str, list[Row]] = defaultdict(list)
        self._last: dict[str, int] = defaultdict(int)
        self._reserved = reserved

    def key(self, kind: str) -> int:
        """Return the next free key of ``kind``."""
        self._last[kind] += 1
        if self._last[kind] == self._reserved.get(kind):
            self._last[kind] += 1
        return self._last[kind]

    def last(self, kind: str) -> int:
        """Return the highest key given to ``kind``."""
        return self._last[kind]

    def add(self, kind: str, row: Row, key: int | None = None) -> int:
        """Collect ``row`` under ``key``, else under the next free key; return the key."""
        if key is None:
            key = self.key(kind)
        self._rows[kind].append({"id": key, **row})
        return key

    def write(self) -> None:
        """Copy what was collected into the tables, and forget it."""
        for kind in sorted(self._rows, key=_ORDER.index):
            copy(kind, self._rows[kind])
        self._rows.clear()
