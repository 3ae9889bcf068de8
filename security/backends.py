"""Django's permission questions, answered from the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from guardian.backends import ObjectPermissionBackend

from entities.models import User
from entities.registry import app_label, permission, registry
from security import credentials, gate, throttle
from security.errors import UnknownActor
from security.plan import DJANGO_ACTIONS, Access, Action, access_for

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
    from django.http import HttpRequest


# What a session needs of its user; the other columns may be hidden even from the user.
_SESSION = ("logon", "password", "disabled", "resource", "is_template", "is_staff", "is_superuser", "deleted_at")


class PlanBackend(ObjectPermissionBackend):
    """guardian's backend for row grants, extended by the scopes of the plan; the only backend there is.

    Backends are OR-ed by Django, so a second one could only widen what the plan allows.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        code: str = "",
        **_: Any,
    ) -> User | None:
        """Log in to the administration; None where name, password or code is wrong, or the user no active staff.

        The second factor that was proved hangs on the user as ``second_factor``. Raises ``throttle.TooManyFailures``.
        """
        network = throttle.network_of(request.META.get("REMOTE_ADDR", "") if request is not None else "")
        verified = credentials.verify_password(username or "", password or "", network, web_service=False, code=code)
        user = gate.system_rows(User).filter(pk=verified.user_id).first() if verified is not None else None
        if verified is not None and user is not None:
            vars(user)["second_factor"] = verified.factor
        return user

    def get_user(self, user_id: int) -> User | None:
        """Return the user of a session; None once deleted or disabled."""
        user = gate.system_rows(User).filter(pk=user_id).only(*_SESSION).first()
        return user if user is not None and user.is_active else None

    def has_perm(self, user_obj: User | AnonymousUser, perm: str, obj: Any = None) -> bool:
        """Answer ``entities.view_company`` from the plan; without a row: whether some scope or grant gives it.

        Rights on the policy tables are the administrator's.
        """
        access = _access(user_obj)
        if access is None:
            return False
        target = _targets().get(perm)
        if target is None:
            return access.actor.administrator
        kind, action = target
        entity = registry()[kind]
        if obj is not None and registry().by_model.get(type(obj)) is not entity:
            return False
        if obj is None:
            return action in access.shape(entity).actions
        return gate.allows(access, entity, action, obj.pk)

    def has_module_perms(self, user_obj: User | AnonymousUser, app_label: str) -> bool:
        """Whether the user may do anything with the tables of an app."""
        access = _access(user_obj)
        if access is None:
            return False
        return access.actor.administrator or any(_of_app(access, app_label))


def _access(user: User | AnonymousUser) -> Access | None:
    if not isinstance(user, User) or not user.is_active:
        return None
    try:
        return access_for(user.pk)
    except UnknownActor:
        return None


def _of_app(access: Access, label: str) -> list[bool]:
    return [access.knows(entity) for entity in registry() if app_label(entity) == label]


def _targets() -> dict[str, tuple[str, Action]]:
    return {
        f"{app_label(entity)}.{permission(entity, django)}": (entity.kind, action)
        for entity in registry()
        for action, django in DJANGO_ACTIONS.items()
    }
