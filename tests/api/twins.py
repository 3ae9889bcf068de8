"""Two requests that differ in one name or key: the law says that their answers do not differ (contract.md §10).

What is remembered here is the demo world's: ask before a test changes rights.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from tests.api.wire import Wire, login, shape_of, statements

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.wire import Answer

FOREVER_UNUSED = 987654321
# Headers that differ from request to request, whatever is asked.
_OWN = {"X-Request-Id", "Date"}


@dataclass(frozen=True)
class Told:
    """Everything that an answer tells: status, headers, body, and the statements it took, without their values.

    Times are not compared: they depend on the machine (``make test-timing``), on what is done they depend too.
    """

    status: int
    headers: frozenset[tuple[str, str]]
    body: bytes
    statements: tuple[str, ...]


def told(send: Callable[[], Answer], *typed: str) -> Told:
    """Send a request; return what the answer tells, with what the client typed itself taken out."""
    with statements() as sent:
        answer = send()
    headers, body = dict(answer.headers), answer.body
    for text in typed:
        body = body.replace(text.encode(), b"TYPED")
        told_of = {name: value.replace(text, "TYPED") for name, value in headers.items()}
        headers = told_of | {name: headers[name] for name in headers if name == "Contract-Fingerprint"}
    headers.pop("Content-Length", None)  # follows from the body
    return Told(
        answer.status, frozenset((k, v) for k, v in headers.items() if k not in _OWN), body, tuple(map(shape_of, sent))
    )


@cache
def names(logon: str, kind: str) -> frozenset[str]:
    """Return every name of a kind in the caller's contract: fields, relations, collections."""
    return frozenset(login(logon).entry(f"$prototypes/{kind}")["$properties"])


@cache
def kinds(logon: str) -> tuple[str, ...]:
    """Return the kinds of the caller's contract."""
    return tuple(login(logon).kinds())


def hidden_names(logon: str, kind: str) -> list[str]:
    """Return the names of a kind that exist, but not for the caller."""
    return sorted(names("admin", kind) - names(logon, kind))


def never_existed(name: str, kind: str) -> str:
    """Return a name as long as ``name`` that no kind ever had."""
    found = name[:-1] + ("q" if name[-1] != "q" else "x")
    assert found.lower() not in {known.lower() for known in names("admin", kind)}
    return found


@cache
def keys(logon: str, kind: str) -> tuple[int, ...]:
    """Return the keys of a kind that the caller sees."""
    return tuple(login(logon).keys(kind, count=1000, select="$key", totals="none"))


def invisible_key(logon: str, kind: str) -> int | None:
    """Return the key of a record that exists, but not for the caller."""
    mine = set(keys(logon, kind)) if kind in kinds(logon) else set()
    return next((key for key in keys("admin", kind) if key not in mine), None)


def editable(wire: Wire, kind: str) -> dict[str, Any] | None:
    """Return an entry that the caller may change."""
    found: list[dict[str, Any]] = wire.entry(kind, count=1000)["$resources"]
    return next((entry for entry in found if "$edit" in entry["$links"]), None)
