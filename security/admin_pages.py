"""What the administration asks of a request: the access of who is logged in; and whose the policy pages are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db.models import ForeignKey

from entities.registry import registry
from security import gate
from security.admin_select import RecordSelect
from security.errors import UnknownActor
from security.plan import Access, access_for

if TYPE_CHECKING:
    from django.http import HttpRequest


def access_of(request: HttpRequest) -> Access:
    """Return what the logged-in user may do, compiled once per request. Raises ``PermissionDenied`` for nobody."""
    known: dict[str, Any] = vars(request)
    if "access" not in known:
        try:
            known["access"] = access_for(int(request.user.pk or 0))
        except UnknownActor:
            raise PermissionDenied from None
    access: Access = known["access"]
    return access


def _titles(access: Access, kind: str, keys: set[int]) -> dict[int, str]:
    return {key: title for (_, key), title in gate.titles(access, {kind: keys}).items()}


class PolicyPages:
    """What all pages about policy share: they are the administrators', and refer to records through the gate."""

    change_form_template: Any = "admin/policy/change_form.html"

    def _may(self, request: HttpRequest, obj: Any = None) -> bool:
        return access_of(request).actor.administrator

    has_module_permission = has_view_permission = has_add_permission = _may
    has_change_permission = has_delete_permission = _may

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Leave away the buttons that Django puts beside references: a rule is no place to change users from."""
        if isinstance(db_field, ForeignKey):
            return self.formfield_for_foreignkey(db_field, request, **options)
        base: Any = super()
        return base.formfield_for_dbfield(db_field, request, **options)

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **options: Any) -> Any:
        """Offer the records that the administrator sees, fetched while one types."""
        target = registry().by_model.get(db_field.related_model)
        if target is not None:
            access, kind = access_of(request), target.kind
            options["queryset"] = gate.rows(access, target)
            options["widget"] = RecordSelect(kind, lambda keys: _titles(access, kind, keys))
        return db_field.formfield(**options)
