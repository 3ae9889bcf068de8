"""The relations of a record: collections, their members, and what a reference names (contract.md §15)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rest_framework.response import Response

from api import nested, prototypes, related, single
from api.address import address_of
from api.errors import not_permitted, record_not_found, unknown_kind
from api.feeds import Collection, Source, feed
from api.query.parameters import CREATE, FEED
from api.records import RecordView
from entities.registry import CollectionLink, Entity, Field, registry
from security import gate, writes

if TYPE_CHECKING:
    from rest_framework.request import Request


class RelatedViewSet(RecordView):
    """The relations of a record: ``Company('43')/Person``, ``Cases('5')/Company``, ``Company('43')/Person('30')``."""

    entity: Entity | None = None
    collection: CollectionLink | None = None
    reference: Field | None = None

    @property
    def target(self) -> Entity:
        """The kind at the other end of the relation."""
        link = self.collection
        return registry()[link.kind if link else self.reference.target if self.reference else ""]

    @property
    def parent(self) -> Entity:
        """The kind that the relation starts from."""
        assert self.entity is not None
        return self.entity

    def locate(self, request: Request) -> None:
        """Raise 404 where the kind or the relation does not exist for the caller, or the parent is not visible."""
        if not self.access.sees(self.parent):
            address = address_of(request)
            raise unknown_kind(address.typed if self.access.knows(self.parent) else address.kind)
        if self.collection is not None:
            known = self.collection in prototypes.collections(self.access, self.parent)
        else:
            known = self.reference in prototypes.relations(self.access, self.parent)
        if not known:
            raise unknown_kind(address_of(request).typed)

    def check_parent(self, parent: str) -> int:
        """Return the parent's key; raises 404 where it is not visible."""
        if not gate.allows(self.access, self.parent, "view", int(parent)):
            raise record_not_found()
        return int(parent)

    def list(self, request: Request, parent: str) -> Response:
        """Answer the feed of a collection."""
        query = self.parameters(FEED)
        number = self.check_parent(parent)
        assert self.collection is not None
        rows = partial(related.collection_rows, self.access, self.parent, self.collection)
        path = f"{self.parent.kind}('{number}')/{self.collection.kind}"
        source = Source(rows, (self.parent.kind, self.collection.name), {"parents": [number]})
        collection = Collection(self.target, source, f"{self.base()}/{path}", path, self._may_insert(number, now=True))
        return Response(feed(self.access, collection, query, self.base()))

    def may(self, method: str) -> bool:
        """Whether the caller has the right that ``method`` needs; new members also need their reference written."""
        item = self.collection
        if method == "POST" and item is not None and not item.owned:
            return super().may(method) and self.access.shape(self.target).writes(self.target.by_name[item.by])
        return super().may(method)

    def _may_insert(self, parent: int, *, now: bool = False) -> bool:
        if self.collection is None or not self.may("POST"):
            return False
        if not self.collection.owned:
            return True
        if now:
            return gate.open_to_children(self.access, self.parent, parent, self.target)
        return gate.allows(self.access, self.parent, "edit", parent)

    def create(self, request: Request, parent: str) -> Response:
        """Create a member of the collection; ``$type`` and ``$isDefault`` as in contract.md §11.5."""
        call = self.call(CREATE)
        single.require(call, "insert")
        number = self.check_parent(parent)
        call.body.check()
        if not self._may_insert(number):
            raise not_permitted()
        replay = partial(single.replayed, call)
        return self.respond(self.once(call, lambda: single.created(call, self._store_member(call, number)), replay))

    def _store_member(self, call: single.Call, parent: int) -> int:
        assert self.collection is not None
        place = nested.Place(self.parent, self.collection, parent)
        new = nested.read_member(self.access, place, call.body.value(), strict=call.strict)
        key = nested.store(self.access, new)
        primary = related.primary_field(self.parent, self.target.kind)
        if new.default and primary is not None:
            record = writes.locked(self.access, self.parent, parent, "edit")
            writes.update(self.access, self.parent, record, {primary.name: key})
        return key

    def member(self, parent: str, key: str | None) -> int:
        """Return the key of the addressed member; raises 404 where it does not belong to the parent."""
        number = self.check_parent(parent)
        if self.collection is not None:
            wanted = int(key or 0)
            if not related.belongs(self.access, self.parent, self.collection, number, wanted):
                raise record_not_found()
            return wanted
        assert self.reference is not None
        seen = gate.rows(self.access, self.parent).filter(pk=number)
        value = gate.expression(self.access, self.parent, self.reference)
        found = seen.annotate(_to=value).values_list("_to", flat=True).first()
        if found is None:
            raise record_not_found()
        return int(found)

    def retrieve(self, request: Request, parent: str, key: str | None = None) -> Response:
        """Answer a member of a collection or the record that a reference names."""
        return self.read(lambda: self.member(parent, key))

    def update(self, request: Request, parent: str, key: str | None = None) -> Response:
        """Change a member of a collection."""
        return self.change(lambda: self.member(parent, key))

    partial_update = update

    def destroy(self, request: Request, parent: str, key: str | None = None) -> Response:
        """Delete a member of a collection."""
        return self.remove(lambda: self.member(parent, key))
