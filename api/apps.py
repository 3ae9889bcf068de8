"""Django application of the wire contract."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The SData dialect over HTTP."""

    name = "api"
