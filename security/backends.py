"""Django's permission questions, answered from the plan."""

from __future__ import annotations

from guardian.backends import ObjectPermissionBackend


class PlanBackend(ObjectPermissionBackend):
    """guardian's backend for row grants, extended by the scopes of the plan."""
