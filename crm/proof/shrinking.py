"""Makes a counterexample small: fewer changes, of fewer records, and a shorter request that still tells."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode

from crm.proof.changing import pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from crm.proof.caller import Asked
    from crm.proof.changing import Difference

    Tells = Callable[[Asked, Sequence[Difference]], bool]

TRIES = 400


class _Tries:
    """Counts the tries; when they are used up nothing tells any more, and what was found so far stands."""

    def __init__(self, tells: Tells) -> None:
        self.tells, self.left = tells, TRIES

    def __call__(self, asked: Asked, changes: Sequence[Difference]) -> bool:
        self.left -= 1
        return self.left >= 0 and self.tells(asked, changes)


def smallest(asked: Asked, changes: list[Difference], tells: Tells) -> tuple[Asked, list[Difference]]:
    """Return the request and the changes, as small as they become."""
    tries = _Tries(tells)
    few = fewest(changes, lambda some: tries(asked, some))
    few = _divided(asked, few, tries)
    while shorter := next((one for one in _shorter(asked) if tries(one, few)), None):
        asked = shorter
    return asked, few


def fewest(changes: list[Difference], tells: Callable[[list[Difference]], bool]) -> list[Difference]:
    """Return a list from which none can be taken (delta debugging): parts are left out, ever smaller ones."""
    size = len(changes) // 2
    while size:
        start = 0
        while start < len(changes):
            rest = changes[:start] + changes[start + size :]
            if rest and tells(rest):
                changes = rest
            else:
                start += size
        size //= 2
    return changes


def _divided(asked: Asked, changes: list[Difference], tries: _Tries) -> list[Difference]:
    """Halve the records of each change as long as one half tells."""
    place = 0
    while place < len(changes):
        halves = pieces(changes[place])
        better = ([*changes[:place], half, *changes[place + 1 :]] for half in halves if half != changes[place])
        found = next((one for one in better if tries(asked, one)), None)
        if found is None:
            place += 1
        else:
            changes = found
    return changes


def _shorter(asked: Asked) -> Iterator[Asked]:
    """Yield the request with one thing less."""
    if asked.then:
        yield replace(asked, then="")
    for number in range(len(asked.headers)):
        yield replace(asked, headers=asked.headers[:number] + asked.headers[number + 1 :])
    for number in range(len(asked.form)):
        yield replace(asked, form=asked.form[:number] + asked.form[number + 1 :])
    path, _, query = asked.path.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    for number in range(len(pairs)):
        rest = urlencode(pairs[:number] + pairs[number + 1 :], quote_via=quote)
        yield replace(asked, path=f"{path}?{rest}" if rest else path)
    try:
        body = json.loads(asked.body) if asked.body else None
    except ValueError:
        return
    if isinstance(body, dict):
        for name in body:
            yield replace(asked, body=json.dumps({k: v for k, v in body.items() if k != name}).encode())
