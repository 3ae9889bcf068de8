"""Answers as bytes: JSON in UTF-8 without BOM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.renderers import BaseRenderer

from api.values import written

if TYPE_CHECKING:
    from collections.abc import Mapping


class JSONRenderer(BaseRenderer):
    """Renders what ``values.written`` takes."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return the body; nothing for answers without one."""
        return b"" if data is None else written(data)
