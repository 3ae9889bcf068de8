"""The items of a batch that are done together: new records in a row, where none matters to another (contract.md §13).

An item goes alone if it is not a new record, has children, or refers to a record of its own kind, which might be an
earlier item's. Items that cannot be read stand anywhere, for they do nothing. Each gets the answer that it would get
alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from api.bodies import Reading, Terms
from api.errors import ApiError
from api.items import Item, item_of, unread
from security import gate
from security.together import create_all
from security.together import together as kind_together

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from api import single
    from entities.registry import CollectionLink


@dataclass(frozen=True)
class Member:
    """An item as it was sent, and what its body was read as, or why it cannot be read; with neither it goes alone."""

    raw: Any
    item: Item
    reading: Reading | None = None
    error: ApiError | None = None


def turns(call: single.Call, items: Sequence[Any], *, feed: bool) -> Iterator[list[Member]]:
    """Yield the items in their order, those together that may be done together."""
    able = may_go_together(call)
    row: list[Member] = []
    for raw in items:
        member = _member(call, raw, feed=feed) if able else Member(raw, unread(call, raw))
        if member.reading is None and member.error is None:
            if row:
                yield row
            yield [member]
            row = []
        else:
            row.append(member)
    if row:
        yield row


def may_go_together(call: single.Call) -> bool:
    """Whether new records of the batch's kind may go together.

    What is included of others is shown as it is right after each of them.
    """
    return not call.query.include and call.access.shape(call.entity).offers("insert") and kind_together(call.entity)


def store(call: single.Call, row: Sequence[Member]) -> list[int | Exception]:
    """Store the new records of ``row``; return the key of each, or why it is refused."""
    wanted: dict[str, set[int]] = {}
    for member in row:
        for kind, keys in member.reading.wanted.items() if member.reading else ():
            wanted.setdefault(kind, set()).update(keys)
    visible = gate.titles(call.access, wanted)
    found: list[int | Exception] = []
    values: list[dict[str, Any]] = []
    for member in row:
        try:
            if member.reading is None:
                raise member.error or AssertionError
            values.append(member.reading.result(visible))
            found.append(0)  # its key, once it has one
        except ApiError as error:
            found.append(error)
    outcomes = iter(create_all(call.access, call.entity, values))
    return [told if isinstance(told, Exception) else next(outcomes) for told in found]


def _member(call: single.Call, raw: Any, *, feed: bool) -> Member:
    try:
        item = item_of(call, raw, feed=feed)
    except ApiError as error:
        return Member(raw, unread(call, raw), error=error)
    except Exception:
        return Member(raw, unread(call, raw))  # what it is will be said when its turn comes
    if item.method != "POST":
        return Member(raw, item)
    children: list[CollectionLink] = []
    terms = Terms(call.access, call.strict, children=lambda item, typed, value: children.append(item))
    reading = Reading(call.access.shape(call.entity), terms)
    reading.take(raw)
    alone = children or call.entity.kind in reading.wanted
    return Member(raw, item, None if alone else reading)
