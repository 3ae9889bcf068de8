"""Answers as bytes: JSON in UTF-8 without BOM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from rest_framework.renderers import BaseRenderer

if TYPE_CHECKING:
    from collections.abc import Mapping


class JSONRenderer(BaseRenderer):
    """Renders with orjson; exact decimals arrive as ``orjson.Fragment``."""

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
        return b"" if data is None else orjson.dumps(data)
