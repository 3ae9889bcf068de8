"""What happens to every request below ``/sdata/`` before a view: one spelling, a request id, the common headers."""

from __future__ import annotations

import json
import re
import uuid
from io import BytesIO
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from api.address import address_of, is_contract, read
from api.errors import ApiError, body_of, translate

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger(__name__)
SAFE = ("GET", "HEAD", "OPTIONS")
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
            _take_chunks(request)
        response = (_refusal(request) if contract else None) or self.get_response(request)
        response["X-Request-Id"] = request_id
        response["X-Content-Type-Options"] = "nosniff"
        if contract:
            # Not on the pages for people: without a referrer browsers post forms with "Origin: null", which is refused.
            response["Referrer-Policy"] = "no-referrer"
            patch_vary_headers(response, VARY)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer what failed after its view, while the answer was written, as every failure is answered."""
        if address_of(request).path:
            request_id: str = getattr(request, "request_id", "")
            log.error("unhandled exception", request_id=request_id, exc_info=exception)
            return _answer(translate(exception), request_id)
        return None


def _refusal(request: HttpRequest) -> HttpResponse | None:
    """Answer what is wrong with a request before anybody asks who sends it, in the contract's order."""
    try:
        _check(request)
    except ApiError as error:
        return _answer(error, "")
    return None


def _answer(error: ApiError, request_id: str) -> HttpResponse:
    body = json.dumps(body_of(error, request_id)).encode()
    headers = {"Cache-Control": "private, no-store"}
    return HttpResponse(body, content_type="application/json", status=error.status, headers=headers)


def _check(request: HttpRequest) -> None:
    try:
        own = {request.get_host().lower(), _host_of(settings.PUBLIC_BASE_URL)}
    except DisallowedHost:
        raise ApiError.of(400, "BadHost", "This host is not served here.", sdata_code="BadUrlSyntax") from None
    if settings.REQUIRE_HTTPS and not request.is_secure():
        raise ApiError.of(400, "HttpsRequired", "This service is served by https only.", sdata_code="BadUrlSyntax")
    origin = request.headers.get("Origin")
    if origin is not None and request.method not in SAFE and _host_of(origin) not in own - {""}:
        # Browsers resend stored Basic credentials with whatever a foreign page makes them send.
        raise ApiError.of(403, "CrossOrigin", "Pages of other sites may not write here.")


def _host_of(origin: str) -> str:
    return origin.lower().partition("//")[2]


def _take_chunks(request: HttpRequest) -> None:
    """Read a body that came in chunks, as .NET's JSON content does; Django reads by ``Content-Length`` alone."""
    environ = request.META
    if environ.get("wsgi.input_terminated") and "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        limit = settings.MAX_BATCH_BYTES if address_of(request).path.endswith("/$batch") else settings.MAX_BODY_BYTES
        body = environ["wsgi.input"].read(limit + 1)
        environ["CONTENT_LENGTH"] = str(len(body))
        vars(request)["_stream"] = BytesIO(body)
