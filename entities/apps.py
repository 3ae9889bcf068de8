"""Django application of the entities; its label is part of every permission name (``entities.view_company``)."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class EntitiesConfig(AppConfig):
    """The entity application. It stands before ``security`` in ``INSTALLED_APPS``."""

    name = "entities"
    default_auto_field = "django.db.models.AutoField"
    verbose_name = "CRM"

    def ready(self) -> None:
        """Register the system checks on declarations, and keep the families of captions up to date."""
        from entities import checks  # noqa: F401  (importing registers the checks; models must be loaded first)
        from entities.captions import refresh_families

        post_migrate.connect(refresh_families, sender=self, dispatch_uid="caption families")
