"""Feeds and entries of every kind: one viewset for all entities (contract.md §6, §7, §11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.response import Response

from api import single
from api.address import address_of
from api.errors import ApiError, not_permitted, record_not_found, unknown_kind
from api.feeds import Collection, feed
from api.query.bind import bind_where
from api.query.parameters import CREATE, FEED
from api.query.parse import parse_where
from api.records import RecordView, in_transaction
from security import gate

if TYPE_CHECKING:
    from rest_framework.request import Request

    from entities.registry import Entity


class EntityViewSet(RecordView):
    """Feeds and entries of one kind; ``entity`` comes from the route."""

    entity: Entity | None = None

    @property
    def target(self) -> Entity:
        """The kind of record that is answered."""
        assert self.entity is not None
        return self.entity

    def locate(self, request: Request) -> None:
        """Raise 404 for a kind that does not exist for the caller."""
        if not self.access.knows(self.target):
            raise unknown_kind(address_of(request).typed)

    def list(self, request: Request) -> Response:
        """Answer a feed."""
        query = self.parameters(FEED)
        if not self.may("GET"):
            raise not_permitted()
        rows = gate.rows(self.access, self.target)
        path = self.target.kind
        insert = self.access.shape(self.target).offers("insert")
        collection = Collection(self.target, rows, f"{self.base()}/{path}", path, insert)
        return Response(feed(self.access, collection, query, self.base()))

    def create(self, request: Request) -> Response:
        """Store a new record and answer it with 201."""
        call = self.call(CREATE)
        return self.respond(in_transaction(lambda: single.create(call)))

    def retrieve(self, request: Request, key: str) -> Response:
        """Answer one record."""
        return self.read(lambda: self.key(key))

    def update(self, request: Request, key: str) -> Response:
        """Change the members sent; PUT and PATCH are the same."""
        return self.change(lambda: self.key(key))

    partial_update = update

    def destroy(self, request: Request, key: str) -> Response:
        """Delete one record."""
        return self.remove(lambda: self.key(key))

    def key(self, key: str) -> int:
        """Return the key that the address means: a literal, or the one record that its predicate selects."""
        if key != "predicate":
            return int(key)
        predicate = address_of(self.request).predicate
        if not predicate.strip():
            raise ApiError.of(400, "BadSelector", "The selector is empty.", sdata_code="BadUrlSyntax")
        condition = bind_where(self.access, self.target, parse_where(predicate, path=None), path=None)
        found = list(gate.rows(self.access, self.target).filter(condition).values_list("pk", flat=True)[:2])
        if len(found) > 1:
            message = "Several records match; this address needs exactly one."
            raise ApiError.of(400, "SelectorNotUnique", message, sdata_code="BadUrlSyntax")
        if not found:
            raise record_not_found()
        return int(found[0])
