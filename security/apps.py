"""Django application of the access model. It stands after every app that declares entities."""

from django.apps import AppConfig


class SecurityConfig(AppConfig):
    """Profiles, rights, field rules, tokens and grants."""

    name = "security"
    default_auto_field = "django.db.models.AutoField"
    verbose_name = "Access control"
