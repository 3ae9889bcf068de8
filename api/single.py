"""What is done to one record, by a request of its own or as an item of a batch (contract.md §7, §11, §12).

Plain functions over a ``Call``, which says who wants what of which kind; each answers an ``Outcome``. The caller's
transaction is around them. They know no request and no route.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from api import entries, locks, nested, related, selectors, workflow
from api.errors import ApiError, not_permitted, record_not_found
from api.etags import matches, require_match
from api.serializers import serializer_for
from security import writes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from api.query.parameters import ListQuery
    from entities.registry import Entity, Record
    from entities.workflow import Transition
    from security.plan import Access, Action

STRICT = {"Preference-Applied": "handling=strict"}


@dataclass(frozen=True)
class Body:
    """A body that is looked at when its turn comes: ``check`` raises 415 and 413, ``value`` is the JSON value."""

    check: Callable[[], None]
    value: Callable[[], Any]


@dataclass(frozen=True)
class Call:
    """Who does something to records of which kind, and how: all that the functions here know of a request.

    ``selection`` = what of the record the answer shows.
    """

    access: Access
    entity: Entity
    base: str
    query: ListQuery
    selection: related.Selection
    body: Body
    strict: bool = False
    if_match: str | None = None
    if_none_match: str = ""

    @property
    def preferences(self) -> dict[str, str]:
        """The header that says which preference was honoured."""
        return STRICT if self.strict else {}


@dataclass(frozen=True)
class Outcome:
    """What comes of a call: an answer, the key of the record that it is about, and more that a repeat would need."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    key: int | None = None
    memo: Any = None


def require(call: Call, action: Action) -> None:
    """Raise 403 where the caller has not this right on the kind at all."""
    if not call.access.shape(call.entity).offers(action):
        raise not_permitted()


def read(call: Call, find: Callable[[], int]) -> Outcome:
    """Answer the record that ``find`` names, or 304 where the caller has it already."""
    require(call, "view")
    key = find()
    body, tag = entry(call, key)
    if body is None:
        raise record_not_found()
    if tag and matches(call.if_none_match, tag):
        return Outcome(304, headers=_tagged(call, tag), key=key)
    return Outcome(200, body, _tagged(call, tag), key)


def create(call: Call) -> Outcome:
    """Store the body as a new record and answer it with 201."""
    require(call, "insert")
    call.body.check()
    return created(call, store(call))


def store(call: Call, preset: Mapping[str, Any] | None = None) -> int:
    """Store the body as a new record, with its children; return its key. ``preset`` = values given by the address."""
    new = nested.read(call.access, call.entity, call.body.value(), strict=call.strict, preset=preset or {})
    return nested.store(call.access, new)


def change(call: Call, find: Callable[[], int], *, exists: bool = True) -> Outcome:
    """Change the members sent of the record that ``find`` names, under ``If-Match`` where given.

    In this order: lock, compare, read the body, store, answer. ``exists`` = that there is such a record is no reason
    to refuse. Raises what the gate, the rules and the body do.
    """
    require(call, "edit")
    key = find()
    record = writes.locked(call.access, call.entity, key, "edit")
    call.body.check()
    if not exists:
        raise _condition_failed("There is such a record already.")
    _compare(call, key)
    writes.update(call.access, call.entity, record, values(call, record))
    return changed(call, key)


def act(call: Call, key: int, step: Transition) -> Outcome:
    """Do a transition of the record ``key``, under ``If-Match`` where given; in the order of ``change``.

    Raises what the gate, the rules and the body do (contract.md §7.4).
    """
    record = writes.locked(call.access, call.entity, key, "edit")
    call.body.check()
    _compare(call, key)
    narrow = replace(call, access=workflow.narrowed(call.access, call.entity, step))
    writes.transition(call.access, call.entity, record, step, values(narrow, record, action=True))
    return changed(call, key)


def changed(call: Call, key: int) -> Outcome:
    """Answer a record that was changed; reduced where it may no longer be seen (§7.5)."""
    return _written(call, key, 200, call.preferences)


def put(call: Call, predicate: str) -> Outcome:
    """Change the one record that ``predicate`` selects; an external key of no visible record creates one (§14).

    Equal requests at the same time wait for each other, so that the second finds what the first created.
    """
    shape = call.access.shape(call.entity)
    if not (shape.offers("edit") or shape.offers("insert")):
        raise not_permitted()
    external = selectors.external_key(call.access, call.entity, predicate)
    if external is None:
        return change(call, lambda: selectors.one(call.access, call.entity, predicate))
    locks.wait("upsert", call.entity.kind, external.field.name, external.text.lower())
    found = selectors.one_or_none(call.access, call.entity, predicate)
    if found is not None:
        return change(call, lambda: found, exists=call.if_none_match.strip() != "*")
    require(call, "insert")
    if not shape.writes(external.field):
        raise not_permitted()
    call.body.check()
    if call.if_match is not None:
        raise _condition_failed("There is no such record.")
    return created(call, store(call, {external.field.name: external.text}))


def patch(call: Call, predicate: str) -> Outcome:
    """Change the one record that ``predicate`` selects; never create."""

    def find() -> int:
        selectors.external_key(call.access, call.entity, predicate)
        return selectors.one(call.access, call.entity, predicate)

    return change(call, find)


def remove(call: Call, find: Callable[[], int]) -> Outcome:
    """Delete the record that ``find`` names softly and answer 204."""
    require(call, "delete")
    key = find()
    record = writes.locked(call.access, call.entity, key, "delete")
    _compare(call, key)
    writes.delete(call.access, call.entity, record)
    return Outcome(204, key=key)


def created(call: Call, key: int) -> Outcome:
    """Answer a new record, read back through the caller's own rows; reduced where it may not be seen (§7.5)."""
    return _written(call, key, 201, {"Location": _url(call, key)} | call.preferences)


def _written(call: Call, key: int, status: int, headers: Mapping[str, str]) -> Outcome:
    body, tag = entry(call, key) if call.access.sees(call.entity) else (None, "")
    if body is None:
        return Outcome(status, entries.reduced(call.entity, key, call.base), headers, key)
    return Outcome(status, body, {**headers, **_tagged(call, tag)}, key)


def _url(call: Call, key: int) -> str:
    return f"{call.base}/{call.entity.kind}('{key}')"


def values(call: Call, record: Record, *, action: bool = False) -> dict[str, Any]:
    """Return what the body changes, or the parameters that it holds for an action; raises 400 with every problem."""
    context = {"access": call.access, "strict": call.strict, "action": action}
    serializer = serializer_for(call.access.shape(call.entity))(record, data=call.body.value(), context=context)
    serializer.is_valid(raise_exception=True)
    found: dict[str, Any] = serializer.validated_data
    return found


def entry(call: Call, key: int) -> tuple[dict[str, Any] | None, str]:
    """Return the entry as the query shows it and its tag; None where the caller cannot see it."""
    selection = call.selection
    shows_tag = selection.projection.tag
    if not shows_tag:
        selection = replace(selection, projection=replace(selection.projection, tag=True))
    found = related.entries_by_key(call.access, call.entity, [key], selection, call.base).get(key)
    if found is None:
        return None, ""
    tag = found["$etag"] if shows_tag else found.pop("$etag")
    return found, tag


def replayed(call: Call, known: Mapping[str, Any]) -> Outcome:
    """Answer a creation again, of which ``known`` is remembered."""
    return created(call, known["key"])


def all_created(call: Call, keys: Sequence[int]) -> list[Outcome]:
    """Answer new records together: what ``created`` does, in a number of statements that does not grow with them."""
    found = related.entries_by_key(call.access, call.entity, keys, call.selection, call.base)
    return [
        Outcome(
            201,
            found.get(key) or entries.reduced(call.entity, key, call.base),
            {"Location": _url(call, key)},
            key,
        )
        for key in keys
    ]


def insert(call: Call) -> Outcome:
    """Store the body as a new record, to be answered later with others."""
    require(call, "insert")
    return Outcome(201, key=store(call))


def given(value: Any) -> Body:
    """Return a body whose value is known."""
    return Body(lambda: None, lambda: value)


def empty_body() -> ApiError:
    """400 for a body that is missing."""
    return ApiError.of(400, "BadJson", "The body is empty.")


def _condition_failed(message: str) -> ApiError:
    return ApiError.of(412, "PreconditionFailed", message)


def _compare(call: Call, key: int) -> None:
    """Raise 412 where ``If-Match`` does not name the record's present tag."""
    if call.if_match is not None:
        access, entity = call.access, call.entity
        whole = related.Selection(entries.whole(access, entity))
        found = related.entries_by_key(access, entity, [key], whole, call.base)
        require_match(call.if_match, found[key]["$etag"])


def _tagged(call: Call, tag: str) -> dict[str, str]:
    """Return the ``ETag`` header; an answer with included records has none."""
    return {} if call.query.include else {"ETag": f'"{tag}"'}
