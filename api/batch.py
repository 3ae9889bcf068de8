"""Many records in one request: ``{kind}/$batch`` (contract.md §13).

Each item is a ``Call`` of ``single``, in a savepoint of its own within one transaction: authorised, validated and
projected as a request of its own, and nothing is answered before everything is stored. New records in a row go
``together`` where that makes no difference. An item is refused alone; what fails below the items, such as a deadlock,
fails them all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.db import OperationalError, transaction

from api import prototypes, single, together
from api.errors import ApiError, Diagnosis, body_of, named, record_not_found, translate
from api.items import Item, item_of, items_of, unread, url_of
from api.query.parameters import BATCH, CREATE
from api.views import EntityViewSet
from entities.kinds import fold
from entities.registry import Entity, registry
from entities.rules.circumstances import RuleViolation
from security.errors import Invalid
from security.writes import NEUTRAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rest_framework.request import Request
    from rest_framework.response import Response

    from security.plan import Access

log = structlog.get_logger(__name__)
ROLLED_BACK = Diagnosis("RolledBack", "Another item failed; nothing was stored.")
BATCH_ROLLED_BACK = Diagnosis("BatchRolledBack", "An item failed; nothing was stored.")


class BatchViewSet(EntityViewSet):
    """``POST {kind}/$batch``."""

    many = True

    @property
    def most_bytes(self) -> int:
        """How large a body may be."""
        return int(settings.MAX_BATCH_BYTES)

    def methods(self) -> list[str]:
        """Return the methods of the route; a kind that is served read-only has none."""
        return ["OPTIONS"] if self.target.read_only else ["POST", "OPTIONS"]

    def may(self, method: str) -> bool:
        """Whether the caller may write anything of this kind."""
        return method == "OPTIONS" or prototypes.writable(self.access, self.target)

    def batch(self, request: Request) -> Response:
        """Do every item, answer all of them."""
        call = self.call(CREATE | BATCH)
        self.require("POST")
        call.body.check()
        run = Run(replace(call, if_match=None, if_none_match=""), getattr(request, "request_id", ""))
        try:
            outcome = self.once(call, lambda: run.all(self.content()), run.again)
        except Failed as failed:
            outcome = failed.outcome
        return self.respond(outcome)


class Failed(Exception):
    """An item of an atomic batch failed: what is answered once everything is undone."""

    def __init__(self, outcome: single.Outcome) -> None:
        super().__init__("batch rolled back")
        self.outcome = outcome


Done = tuple[Item, single.Outcome | ApiError]


@dataclass(frozen=True)
class Run:
    """One batch: the call that all items share but for body and conditions, and the id of the request."""

    call: single.Call
    request_id: str

    @property
    def url(self) -> str:
        """The address of the kind."""
        return url_of(self.call)

    def all(self, body: Any) -> single.Outcome:
        """Do every item of a body of either form; raises 400 and 413 for the whole, and ``Failed``."""
        feed = isinstance(body, dict)
        items = items_of(body)
        found: list[Done] = []
        for turn in together.turns(self.call, items, feed=feed):
            done = self.jointly(turn) if len(turn) > 1 else [self.one(turn[0].raw, feed=feed)]
            for number, (item, outcome) in enumerate(done, len(found)):
                if isinstance(outcome, ApiError) and self.call.query.atomic:
                    raise Failed(self.rolled_back(items, number, item, outcome, feed=feed))
            found += self.read(done) if feed else done  # what comes after may change what a feed's items are
        memo = [_remembered(item, outcome) for item, outcome in found]
        told = self.whole([self.told(item, outcome, feed=feed) for item, outcome in self.read(found)], feed=feed)
        return single.Outcome(200, told, self.call.preferences, memo={"feed": feed, "items": memo})

    def read(self, found: Sequence[Done]) -> list[Done]:
        """Return what was done with the new records that are to be answered together."""
        late = [
            outcome.key
            for _, outcome in found
            if isinstance(outcome, single.Outcome) and outcome.body is None and outcome.key and outcome.status == 201
        ]
        if not late:
            return list(found)
        shown = {outcome.key: outcome for outcome in single.all_created(self.call, late)}
        return [
            (item, shown.get(outcome.key, outcome) if isinstance(outcome, single.Outcome) else outcome)
            for item, outcome in found
        ]

    def told(self, item: Item, outcome: single.Outcome | ApiError, *, feed: bool) -> dict[str, Any]:
        """Return the answer to one item."""
        if isinstance(outcome, ApiError):
            return self.refusal(item, outcome, feed=feed)
        return self.answer(item, outcome, feed=feed)

    def one(self, raw: Any, *, feed: bool) -> tuple[Item, single.Outcome | ApiError]:
        """Read and do one item, or undo it; return what comes of it."""
        item = unread(self.call, raw)
        try:
            item = item_of(self.call, raw, feed=feed)
            with transaction.atomic():
                return item, item.work()
        except OperationalError:
            raise
        except Exception as error:
            return item, self.refused(error)

    def jointly(self, turn: Sequence[together.Member]) -> list[Done]:
        """Do several items together; return what comes of each."""
        outcomes = together.store(self.call, turn)
        return [
            (member.item, single.Outcome(201, key=outcome) if isinstance(outcome, int) else self.refused(outcome))
            for member, outcome in zip(turn, outcomes, strict=True)
        ]

    def refused(self, error: Exception) -> ApiError:
        """Return why an item is refused."""
        if isinstance(error, RuleViolation | Invalid):
            return named(error, self.call.access, self.call.entity)
        found = translate(error)
        if found.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("unhandled exception", request_id=self.request_id, exc_info=error)
        return found

    def answer(self, item: Item, outcome: single.Outcome, *, feed: bool) -> dict[str, Any]:
        """Return the answer to an item that was done; an array says 200 for a new record, as Sage does."""
        found = _head(outcome.status if feed else 200, item.method)
        if "Location" in outcome.headers:
            found["$location"] = outcome.headers["Location"]
        return found | (outcome.body or {"$url": item.url})

    def refusal(self, item: Item, error: ApiError, *, feed: bool) -> dict[str, Any]:
        """Return the answer to an item that was refused."""
        where = {"$url": item.url} if feed else {}
        return _head(error.status, item.method) | where | body_of(error, self.request_id)

    def rolled_back(
        self, items: Sequence[Any], failed: int, item: Item, error: ApiError, *, feed: bool
    ) -> single.Outcome:
        """Return the answer to an atomic batch of which one item failed: that keeps its diagnosis."""
        undone = ApiError(424, [ROLLED_BACK])
        answers = []
        for number, raw in enumerate(items):
            if number == failed:
                answers.append(self.refusal(item, error, feed=feed))
                continue
            try:
                other = item_of(self.call, raw, feed=feed)
            except ApiError:
                other = unread(self.call, raw)
            answers.append(self.refusal(other, undone, feed=feed))
        told = self.whole(answers, feed=feed)
        told = told | {"$diagnoses": [BATCH_ROLLED_BACK.body()]} if isinstance(told, dict) else told
        return single.Outcome(400, told, self.call.preferences)

    def whole(self, answers: list[dict[str, Any]], *, feed: bool) -> Any:
        """Return the answer to a batch in the form in which it came."""
        if not feed:
            return answers
        return {"$url": f"{self.url}/$batch", "$title": self.call.entity.plural, "$resources": answers}

    def again(self, known: Mapping[str, Any]) -> single.Outcome:
        """Answer a batch that was done before, with what the caller may see by now."""
        feed: bool = known["memo"]["feed"]
        found: list[Done] = []
        for method, url, status, key, told in known["memo"]["items"]:
            item = Item(method, url, lambda: single.Outcome(200))
            if status >= HTTPStatus.BAD_REQUEST:
                found.append((item, ApiError(status, self.today(told))))
            else:
                found.append((item, self.done(method, status, key, feed=feed) or record_not_found()))
        answers = [self.told(item, outcome, feed=feed) for item, outcome in self.read(found)]
        return single.Outcome(known["status"], self.whole(answers, feed=feed), self.call.preferences)

    def done(self, method: str, status: int, key: int, *, feed: bool) -> single.Outcome | None:
        """Answer an item again; None for a record that was read and can no longer be."""
        if status == HTTPStatus.NO_CONTENT:
            return single.Outcome(status, key=key)
        if status == HTTPStatus.CREATED:
            return (
                single.created(self.call, key) if feed or self.call.query.include else single.Outcome(status, key=key)
            )
        if method == "GET" and single.entry(self.call, key)[0] is None:
            return None
        return replace(single.changed(self.call, key), status=status)

    def today(self, told: Sequence[Sequence[str]]) -> list[Diagnosis]:
        """Return remembered diagnoses; one that names what the caller cannot read by now says nothing of it."""
        found = []
        for code, message, path, sdata_code, severity in told:
            diagnosis = Diagnosis(code, message, path, sdata_code, severity)
            known = code == "UnknownMember" or _names_known(self.call.access, self.call.entity, path)
            found.append(diagnosis if known else Diagnosis("BusinessRule", NEUTRAL))
        return list(dict.fromkeys(found))


def _head(status: int, method: str) -> dict[str, Any]:
    return {"$httpStatus": status, "$httpMessage": HTTPStatus(status).phrase, "$httpMethod": method}


def _remembered(item: Item, outcome: single.Outcome | ApiError) -> list[Any]:
    """Return what a repeat needs to know of an item: method, address, status, key, diagnoses."""
    if isinstance(outcome, ApiError):
        return [item.method, item.url, outcome.status, None, [_plain(told) for told in outcome.diagnoses]]
    return [item.method, item.url, outcome.status, outcome.key, []]


def _plain(told: Diagnosis) -> list[str]:
    return [told.code, told.message, told.path, told.sdata_code, told.severity]


def _names_known(access: Access, entity: Entity, path: str) -> bool:
    """Whether every name of a member path is readable now: children by their kinds, then a field or a relation."""
    *children, last = path.split(".")
    for typed in children:
        kind = registry().find(typed.partition("[")[0].removesuffix("Collection"))
        if kind is None or all(item.kind != kind.kind for item in prototypes.nestable(access, entity)):
            return False
        entity = kind
    name = last.partition("[")[0]
    if not name or name.startswith("$"):
        return True
    relations = {field.relation.lower() for field in prototypes.relations(access, entity)}
    shape = access.shape(entity)
    return shape.field(name) is not None or fold(name) in relations
