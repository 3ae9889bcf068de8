"""The viewsets of the stock implementation: plain, without a count, and tuned by an expert."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from rest_framework.authentication import BasicAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.response import Response
from rest_framework.viewsets import ModelViewSet

from bench.stock import rights
from bench.stock.serializers import COLLECTIONS, PLAIN, RELATIONS, WIRES, CompanySerializer
from entities.models import Company, User
from entities.models.base import folded

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.request import Request

ORDERS: dict[str, tuple[Any, ...]] = {
    "name": (folded("name"), "id"),
    "id": ("id",),
    "-updated_at": (F("updated_at").desc(), "-id"),
}


class CachedAuthentication(BasicAuthentication):
    """Basic log-in that remembers which passwords were right: the slow hash is paid once."""

    known: dict[bytes, int] = {}  # noqa: RUF012  (shared by all requests on purpose)

    def authenticate_credentials(self, userid: str, password: str, request: Any = None) -> Any:
        """Return the user, read afresh."""
        digest = hashlib.sha256(f"{userid}\0{password}".encode()).digest()
        if digest in self.known:
            return User.objects.get(pk=self.known[digest]), None
        user, _ = super().authenticate_credentials(userid, password, request)
        self.known[digest] = user.pk
        return user, None


class Pages(LimitOffsetPagination):
    """Pages of at most a thousand."""

    default_limit, max_limit = 25, 1000


class Uncounted(Pages):
    """Pages that do not say how many records there are."""

    def get_count(self, queryset: Any) -> int:
        """Return a number beyond every page."""
        return 2**31

    def get_paginated_response(self, data: Any) -> Response:
        """Return the page and its neighbours."""
        return Response({"next": self.get_next_link(), "previous": self.get_previous_link(), "results": data})


class CompanyViewSet(ModelViewSet[Company]):
    """Companies."""

    serializer_class = CompanySerializer
    pagination_class: Any = Pages

    def get_queryset(self) -> QuerySet[Company]:
        """Return the companies that the user may view, in the order asked for."""
        return self.ordered(rights.visible(self.user))

    @property
    def user(self) -> User:
        """Who asks."""
        user: Any = self.request.user
        assert isinstance(user, User)
        return user

    def ordered(self, companies: QuerySet[Company]) -> QuerySet[Company]:
        """Return ``companies`` filtered by the beginning of the name, in the order asked for."""
        given = self.request.query_params
        if prefix := given.get("prefix"):
            companies = companies.filter(name__istartswith=prefix)
        return companies.order_by(*ORDERS[given.get("ordering", "name")])

    @transaction.atomic
    def perform_create(self, serializer: Any) -> None:
        """Store a new company."""
        if not rights.may_insert(self.user):
            raise PermissionDenied
        now = timezone.now()
        serializer.save(created_by=self.user, updated_by=self.user, created_at=now, updated_at=now)


class FastCompanyViewSet(CompanyViewSet):
    """Companies, with the password cost taken out."""

    authentication_classes = (CachedAuthentication,)


class UncountedCompanyViewSet(FastCompanyViewSet):
    """Companies, without the count."""

    pagination_class = Uncounted


class ExpertCompanyViewSet(UncountedCompanyViewSet):
    """Companies by an expert: flat sub-queries, tuples instead of model instances, links by formatting."""

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return a page."""
        hidden = rights.hidden(self.user)
        columns = [name for name in ("id", *PLAIN) if WIRES[name] not in hidden]
        paginator = Uncounted()
        found = self.ordered(rights.visible(self.user, flat=True)).values(*columns)
        page: Any = paginator.paginate_queryset(found, request, self)
        base = request.build_absolute_uri("/")[:-1]
        return paginator.get_paginated_response([self.linked(row, base) for row in page or ()])

    def linked(self, row: Any, base: str) -> dict[str, Any]:
        """Return the entry of a row."""
        url = f"{base}/companies/{row['id']}/"
        links = {name: f"{url}{name}/" for name in COLLECTIONS}
        links |= {"self": url, "explain": f"{url}explain/", "prototype": f"{base}/prototypes/Company/"}
        related = {name: f"{base}/{name}/{row[name + '_id']}/" if row[name + "_id"] else None for name in RELATIONS}
        return {"url": url, **row, **related, "links": links}
