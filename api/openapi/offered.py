"""Which operations a caller is offered: the very questions that the views ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api import prototypes
from api.actions import ActionViewSet
from api.batch import BatchViewSet
from api.discovery import PrototypeView
from api.errors import ApiError
from api.explain import ExplainViewSet
from api.policy import PolicyPreviewView
from api.quickfind import QuickFindView, searchable
from api.records import RIGHT_OF, RecordView
from api.relations import RelatedViewSet
from api.views import QueryViewSet

if TYPE_CHECKING:
    from api.base import SDataView

_THEMSELVES = (QueryViewSet, ActionViewSet, BatchViewSet, ExplainViewSet, PolicyPreviewView)


def offered(view: SDataView, method: str) -> bool:
    """Whether the caller is offered ``method`` at the route of ``view``: the questions that the views ask."""
    if isinstance(view, QuickFindView):
        return bool(searchable(view.access))
    if isinstance(view, PrototypeView):
        return bool(prototypes.known(view.access))
    try:
        view.locate(view.request)
    except ApiError:
        return False
    if not isinstance(view, RecordView) or isinstance(view, _THEMSELVES):
        return view.may(method)
    item = view.collection if isinstance(view, RelatedViewSet) else None
    if method == "POST" and isinstance(view, RelatedViewSet) and item is not None:
        by = view.target.by_name.get(item.by)
        linked = (
            view.access.shape(view.parent).offers("edit")
            if item.owned
            else by is not None and view.access.shape(view.target).writes(by)
        )
        return linked and view.may(method)
    if method == "PUT" and item is None and not isinstance(view, RelatedViewSet):
        return prototypes.upserts(view.access, view.target) or view.access.shape(view.target).offers("edit")
    return view.access.shape(view.target).offers(RIGHT_OF[method])
