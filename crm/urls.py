"""The addresses of the site."""

from django.urls import URLPattern, URLResolver, include, path

from crm.admin import site

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", site.urls),
    path("", include("api.urls")),
]
