"""What all addresses of the contract share: the order of checks, headers, parameters (contract.md §3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from api import prototypes
from api.address import MAIN, base_path
from api.authentication import Caller, CredentialsAuthentication, parameters_of
from api.errors import ApiError, method_not_allowed, named
from api.middleware import SAFE
from api.parsers import JsonNegotiation, StrictJSONParser
from api.query.limits import Limits, current_limits
from api.query.parameters import ENTRY, ListQuery, parse_list_query
from api.renderers import JSONRenderer
from entities.registry import Entity
from entities.rules.circumstances import RuleViolation
from security.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Collection

    from rest_framework.renderers import BaseRenderer
    from rest_framework.request import Request

    from security.plan import Access

MAX_TARGET = 8_000


class SDataView(APIView):
    """Base of all addresses below ``/sdata/``: authenticated, JSON, refusals in the contract's order."""

    authentication_classes = (CredentialsAuthentication,)
    permission_classes = (IsAuthenticated,)
    parser_classes = (StrictJSONParser,)
    renderer_classes: tuple[type[BaseRenderer], ...] = (JSONRenderer,)
    content_negotiation_class = JsonNegotiation
    contract = MAIN

    @property
    def default_response_headers(self) -> dict[str, str]:
        """``Allow`` is said where it is asked for, and to this caller's measure; nowhere else."""
        return {}

    @property
    def caller(self) -> Caller:
        """The authenticated user; its class is ours, not Django's."""
        return cast("Caller", self.request.user)

    @property
    def access(self) -> Access:
        """What the caller may do."""
        return self.caller.access

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer the request, and leave no ring of references: it would hold bodies until garbage is collected."""
        response = super().dispatch(request, *args, **kwargs)
        self.request.parser_context.clear()
        vars(self).clear()
        if isinstance(response, Response):
            response.add_post_render_callback(_let_go)
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check in the contract's order: 429, 401, 414, 404, 405."""
        super().initial(request, *args, **kwargs)
        if len(request.META.get("RAW_URI", "") or request.get_full_path()) > MAX_TARGET:
            message = f"A request target has at most {MAX_TARGET} bytes."
            raise ApiError.of(414, "UrlTooLong", message, sdata_code="BadUrlSyntax")
        self.locate(request)
        if request.method != "OPTIONS" and (request.method or "") not in self.methods():
            raise method_not_allowed([method for method in self.methods() if self.may(method)])

    def locate(self, request: Request) -> None:
        """Raise 404 where the address does not exist for the caller."""

    def methods(self) -> list[str]:
        """Return the methods that the address has, whoever asks."""
        named = [name.upper() for name in self.http_method_names if hasattr(self, name) and name != "options"]
        return [*named, "HEAD", "OPTIONS"] if "GET" in named and "HEAD" not in named else [*named, "OPTIONS"]

    def may(self, method: str) -> bool:
        """Whether the caller may use ``method`` here; asked for ``Allow``."""
        return True

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """Answer 204 with the methods that the caller may use here."""
        return Response(status=204, headers={"Allow": ", ".join(m for m in self.methods() if self.may(m))})

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Add the contract's headers once the caller is known."""
        found = super().finalize_response(request, response, *args, **kwargs)
        if isinstance(getattr(request, "_user", None), Caller):
            found["Contract-Version"] = "1.0"
            found["Contract-Fingerprint"] = prototypes.contract_fingerprint(self.access)
        safe = request.method in SAFE and found.status_code < 400
        found["Cache-Control"] = "private, no-cache" if safe else "private, no-store"
        return found

    def handle_exception(self, exc: Exception) -> Response:
        """Name the members at fault where the caller can read them; of others say nothing (security.md §6, row 10)."""
        entity = getattr(self, "target", None)
        if isinstance(entity, Entity) and isinstance(exc, RuleViolation | Invalid):
            exc = named(exc, self.access, entity)
        return super().handle_exception(exc)

    def base(self) -> str:
        """Return the absolute address of the contract's base, as the client reached it."""
        root = settings.PUBLIC_BASE_URL
        if not root or (self.request.is_secure() and root.startswith("http:")):  # https never yields http
            root = f"{self.request.scheme}://{self.request.get_host()}"
        return f"{root}{base_path(self.contract)}"

    def limits(self) -> Limits:
        """Return how much a query may ask for."""
        return current_limits()

    def parameters(self, allowed: Collection[str] = ENTRY) -> ListQuery:
        """Return the request's query parameters; raises 400 for any that the address does not take."""
        return parse_list_query(parameters_of(self.request), allowed, limits=self.limits())


def _let_go(response: Response) -> None:
    vars(response).pop("renderer_context", None)  # in which the response stands itself
