"""Django application of the entities; its label is part of every permission name (``entities.view_company``)."""

from django.apps import AppConfig


class EntitiesConfig(AppConfig):
    """The entity application. It stands before ``security`` in ``INSTALLED_APPS``."""

    name = "entities"
    default_auto_field = "django.db.models.AutoField"
    verbose_name = "CRM"

    def ready(self) -> None:
        """Register the system checks on declarations."""
        from entities import checks  # noqa: F401  (importing registers the checks; models must be loaded first)
