"""The one exception of the query language; it knows codes and positions, and no HTTP.

The API layer turns it into ``$diagnoses`` (contract §19).
"""

from __future__ import annotations


class QueryError(Exception):
    """A request's query cannot be understood or exceeds a limit.

    ``application_code`` and ``sdata_code`` are those of contract §19, ``path`` is the parameter at
    fault (``None`` for a predicate in an address), ``position`` the 1-based character in its text.
    """

    def __init__(
        self,
        application_code: str,
        message: str,
        path: str | None = None,
        position: int | None = None,
        sdata_code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.application_code = application_code
        self.message = message
        self.path = path
        self.position = position
        self.sdata_code = sdata_code or ("BadWhereSyntax" if path in (None, "where") else "BadQueryParameter")


def shown(text: str) -> str:
    """The client's own text, made safe to repeat in a message: encodable and not endless."""
    safe = text.encode("utf-8", "replace").decode("utf-8").replace("\0", "?")
    return safe if len(safe) <= 200 else safe[:200] + "…"
