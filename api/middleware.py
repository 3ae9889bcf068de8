"""What happens to every request below ``/sdata/`` before a view: one spelling, a request id, the common headers."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import patch_vary_headers

from api.address import is_contract, read
from api.errors import ApiError, body_of

if TYPE_CHECKING:
    from collections.abc import Callable

VARY = ("Authorization", "X-Sage-Authorization", "X-Authorization", "Accept-Encoding")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class SDataMiddleware:
    """Gives every request an id, and those of the contract their canonical address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        given = request.headers.get("X-Request-Id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]  # read by the error handler and the log
        contract = is_contract(request.path_info)
        if contract:
            address = read(request.path_info)
            request.sdata = address  # type: ignore[attr-defined]  # read by the views
            request.path_info = address.path
        response = _bad_host(request) if contract else None
        response = response or self.get_response(request)
        response["X-Request-Id"] = request_id
        response["X-Content-Type-Options"] = "nosniff"
        if contract:
            # Not on the pages for people: without a referrer browsers post forms with "Origin: null", which is refused.
            response["Referrer-Policy"] = "no-referrer"
            patch_vary_headers(response, VARY)
        return response


def _bad_host(request: HttpRequest) -> HttpResponse | None:
    try:
        request.get_host()
    except DisallowedHost:
        error = ApiError.of(400, "BadHost", "This host is not served here.", sdata_code="BadUrlSyntax")
        return JsonResponse(body_of(error, ""), status=400)
    return None
