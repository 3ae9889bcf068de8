"""The viewsets of the stock implementation: plain, without a count, by an expert, by hand; and half of the answer."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from rest_framework.authentication import BasicAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.response import Response
from rest_framework.viewsets import ModelViewSet

from bench.stock import byhand, lean
from bench.stock.linking import changeable, fetch
from bench.stock.rights import Rights
from bench.stock.serializers import CompanySerializer
from entities.models import Company, User
from entities.models.base import folded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet
    from rest_framework.request import Request

    from bench.stock.rights import Action

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

    serializer_class: Any = CompanySerializer
    pagination_class: Any = Pages
    flat = False

    def get_queryset(self) -> QuerySet[Company]:
        """Return the companies that the user may view, in the order asked for."""
        among = [self.kwargs["pk"]] if "pk" in self.kwargs else None
        return self.ordered(self.rights.allowed(Company, among=among))

    @property
    def user(self) -> User:
        """Who asks."""
        user: Any = self.request.user
        assert isinstance(user, User)
        return user

    @cached_property
    def rights(self) -> Rights:
        """What the user may do."""
        return Rights(self.user, flat=self.flat)

    @cached_property
    def may(self) -> dict[Action, set[int]]:
        """The keys of those of the records shown that the user may change, by how."""
        return {}

    def get_serializer_context(self) -> dict[str, Any]:
        """Return what serializers know."""
        return {**super().get_serializer_context(), "rights": self.rights, "may": self.may}

    def complete(self, companies: Sequence[Company]) -> None:
        """Fetch what the entries of ``companies`` show besides their columns."""
        fetch(companies, self.rights)
        self.may.update(changeable([company.pk for company in companies], self.rights))

    def ordered(self, companies: QuerySet[Company]) -> QuerySet[Company]:
        """Return ``companies`` filtered by the beginning of the name, in the order asked for."""
        given = self.request.query_params
        if prefix := given.get("prefix"):
            companies = companies.annotate(folded=folded("name")).filter(folded__startswith=prefix.lower())
        return companies.order_by(*ORDERS[given.get("ordering", "name")])

    def paginate_queryset(self, queryset: Any) -> Any:
        """Return a page of complete records."""
        page = super().paginate_queryset(queryset)
        self.complete(page or ())
        return page

    def get_object(self) -> Company:
        """Return one complete record."""
        company = super().get_object()
        self.complete([company])
        return company

    @transaction.atomic
    def perform_create(self, serializer: Any) -> None:
        """Store a new company."""
        if not self.rights.may_insert:
            raise PermissionDenied
        self.store(serializer, created_by=self.user, created_at=timezone.now())

    @transaction.atomic
    def perform_update(self, serializer: Any) -> None:
        """Store a changed company."""
        self.check("edit", serializer.instance)
        self.store(serializer)

    def perform_destroy(self, instance: Company) -> None:
        """Mark a company as deleted."""
        self.check("delete", instance)
        instance.deleted_at, instance.deleted_by = timezone.now(), self.user
        instance.save(update_fields=["deleted_at", "deleted_by"])

    def check(self, action: Action, company: Company) -> None:
        """Raise PermissionDenied where the user may not do ``action`` to ``company``."""
        if company.pk not in self.may[action]:
            raise PermissionDenied

    def store(self, serializer: Any, **values: Any) -> None:
        """Store what a serializer was given, and fetch what its entry shows as for any other record."""
        company = serializer.save(updated_by=self.user, updated_at=timezone.now(), **values)
        company.refresh_from_db()
        self.complete([company])


class FastCompanyViewSet(CompanyViewSet):
    """Companies, with the password cost taken out."""

    authentication_classes = (CachedAuthentication,)


class UncountedCompanyViewSet(FastCompanyViewSet):
    """Companies, without the count."""

    pagination_class = Uncounted


class ExpertCompanyViewSet(UncountedCompanyViewSet):
    """Companies by an expert: the queries of rights and grants are flat sub-queries tuned by hand."""

    flat = True


class ByHandCompanyViewSet(ExpertCompanyViewSet):
    """Companies beyond what DRF is for: tuples instead of model instances, no serializers, links by formatting."""

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return a page."""
        paginator = Uncounted()
        found = byhand.rows(self.get_queryset(), self.rights)
        page: Any = paginator.paginate_queryset(found, request, self) or ()
        named = byhand.titles(page, self.rights)
        base = request.build_absolute_uri("/")[:-1]
        return paginator.get_paginated_response([byhand.entry(row, named, base) for row in page])


class LeanCompanyViewSet(UncountedCompanyViewSet):
    """Companies without their count, and half of the answer."""

    serializer_class = lean.LeanCompanySerializer

    def complete(self, companies: Sequence[Company]) -> None:
        """Leave it at the columns."""


class LeanByHandCompanyViewSet(LeanCompanyViewSet):
    """The same half by an expert who does without serializers."""

    flat = True

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return a page."""
        paginator = Uncounted()
        found = lean.rows(self.get_queryset(), self.rights)
        page: Any = paginator.paginate_queryset(found, request, self) or ()
        base = request.build_absolute_uri("/")[:-1]
        return paginator.get_paginated_response([lean.entry(row, base) for row in page])
