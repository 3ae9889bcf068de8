"""What happens to a request before a view: host and https, an id; below ``/sdata/`` one spelling, common headers.

Compression, and what pages of other sites may do, are decided here, too.
"""

from __future__ import annotations

import json
import re
import uuid
from io import BytesIO
from typing import TYPE_CHECKING

import structlog
from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.text import compress_string

from api.address import address_of, is_contract, read
from api.classic import xml
from api.errors import ApiError, body_of, translate

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http.response import HttpResponseBase

log = structlog.get_logger(__name__)
SAFE = ("GET", "HEAD", "OPTIONS")
VARY = ("Authorization", "X-Sage-Authorization", "X-Authorization", "Accept-Encoding")
DOCUMENTS = ("/openapi.", "/docs")  # what of the contract stands at the root of the host
RANDOM_BYTES = 100  # at most, in the file name of gzip's header: equal answers have unequal lengths
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
        response = _refusal(request, contract) or self.get_response(request)
        response["X-Request-Id"] = request_id
        response["X-Content-Type-Options"] = "nosniff"
        if contract:
            # Not on the pages for people: without a referrer browsers post forms with "Origin: null", which is refused.
            response["Referrer-Policy"] = "no-referrer"
            if not response.streaming and "Content-Length" not in response:
                response["Content-Length"] = str(len(response.content))  # Django's middleware does so for the pages
            patch_vary_headers(response, VARY)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer what failed after its view, while the answer was written, as every failure is answered."""
        if address_of(request).path:
            request_id: str = getattr(request, "request_id", "")
            log.error("unhandled exception", request_id=request_id, exc_info=exception)
            return _answer(request, translate(exception), request_id)
        return None


def _refusal(request: HttpRequest, contract: bool) -> HttpResponse | None:
    """Answer what is wrong with a request before anybody asks who sends it, in the contract's order.

    Host and https are asked of the pages for people too, which take the same passwords; Django guards their forms.
    """
    try:
        _check_host(request)
        if contract:
            _check_origin(request)
    except ApiError as error:
        return _answer(request, error, "")
    return None


def _answer(request: HttpRequest, error: ApiError, request_id: str) -> HttpResponse:
    headers = {"Cache-Control": "private, no-store"}
    found = body_of(error, request_id)
    if address_of(request).classic:
        return HttpResponse(
            xml.written(xml.diagnoses(found)), content_type=xml.TYPE, status=error.status, headers=headers
        )
    return HttpResponse(json.dumps(found), content_type="application/json", status=error.status, headers=headers)


def _check_host(request: HttpRequest) -> None:
    try:
        request.get_host()
    except DisallowedHost:
        raise ApiError.of(400, "BadHost", "This host is not served here.", sdata_code="BadUrlSyntax") from None
    if settings.REQUIRE_HTTPS and not request.is_secure():
        raise ApiError.of(400, "HttpsRequired", "This service is served by https only.", sdata_code="BadUrlSyntax")


def _check_origin(request: HttpRequest) -> None:
    origin = request.headers.get("Origin")
    if origin is None or request.method in SAFE:
        return
    own = {request.get_host().lower(), _host_of(settings.PUBLIC_BASE_URL)}
    if _host_of(origin) not in own - {""} and not _is_listed(request):
        # Browsers resend stored Basic credentials with whatever a foreign page makes them send.
        raise ApiError.of(403, "CrossOrigin", "Pages of other sites may not write here.")


def _is_listed(request: HttpRequest) -> bool:
    return request.headers.get("Origin", "").lower() in settings.CORS_ALLOWED_ORIGINS


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


class CrossOriginMiddleware(CorsMiddleware):
    """CORS for the origins that a setting lists; for all others nothing is different, preflights included."""

    def is_enabled(self, request: HttpRequest) -> bool:
        """Whether the request is one of a listed origin; without a list no answer depends on the origin."""
        return bool(settings.CORS_ALLOWED_ORIGINS) and super().is_enabled(request)

    def check_preflight(self, request: HttpRequest) -> HttpResponseBase | None:
        """Answer the preflight of a listed origin, which never carries credentials."""
        found = super().check_preflight(request)
        if found is None or not _is_listed(request):
            return None
        return HttpResponse(status=204, headers={"Cache-Control": "private, no-store"})


class HeadMiddleware:
    """An answer to HEAD ends with its headers: the server drops a body, and warns of each in the log."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request; ``Content-Length`` stays that of GET."""
        response = self.get_response(request)
        if request.method == "HEAD" and isinstance(response, HttpResponse):
            response.content = b""
        return response


class CompressionMiddleware:
    """gzip for the answers of the contract, where the client asks for it (docs/adr/0015).

    Entity tags stay as they are. Requests that a page of another site made the browser send are answered as they are:
    the length of a compressed answer would tell that page about what stands in it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, compressed if that makes the answer shorter."""
        response = self.get_response(request)
        own_site = request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")
        if not (own_site and _is_ours(request) and _asks_for_gzip(request)):
            return response
        packed = compress_string(response.content, max_random_bytes=RANDOM_BYTES)
        if len(packed) + RANDOM_BYTES < len(response.content):
            response.content = packed
            response["Content-Encoding"] = "gzip"
            response["Content-Length"] = str(len(packed))
        return response


def _is_ours(request: HttpRequest) -> bool:
    return bool(address_of(request).path) or request.path_info.startswith(DOCUMENTS)


def _asks_for_gzip(request: HttpRequest) -> bool:
    """Whether ``Accept-Encoding`` names gzip and gives it any weight."""
    for item in request.headers.get("Accept-Encoding", "").lower().split(","):
        coding, _, weight = item.replace(" ", "").partition(";")
        if coding == "gzip":
            return re.fullmatch(r"q=0(\.0*)?", weight) is None
    return False
