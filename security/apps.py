"""Django application of the access model. It stands after every app that declares entities."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate


class SecurityConfig(AppConfig):
    """Profiles, rights, field rules, tokens and grants."""

    name = "security"
    default_auto_field = "django.db.models.AutoField"
    verbose_name = "Access control"

    def ready(self) -> None:
        """Have the tables of policy recorded, those of apps that came along included, and the second lock renewed."""
        from security import row_policies, row_security
        from security.recording import record

        post_migrate.connect(record, sender=self, dispatch_uid="recorded policy")
        pre_migrate.connect(row_policies.set_aside, sender=self, dispatch_uid="row-level security set aside")
        post_migrate.connect(row_policies.renew, sender=self, dispatch_uid="row-level security renewed")
        connection_created.connect(row_security.attach, dispatch_uid="row-level security")
