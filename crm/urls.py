"""The addresses of the site."""

from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from crm.admin import site

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(url="/docs/", http_method_names=["get", "head"]), name="home"),
    path("admin/", site.urls),
    path("", include("api.urls")),
]
