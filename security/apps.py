"""Django application of the access model. It stands after every app that declares entities."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class SecurityConfig(AppConfig):
    """Profiles, rights, field rules, tokens and grants."""

    name = "security"
    default_auto_field = "django.db.models.AutoField"
    verbose_name = "Access control"

    def ready(self) -> None:
        """Have the tables of policy recorded, those of apps that came along included."""
        from security.recording import record

        post_migrate.connect(record, sender=self, dispatch_uid="recorded policy")
