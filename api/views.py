"""Feeds and entries of every kind: one viewset for all entities (contract.md §6, §7, §11)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from rest_framework.response import Response

from api import prototypes, selectors, single
from api.address import address_of
from api.errors import ApiError, unknown_kind
from api.feeds import Collection, Source, feed
from api.query.parameters import CREATE, FEED, QUERY_BODY, WRITE, body_pairs, parse_list_query
from api.records import RecordView, in_transaction
from security import gate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rest_framework.request import Request

    from api.query.parameters import ListQuery
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
            raise unknown_kind(address_of(request).kind)

    def list(self, request: Request) -> Response:
        """Answer a feed."""
        query = self.parameters(FEED)
        self.require("GET")
        return self.answer(query)

    def answer(self, query: ListQuery, members: Mapping[str, Any] | None = None) -> Response:
        """Answer the feed that ``query`` asks for; ``members`` are those of the body that it came in."""
        return Response(feed(self.access, self.collection(members), query, self.base()))

    def collection(self, members: Mapping[str, Any] | None = None) -> Collection:
        """Return all visible records of the kind."""
        access, entity = self.access, self.target
        source = Source(lambda form: gate.rows(access, entity, form=form), entity.kind)
        path = self.target.kind
        url = f"{self.base()}/{path}"
        insert = self.access.shape(self.target).offers("insert")
        return Collection(self.target, source, url, path, insert, f"{url}/$query", members)

    def create(self, request: Request) -> Response:
        """Store a new record and answer it with 201."""
        call = self.call(CREATE)
        single.require(call, "insert")
        call.body.check()
        replay = partial(single.replayed, call)
        return self.respond(self.once(call, lambda: single.create(call), replay))

    def retrieve(self, request: Request, key: str) -> Response:
        """Answer one record."""
        return self.read(lambda: self.key(key))

    def update(self, request: Request, key: str) -> Response:
        """Change the members sent, as PATCH does; an external key without record creates one."""
        if key != "predicate":
            return self.change(lambda: self.key(key))
        call = self.call(CREATE)
        return self.respond(in_transaction(lambda: single.put(call, self.predicate)))

    def partial_update(self, request: Request, key: str) -> Response:
        """Change the members sent."""
        if key != "predicate":
            return self.change(lambda: self.key(key))
        call = self.call(WRITE)
        return self.respond(in_transaction(lambda: single.patch(call, self.predicate)))

    def destroy(self, request: Request, key: str) -> Response:
        """Delete one record."""
        return self.remove(lambda: self.key(key))

    def may(self, method: str) -> bool:
        """Whether the caller has the right that ``method`` needs; PUT to an external key may also insert."""
        if method == "PUT" and self.kwargs.get("key") == "predicate":
            return super().may(method) or prototypes.upserts(self.access, self.target)
        return super().may(method)

    @property
    def predicate(self) -> str:
        """The condition that stands in the parentheses of the address."""
        return address_of(self.request).predicate

    def key(self, key: str) -> int:
        """Return the key that the address means: a literal, or the one record that its predicate selects."""
        return int(key) if key != "predicate" else selectors.one(self.access, self.target, self.predicate)


class QueryViewSet(EntityViewSet):
    """``POST {kind}/$query``: a feed whose query stands in the body, where a long one fits (contract.md §8.6)."""

    def may(self, method: str) -> bool:
        """Whether the caller may read: a query writes nothing."""
        return method == "OPTIONS" or self.access.shape(self.target).offers("view")

    def query(self, request: Request) -> Response:
        """Answer what the same parameters of GET answer; raises 400 for any other member."""
        self.parameters(frozenset())
        self.require("POST")
        self.require_json()
        body = self.content()
        if not isinstance(body, dict):
            raise ApiError.of(400, "BadJson", "The body is a JSON object of query parameters.")
        query = parse_list_query(body_pairs(body), QUERY_BODY)
        typed = {name.lower(): value for name, value in body.items()}
        members = {name: typed[name.lower()] for name in query.given}
        numbers = {"count": query.count, "startIndex": query.start_index}  # also where they came as texts
        return self.answer(query, members | {name: numbers[name] for name in numbers if name in members})
