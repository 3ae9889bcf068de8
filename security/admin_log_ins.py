"""The trail of log-ins, for administrators to read. Nobody changes it here; it ends by itself (``LOG_IN_DAYS``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from security.admin_pages import PolicyPages
from security.models import LogIn

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest


class LogInAdmin(PolicyPages, admin.ModelAdmin[LogIn]):
    """What happened at the door: one line an hour for what is alike."""

    actions = None
    list_display = ("last_at", "who", "network", "channel", "outcome", "times", "first_at")
    list_display_links = None
    list_filter = ("outcome", "channel", "last_at")
    ordering = ("-last_at", "-pk")
    search_fields = ("=network", "user__logon")
    search_help_text = "A network as it is written here, or a part of a logon."
    show_full_result_count = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes it."""
        return False

    has_add_permission = has_delete_permission = has_change_permission

    def get_queryset(self, request: HttpRequest) -> QuerySet[LogIn]:
        """Read the users along."""
        return super().get_queryset(request).select_related("user")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Call the page what it is: nothing is selected here."""
        return super().changelist_view(request, {"title": "Log-ins", **(extra_context or {})})

    @admin.display(description="User", ordering="user__logon")
    def who(self, found: LogIn) -> str:
        """Name the user."""
        return f"{found.user} ({found.user.logon})" if found.user is not None else "nobody known"
