"""The addresses of the classic contract: the JSON contract's views, read-only and written as XML (contract.md §18).

Who may see what, parameters, pages and entries are theirs; only limits, ``Accept`` and the way to write differ.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.urls import URLPattern, re_path
from django.utils.cache import patch_vary_headers
from rest_framework.renderers import BaseRenderer
from rest_framework.response import Response

from api import discovery, feeds, prototypes, single
from api.address import CLASSIC, KEY, address_of, base_path
from api.base import SDataView
from api.classic import atom, schema, xml
from api.classic.members import address
from api.errors import ApiError, unknown_kind
from api.etags import matches
from api.query.limits import Limits, current_limits
from api.query.parameters import ENTRY, FEED
from api.selection import selected
from api.views import EntityViewSet
from entities.registry import Entity, registry

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from rest_framework.request import Request

    from api.query.parameters import ListQuery
    from api.related import Selection

PARAMETERS = frozenset({"where", "orderBy", "startIndex", "count", "select", "include"})
_ACCEPTED = {"application/atom+xml", "application/xml", "text/xml", "application/*", "*/*"}


class XMLRenderer(BaseRenderer):
    """Writes elements; the bodies of refusals arrive as in the JSON contract."""

    media_type = xml.TYPE
    format = "xml"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return the body; nothing for answers without one."""
        if data is None:
            return b""
        return xml.written(xml.diagnoses(data) if isinstance(data, dict) else data)


class ClassicView(SDataView):
    """Base of the addresses below ``sagecrm``."""

    renderer_classes = (XMLRenderer,)
    contract = CLASSIC

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check in the contract's order, and then whether the client takes XML at all: 406."""
        super().initial(request, *args, **kwargs)
        if not _takes_xml(request.headers.get("Accept", "")):
            message = "This contract answers XML only (application/atom+xml); JSON is at sagecrm2."
            raise ApiError.of(406, "NotAcceptable", message)

    def limits(self) -> Limits:
        """Return the limits of the JSON contract with smaller pages."""
        found = current_limits()
        return replace(found, page_default=found.classic_page_default, page_maximum=found.classic_page_maximum)

    def parameters(self, allowed: Collection[str] = ENTRY) -> ListQuery:
        """Return the request's query parameters; raises 400 for any that the classic contract does not have."""
        return super().parameters(PARAMETERS & frozenset(allowed))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Say that the answer follows from ``Accept``, too."""
        found = super().finalize_response(request, response, *args, **kwargs)
        patch_vary_headers(found, ("Accept",))
        return found


def _takes_xml(accept: str) -> bool:
    """Whether an ``Accept`` header leaves room for XML; an empty one does."""
    ranges = [[part.strip().lower() for part in item.split(";")] for item in accept.split(",") if item.strip()]
    taken = [media for media, *parameters in ranges if not any(map(_is_refused, parameters))]
    return not ranges or any(media in _ACCEPTED for media in taken)


def _is_refused(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return name.strip() == "q" and value.strip().rstrip("0") in ("", ".", "0.")


class RecordsView(ClassicView, EntityViewSet):
    """Feeds and entries of one kind."""

    def list(self, request: Request) -> Response:
        """Answer a feed."""
        query = self.parameters(FEED)
        self.require("GET")
        found = replace(self.collection(), url=address(self.base(), self.target.kind))
        selection = _shown(selected(self.access, self.target, query))
        listing = feeds.listing_of(self.access, found, query, selection)
        page = feeds.page_of(self.access, self.target, listing, query, self.base())
        document = atom.feed(self.access, found, query, page, self.base())
        return Response(document, content_type=atom.FEED_TYPE)

    def read(self, find: Callable[[], int]) -> Response:
        """Answer the record that ``find`` names, or 304 where the caller has it already."""
        call = self.call(ENTRY)
        outcome = single.read(replace(call, selection=_shown(call.selection)), find)
        answer = self.respond(outcome)
        if outcome.body is not None:
            answer.data = atom.entry(self.access, self.target, outcome.body, self.base())
            answer.content_type = atom.ENTRY_TYPE
        return answer


def _shown(selection: Selection) -> Selection:
    """Atom needs the time of change, whatever is selected, and has no use for links to writes."""
    return replace(selection, projection=replace(selection.projection, links=False, updated=True))


class SchemaView(ClassicView):
    """``{kind}/$schema``: the XSD of the caller's contract."""

    entity: Entity | None = None

    def locate(self, request: Request) -> None:
        """Raise 404 for a kind that does not exist for the caller."""
        if self.entity is None or not self.access.knows(self.entity):
            raise unknown_kind(address_of(request).kind)

    def get(self, request: Request) -> Response:
        """Return the schema; its tag is the fingerprint of the whole contract, as it reaches into other kinds."""
        self.parameters(discovery.NOTHING)
        assert self.entity is not None
        tag = prototypes.contract_fingerprint(self.access)
        headers = {"ETag": f'"{tag}"'}
        if matches(request.headers.get("If-None-Match", ""), tag):
            return Response(status=304, headers=headers)
        return Response(schema.xsd(self.access, self.entity), headers=headers)


class PrototypesView(ClassicView, discovery.PrototypesView):
    """``$prototypes``: the kinds of the caller's contract."""

    def get(self, request: Request) -> Response:
        """Return one short element per kind."""
        answer = super().get(request)
        answer.data = schema.prototypes(answer.data, self.base())
        return answer


class PrototypeView(ClassicView, discovery.PrototypeView):
    """``$prototypes/{kind}``: the fields of one kind as the caller has them."""

    def get(self, request: Request, kind: str) -> Response:
        """Return the prototype; its tag is the fingerprint."""
        answer = super().get(request, kind)
        if answer.data is not None:
            answer.data = schema.prototype(self.access, self.entity, answer.data, self.base())
        return answer


class NowhereView(ClassicView, discovery.NowhereView):
    """Every other address of the classic contract: 404 once the caller is known."""


def _routes(entity: Entity) -> Iterator[URLPattern]:
    here, name = f"^{base_path(CLASSIC)[1:]}/{entity.kind}", f"classic-{entity.kind}"
    feed = RecordsView.as_view({"get": "list", "head": "list"}, entity=entity)
    entry = RecordsView.as_view({"get": "retrieve", "head": "retrieve"}, entity=entity)
    yield re_path(f"{here}$", feed, name=name)
    yield re_path(f"{here}{KEY}$", entry, name=f"{name}-entry")
    yield re_path(rf"{here}\((?P<key>predicate)\)$", entry, name=f"{name}-predicate")
    yield re_path(rf"{here}/\$schema$", SchemaView.as_view(entity=entity), name=f"{name}-schema")


def routes() -> list[URLPattern]:
    """Return the routes below ``sagecrm``; ``address`` leads nobody there where the setting switches it off."""
    here = f"^{base_path(CLASSIC)[1:]}"
    return [
        re_path(rf"{here}/\$prototypes$", PrototypesView.as_view(), name="classic-prototypes"),
        re_path(rf"{here}/\$prototypes/(?P<kind>[^/]+)$", PrototypeView.as_view(), name="classic-prototype"),
        *(route for entity in registry() for route in _routes(entity)),
        re_path(rf"{here}(/[\s\S]*)?$", NowhereView.as_view(), name="classic-nowhere"),
    ]
