"""Puts into words what a proof found: the request, the change, the bytes that differ."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crm.proof.caller import Answer
    from crm.proof.worlds import Leak, Outcome

AROUND = 60
CHANGES = 12


def told(logon: str, outcome: Outcome) -> str:
    """Return what the outcome says."""
    if outcome.leak:
        return "\n".join((f"LEAK: {logon} can tell two worlds apart by what is hidden.", *_leak(outcome.leak)))
    statuses = ", ".join(f"{status}: {count:,}" for status, count in outcome.statuses.items())
    if not outcome.changes:
        return f"{logon} may see everything that there is: there are no two worlds to tell apart."
    worlds = "1 other world" if outcome.worlds == 1 else f"{outcome.worlds} other worlds"
    return (
        f"{outcome.requests:,} requests of {logon} to this world and to {worlds}, which differ in"
        f" {outcome.changes:,} changes of what {logon} may not see: every byte equal.\n"
        f"Answers by status: {statuses}. Nothing was stored."
    )


def _leak(leak: Leak) -> Iterator[str]:
    yield f"  request  {unquote(str(leak.asked))}"
    yield f"  worlds   differ in {len(leak.changes)} of {leak.of} changes:"
    for change in leak.changes[:CHANGES]:
        yield f"           {change}"
    for number, (one, other) in enumerate(zip_longest(leak.before, leak.after)):
        if one != other:
            name = "answer" if not number else "next"
            yield from (f"  {name:<8} {line}" for line in _difference(one, other))


def _difference(one: Answer | None, other: Answer | None) -> Iterator[str]:
    if one is None or other is None:
        yield "is there in one world only"
        return
    if one.status != other.status:
        yield f"status {one.status} ≠ {other.status}"
    for name in sorted({name for name, _ in (*one.headers, *other.headers)}):
        here, there = dict(one.headers).get(name), dict(other.headers).get(name)
        if here != there:
            yield f"{name}: {here} ≠ {there}"
    if one.body != other.body:
        pairs = enumerate(zip_longest(one.body, other.body))
        place = next(number for number, (a, b) in pairs if a != b)
        yield f"byte {place:,} of the body: {_around(one.body, place)} ≠ {_around(other.body, place)}"


def _around(body: bytes, place: int) -> str:
    return repr(body[max(0, place - AROUND) : place + AROUND].decode("utf-8", "replace"))
