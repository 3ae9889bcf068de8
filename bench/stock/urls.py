"""The addresses of the stock implementation; each variant has its own beside the plain one."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework.routers import SimpleRouter

from bench.stock import views


def elsewhere(request: HttpRequest, **names: object) -> HttpResponse:
    """Stand for what links lead to and nobody measures."""
    raise Http404


router = SimpleRouter()
router.register("companies", views.CompanyViewSet, "company")
router.register("fast/companies", views.FastCompanyViewSet, "fast")
router.register("uncounted/companies", views.UncountedCompanyViewSet, "uncounted")
router.register("expert/companies", views.ExpertCompanyViewSet, "expert")
router.register("byhand/companies", views.ByHandCompanyViewSet, "byhand")
router.register("lean/companies", views.LeanCompanyViewSet, "lean")
router.register("leanbyhand/companies", views.LeanByHandCompanyViewSet, "leanbyhand")
urlpatterns = [
    path("", include(router.urls)),
    path("companies/<int:pk>/explain/", elsewhere, name="company-explain"),
    path("companies/<int:pk>/<str:name>/", elsewhere, name="company-collection"),
    path("people/<int:pk>/", elsewhere, name="person-detail"),
    path("addresses/<int:pk>/", elsewhere, name="address-detail"),
    path("users/<int:pk>/", elsewhere, name="user-detail"),
    path("teams/<int:pk>/", elsewhere, name="team-detail"),
    path("territories/<str:pk>/", elsewhere, name="territory-detail"),
    path("prototypes/<str:kind>/", elsewhere, name="prototype"),
]
