"""What is done to one record, whatever its address: answer, change, delete (contract.md §7, §11, §12)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from django.db import OperationalError, transaction
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.response import Response
from rest_framework.viewsets import ViewSetMixin

from api import entries, related
from api.base import SDataView
from api.errors import ApiError, not_permitted, record_not_found
from api.etags import matches, require_match
from api.parsers import body_too_large
from api.query.parameters import ENTRY, WRITE, ListQuery
from api.selection import check_nodes, selection_of
from api.serializers import serializer_for
from security import gate, writes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from entities.registry import Entity, Record
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
    raise AssertionError("unreachable")


class RecordView(ViewSetMixin, SDataView):
    """Base of the viewsets that answer records; a request of the wire ends in one call of the gate."""

    @property
    def target(self) -> Entity:
        """The kind of record that is answered."""
        raise LookupError("the route names no kind")

    def methods(self) -> list[str]:
        """Return the methods of the route."""
        return [name.upper() for name in self.action_map or {}] + ["OPTIONS"]

    def may(self, method: str) -> bool:
        """Whether the caller has the right that ``method`` needs on this kind."""
        return method == "OPTIONS" or self.access.shape(self.target).offers(RIGHT_OF[method])

    def require(self, action: Action) -> None:
        """Raise 403 where the caller has not this right on the kind at all."""
        if not self.access.shape(self.target).offers(action):
            raise not_permitted()

    def store(self, preset: dict[str, Any]) -> Record:
        """Store the body as a new record."""
        return writes.create(self.access, self.target, self.values(None, preset))

    def asked(self, allowed: Collection[str]) -> ListQuery:
        """Return what the answer shall show; raises 400 before anything is looked for or written."""
        query = self.parameters(allowed)
        self.selection(query)
        return query

    def selection(self, query: ListQuery) -> related.Selection:
        """Return what of one record is shown; raises 400."""
        found = selection_of(self.access, self.target, query)
        check_nodes(replace(query, count=1), found)
        return found

    def read(self, key: int) -> Response:
        """Answer one record, or 304 where the caller has it already."""
        query = self.asked(ENTRY)
        self.require("view")
        body, tag = self.entry(key, query)
        if body is None:
            raise record_not_found()
        if tag and matches(self.request.headers.get("If-None-Match", ""), tag):
            return Response(status=304, headers=self.tagged(tag, query))
        return Response(body, headers=self.tagged(tag, query))

    def change(self, find: Callable[[], int]) -> Response:
        """Change the members sent of the record that ``find`` names, under ``If-Match`` where given."""
        query = self.asked(WRITE)
        self.require("edit")
        return in_transaction(lambda: self.changed(find(), query))

    def changed(self, key: int, query: ListQuery) -> Response:
        """Lock, compare, read the body, store, answer: inside one transaction."""
        record = writes.locked(self.access, self.target, key, "edit")
        self.require_json()
        self.compare(key)
        writes.update(self.access, self.target, record, self.values(record, {}))
        body, tag = self.entry(key, query)
        if body is None:
            return Response(entries.reduced(self.target, key, self.base()), headers=self.preferences())
        return Response(body, headers=self.tagged(tag, query) | self.preferences())

    def remove(self, find: Callable[[], int]) -> Response:
        """Delete the record that ``find`` names softly and answer 204."""
        self.parameters({"returnPartial"})
        self.require("delete")

        def work() -> Response:
            key = find()
            record = writes.locked(self.access, self.target, key, "delete")
            self.compare(key)
            writes.delete(self.access, self.target, record)
            return Response(status=204)

        return in_transaction(work)

    def compare(self, key: int) -> None:
        """Raise 412 where ``If-Match`` does not name the record's present tag."""
        header = self.request.headers.get("If-Match")
        if header is not None:
            whole = related.Selection(entries.whole(self.access, self.target))
            found, _ = related.entries_of(
                self.access, self.target, gate.rows(self.access, self.target).filter(pk=key), whole, self.base()
            )
            require_match(header, found[0]["$etag"])

    def require_json(self) -> None:
        """Raise 415 for a body that is not JSON and 413 for one too large, before what it says is looked at."""
        if self.content_negotiation_class().select_parser(self.request, self.parsers()) is None:
            raise UnsupportedMediaType(self.request.content_type or "")
        length = self.request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length) > settings.MAX_BODY_BYTES:
            raise body_too_large()

    def parsers(self) -> list[Any]:
        """Return the parsers of this view."""
        return self.get_parsers()

    def values(self, record: Record | None, preset: dict[str, Any]) -> dict[str, Any]:
        """Return what the body changes; raises 400 with every problem."""
        if self.request.stream is None:
            raise ApiError.of(400, "BadJson", "The body is empty.")
        context = {"access": self.access, "strict": self.strict(), "preset": preset}
        serializer = serializer_for(self.access.shape(self.target))(record, data=self.request.data, context=context)
        serializer.is_valid(raise_exception=True)
        found: dict[str, Any] = serializer.validated_data
        return found

    def strict(self) -> bool:
        """Whether the client asked for strict handling (RFC 7240)."""
        wanted = self.request.headers.get("Prefer", "").lower().replace(" ", "").replace(",", ";").split(";")
        return "handling=strict" in wanted

    def preferences(self) -> dict[str, str]:
        """Return the header that says which preference was honoured."""
        return {"Preference-Applied": "handling=strict"} if self.strict() else {}

    def entry(self, key: int, query: ListQuery) -> tuple[dict[str, Any] | None, str]:
        """Return the entry as the query shows it and its tag; None where the caller cannot see it."""
        selection = self.selection(query)
        shows_tag = selection.projection.tag
        selection = replace(selection, projection=replace(selection.projection, tag=True))
        rows = gate.rows(self.access, self.target).filter(pk=key)
        found, _ = related.entries_of(self.access, self.target, rows, selection, self.base())
        if not found:
            return None, ""
        tag = found[0]["$etag"] if shows_tag else found[0].pop("$etag")
        return found[0], tag

    def tagged(self, tag: str, query: ListQuery) -> dict[str, str]:
        """Return the ``ETag`` header; an answer with included records has none."""
        return {} if query.include else {"ETag": f'"{tag}"'}

    def created(self, key: int, query: ListQuery) -> Response:
        """Answer a new record, read back through the caller's own rows."""
        location = {"Location": f"{self.base()}/{self.target.kind}('{key}')"} | self.preferences()
        body, tag = self.entry(key, query) if self.access.sees(self.target) else (None, "")
        if body is None:
            return Response(entries.reduced(self.target, key, self.base()), status=201, headers=location)
        return Response(body, status=201, headers=location | self.tagged(tag, query))
