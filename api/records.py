"""The viewsets of records: from a request to one call of ``single``, and from its outcome to a response."""

from __future__ import annotations

import hashlib
import random
import time
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from django.db import OperationalError, transaction
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.response import Response
from rest_framework.viewsets import ViewSetMixin

from api import idempotency, single
from api.base import SDataView
from api.errors import not_permitted
from api.parsers import body_too_large, parse_json
from api.query.parameters import ENTRY, WRITE
from api.selection import selected

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from entities.registry import Entity
    from security.plan import Action

T = TypeVar("T")
RIGHT_OF: dict[str, Action] = {
    "GET": "view",
    "HEAD": "view",
    "POST": "insert",
    "PUT": "edit",
    "PATCH": "edit",
    "DELETE": "delete",
}
ATTEMPTS = 3
PAUSE_SECONDS = 0.2
_DEADLOCKS = ("40P01", "40001")


def in_transaction(work: Callable[[], T]) -> T:
    """Run ``work`` in one transaction, again where the database broke a deadlock."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic():
                return work()
        except OperationalError as error:
            if attempt == ATTEMPTS or getattr(error.__cause__, "sqlstate", "") not in _DEADLOCKS:
                raise
        # The other one goes on now; whoever starts again at once may only meet it once more.
        time.sleep(attempt * random.uniform(PAUSE_SECONDS, 2 * PAUSE_SECONDS))
    raise AssertionError("unreachable")


class RecordView(ViewSetMixin, SDataView):
    """Base of the viewsets that answer records; a request of the wire ends in one call of ``single``."""

    many = False  # whether a body is that of many records, each of which may be refused alone
    _raw: bytes | None = None

    @property
    def most_bytes(self) -> int:
        """How large a body may be."""
        return int(settings.MAX_BODY_BYTES)

    @property
    def target(self) -> Entity:
        """The kind of record that is answered."""
        raise AttributeError("the route names no kind")  # getattr(view, "target", None) is asked of every view

    def methods(self) -> list[str]:
        """Return the methods of the route."""
        return [name.upper() for name in self.action_map or {}] + ["OPTIONS"]

    def may(self, method: str) -> bool:
        """Whether the caller has the right that ``method`` needs on this kind."""
        return method == "OPTIONS" or self.access.shape(self.target).offers(RIGHT_OF[method])

    def require(self, method: str) -> None:
        """Raise 403 where the caller may not use ``method`` here."""
        if not self.may(method):
            raise not_permitted()

    def call(self, allowed: Collection[str]) -> single.Call:
        """Return what the request asks for; raises 400 for parameters before anything is looked for or written."""
        headers = self.request.headers
        idempotency.check(headers.get(idempotency.HEADER))
        query = self.parameters(allowed)
        return single.Call(
            access=self.access,
            entity=self.target,
            base=self.base(),
            query=query,
            selection=selected(self.access, self.target, query, one=True),
            body=single.Body(self.require_json, self.content),
            strict=self.strict(),
            if_match=headers.get("If-Match"),
            if_none_match=headers.get("If-None-Match", ""),
        )

    def respond(self, outcome: single.Outcome) -> Response:
        """Return the response of an outcome."""
        return Response(outcome.body, status=outcome.status, headers=dict(outcome.headers))

    def read(self, find: Callable[[], int]) -> Response:
        """Answer the record that ``find`` names, or 304 where the caller has it already."""
        return self.respond(single.read(self.call(ENTRY), find))

    def change(self, find: Callable[[], int]) -> Response:
        """Change the members sent of the record that ``find`` names, under ``If-Match`` where given."""
        call = self.call(WRITE)
        return self.respond(in_transaction(lambda: single.change(call, find)))

    def remove(self, find: Callable[[], int]) -> Response:
        """Delete the record that ``find`` names softly and answer 204."""
        call = self.call({"returnPartial"})
        return self.respond(in_transaction(lambda: single.remove(call, find)))

    def once(
        self, call: single.Call, work: Callable[[], single.Outcome], replay: Callable[[Any], single.Outcome]
    ) -> single.Outcome:
        """Do ``work`` in one transaction; a repeat by ``Idempotency-Key`` gets ``replay`` of what it did."""
        key = self.request.headers.get(idempotency.HEADER)
        request = None
        if key is not None:
            mode = b"atomic" if call.query.atomic else b""
            body = hashlib.blake2b(self.raw(), digest_size=16, person=mode).hexdigest()
            request = idempotency.Repeatable(self.access.actor.id, self.request.path_info, key, body)
        return in_transaction(lambda: idempotency.once(request, work, replay))

    def require_json(self) -> None:
        """Raise 415 for a body that is not JSON and 413 for one too large, before what it says is looked at."""
        if self.content_negotiation_class().select_parser(self.request, self.parsers()) is None:
            raise UnsupportedMediaType(self.request.content_type or "")
        length = self.request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length) > self.most_bytes:
            raise body_too_large(self.most_bytes)

    def parsers(self) -> list[Any]:
        """Return the parsers of this view."""
        return self.get_parsers()

    def raw(self) -> bytes:
        """Return the body as it was sent; raises 413."""
        if self._raw is None:
            stream = self.request.stream
            self._raw = b"" if stream is None else stream.read(self.most_bytes + 1)
        if len(self._raw) > self.most_bytes:
            raise body_too_large(self.most_bytes)
        return self._raw

    def content(self) -> Any:
        """Return the JSON value of the body; raises 400."""
        raw = self.raw()
        if not raw:
            raise single.empty_body()
        return parse_json(raw, many=self.many)

    def strict(self) -> bool:
        """Whether the client asked for strict handling (RFC 7240: the value may stand in quotes)."""
        given = self.request.headers.get("Prefer", "").lower().replace(" ", "").replace('"', "")
        wanted = given.replace(",", ";").split(";")
        return "handling=strict" in wanted
