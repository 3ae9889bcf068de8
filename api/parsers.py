"""Reading bodies strictly: JSON in UTF-8, no duplicate names, no NaN, bounded size and depth (contract.md §11.2)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import IO, TYPE_CHECKING, Any

from django.conf import settings
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser

from api.errors import ApiError
from api.query.errors import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rest_framework.renderers import BaseRenderer
    from rest_framework.request import Request

DEPTH = 20


_TOKENS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{]|[\]}]', re.DOTALL)


@dataclass(frozen=True)
class Refused:
    """Stands for an object of a body of many that cannot be read: its refusal is that item's own."""

    error: ApiError


def body_too_large(limit: int) -> ApiError:
    """413 for a body beyond the limit of contract.md §20."""
    return ApiError.of(413, "BodyTooLarge", f"A body has at most {limit} bytes.")


class StrictJSONParser(BaseParser):
    """Parses one JSON value; numbers stay exact."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the value of the body; raises 400 ``BadJson`` or ``DuplicateMember``, 413 ``BodyTooLarge``."""
        limit = settings.MAX_BODY_BYTES
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise body_too_large(limit)
        return parse_json(raw)


def parse_json(raw: bytes, *, many: bool = False) -> Any:
    """Return the JSON value of ``raw``; raises 400 ``BadJson`` or ``DuplicateMember``.

    ``many`` = a body of many records: one with a duplicate name becomes ``Refused``, the others are not its matter.
    """
    try:
        text = raw.decode("utf-8")
        _check_depth(text)
        found = json.loads(
            text, object_pairs_hook=_members, parse_float=_decimal, parse_int=_integer, parse_constant=_no_constant
        )
    except UnicodeDecodeError:
        raise _bad("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise _bad(f"The body is not JSON: {error.msg} at character {error.pos + 1}.") from None
    refused = found if many else _refused(found)
    if isinstance(refused, Refused):
        raise refused.error
    return found


def _bad(message: str) -> ApiError:
    return ApiError.of(400, "BadJson", message)


def _check_depth(text: str) -> None:
    depth = 0
    for token in _TOKENS.finditer(text):
        first = text[token.start()]
        if first in "[{":
            depth += 1
            if depth > DEPTH:
                raise _bad(f"The body is nested deeper than {DEPTH}.")
        elif first in "]}":
            depth -= 1


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent of more digits than a number of any field
        raise _bad("A number is out of range.") from None


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) < 40 else Decimal(text)


def _no_constant(name: str) -> Any:
    raise _bad(f"{name} is not a JSON number.")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any] | Refused:
    """Names are trimmed and matched without regard to case; two that become equal are an error.

    An error within is an error of the whole, but among the ``$resources`` of many records.
    """
    found: dict[str, Any] = {}
    seen: set[str] = set()
    for typed, value in pairs:
        name = typed.strip()
        if name.lower() in seen:
            message = f"'{shown(name)}' is given more than once."
            return Refused(ApiError.of(400, "DuplicateMember", message, shown(name)))
        seen.add(name.lower())
        inner = None if name.lower() == "$resources" else _refused(value)
        if inner is not None:
            return inner
        found[name] = value
    return found


def _refused(value: Any) -> Refused | None:
    """Return what cannot be read of a value: itself or an element of an array, however deep."""
    if isinstance(value, list):
        return next((inner for inner in map(_refused, value) if inner is not None), None)
    if isinstance(value, dict):
        among = (_refused(inner) for name, inner in value.items() if name.lower() == "$resources")
        return next((inner for inner in among if inner is not None), None)
    return value if isinstance(value, Refused) else None


class JsonNegotiation(BaseContentNegotiation):
    """Answers are JSON whatever ``Accept`` says; bodies are JSON or refused."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """Return the parser if the content type is JSON in UTF-8 or missing, else None (415)."""
        declared = (request.content_type or "").lower()
        media, *parameters = (part.strip() for part in declared.split(";"))
        is_json = media in ("", "application/json") or (media.startswith("application/") and media.endswith("+json"))
        charsets = [part.split("=", 1)[1].strip("\"' ") for part in parameters if part.startswith("charset=")]
        return parsers[0] if is_json and all(name in ("utf-8", "utf8") for name in charsets) else None

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the one renderer."""
        return renderers[0], renderers[0].media_type
