"""How one logs in, as the document says it (drf-spectacular's seam)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

if TYPE_CHECKING:
    from drf_spectacular.openapi import AutoSchema

    from api.openapi.shared import Schema


class CredentialsScheme(OpenApiAuthenticationExtension):
    """The two ways to log in."""

    target_class = "api.authentication.CredentialsAuthentication"
    name = ["basic", "bearer"]  # noqa: RUF012  # drf-spectacular's own attribute

    def get_security_requirement(self, auto_schema: AutoSchema) -> list[dict[str, list[Any]]]:
        """Either is enough."""
        return [{"basic": []}, {"bearer": []}]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[Schema]:
        """Return the definitions of both."""
        return [
            {"type": "http", "scheme": "basic", "description": "Log-on and password, UTF-8."},
            {"type": "http", "scheme": "bearer", "description": "A token that an administrator issued."},
        ]
