"""The routes of the contract, generated from the registry; ``middleware`` brings every spelling to these."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.urls import URLPattern, URLResolver, include, path, re_path

from api.actions import ActionViewSet
from api.address import KEY, QUICK_FIND, base_path
from api.batch import BatchViewSet
from api.classic.views import routes as classic_routes
from api.discovery import NowhereView, PrototypesView, PrototypeView, ServiceRootView, WhoAmIView
from api.documents import DocumentationView, OpenApiView, RedocView
from api.explain import ExplainViewSet
from api.policy import PolicyPreviewView
from api.quickfind import QuickFindView
from api.relations import RelatedViewSet
from api.views import EntityViewSet, QueryViewSet
from entities.registry import Entity, registry

if TYPE_CHECKING:
    from collections.abc import Iterator

PARENT = r"\('(?P<parent>-?\d+)'\)"
FEED = {"get": "list", "head": "list", "post": "create"}
ENTRY = {"get": "retrieve", "head": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}
READ = {"get": "retrieve", "head": "retrieve"}
QUERY: dict[str, Any] = {"post": "query"}
READ_ONLY = ("get", "head")


def _actions(actions: dict[str, str], entity: Entity) -> dict[str, Any]:
    return {m: action for m, action in actions.items() if m in READ_ONLY or not entity.read_only}


def _kind(entity: Entity) -> URLResolver:
    """Return the routes of a kind, below its name: Django tries one after the other, and there are hundreds."""
    return re_path(f"^{base_path()[1:]}/{entity.kind}", include(list(_routes(entity))))


def _routes(entity: Entity) -> Iterator[URLPattern]:
    here, name = "^", entity.kind
    feed = EntityViewSet.as_view(_actions(FEED, entity), entity=entity)
    entry = EntityViewSet.as_view(_actions(ENTRY, entity), entity=entity)
    yield re_path(f"{here}$", feed, name=name)
    yield re_path(f"{here}{KEY}$", entry, name=f"{name}-entry")
    yield re_path(rf"{here}/\$query$", QueryViewSet.as_view(QUERY, entity=entity), name=f"{name}-query")
    yield re_path(rf"{here}\((?P<key>predicate)\)$", entry, name=f"{name}-predicate")
    yield re_path(rf"{here}/\$batch$", BatchViewSet.as_view({"post": "batch"}, entity=entity), name=f"{name}-batch")
    explained = ExplainViewSet.as_view({"get": "explain", "head": "explain"}, entity=entity)
    yield re_path(rf"{here}{KEY}/\$explain$", explained, name=f"{name}-explain")
    for step in entity.workflow.transitions if entity.workflow else ():
        run = ActionViewSet.as_view({"post": "run"}, entity=entity, step=step)
        yield re_path(rf"{here}{KEY}/\$service/{step.name}$", run, name=f"{name}-{step.name}")
    for item in entity.collections:
        target = registry()[item.kind]
        to = f"{here}{PARENT}/{item.kind}"
        members = RelatedViewSet.as_view(_actions(FEED, target), entity=entity, collection=item)
        member = RelatedViewSet.as_view(_actions(ENTRY, target), entity=entity, collection=item)
        yield re_path(f"{to}$", members, name=f"{name}-{item.kind}")
        yield re_path(f"{to}{KEY}$", member, name=f"{name}-{item.kind}-entry")
    taken = {item.kind for item in entity.collections}
    for field in entity.relations.values():
        if field.relation not in taken:
            read = RelatedViewSet.as_view(_actions(READ, entity), entity=entity, reference=field)
            yield re_path(f"{here}{PARENT}/{field.relation}$", read, name=f"{name}-{field.relation}")


def routes() -> list[URLPattern | URLResolver]:
    """Return every route: below ``/sdata/``, and the document and its pages at the root of the host."""
    here = f"^{base_path()[1:]}"
    return [
        re_path(f"{here}/?$", ServiceRootView.as_view(), name="service"),
        re_path(rf"{here}/\$whoami$", WhoAmIView.as_view(), name="whoami"),
        re_path(rf"{here}/\$prototypes$", PrototypesView.as_view(), name="prototypes"),
        re_path(rf"{here}/\$prototypes/(?P<kind>[^/]+)$", PrototypeView.as_view(), name="prototype"),
        re_path(rf"{here}/\$openapi$", OpenApiView.as_view(), name="openapi"),
        re_path(rf"{here}/\$docs$", DocumentationView.as_view(), name="documentation"),
        re_path(rf"{here}/\$policy/preview$", PolicyPreviewView.as_view({"post": "preview"}), name="policy-preview"),
        re_path(f"{here}/{re.escape(QUICK_FIND)}$", QuickFindView.as_view(), name="quick-find"),
        *map(_kind, registry()),
        *classic_routes(),
        # Not "(?s)^sdata(/.*)?$": beside a pattern with a flag Django can reverse no address of the site.
        re_path(r"^sdata(/[\s\S]*)?$", NowhereView.as_view(), name="nowhere"),
        path("openapi.json", OpenApiView.as_view(), name="openapi-json"),
        path("openapi.yaml", OpenApiView.as_view(media_type="application/yaml"), name="openapi-yaml"),
        re_path("^docs/?$", DocumentationView.as_view(), name="docs"),
        re_path("^docs/redoc/?$", RedocView.as_view(), name="redoc"),
    ]


urlpatterns = routes()
