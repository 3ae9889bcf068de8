"""The OpenAPI document and the pages over it, below the base and at the root of the host (contract.md §5.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers

from api import prototypes
from api.base import SDataView
from api.discovery import NOTHING
from api.etags import matches
from api.guide import guide_for
from api.middleware import VARY
from api.openapi.document import document_for

if TYPE_CHECKING:
    from rest_framework.request import Request


# Swagger UI and Redoc style elements in place; Redoc searches in a worker.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class DocumentView(SDataView):
    """Base of what is also served at the root of the host."""

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Add what the middleware adds below ``/sdata/``."""
        found = super().finalize_response(request, response, *args, **kwargs)
        patch_vary_headers(found, VARY)
        return found


class OpenApiView(DocumentView):
    """``GET {root}/$openapi``: the caller's own document; ``/openapi.json`` and ``/openapi.yaml`` answer it, too."""

    media_type = "application/json"

    def get(self, request: Request) -> HttpResponse:
        """Return the document; its tag is the fingerprint."""
        self.parameters(NOTHING)
        fingerprint = prototypes.contract_fingerprint(self.access)
        headers = {"ETag": f'"{fingerprint}"'}
        if matches(request.headers.get("If-None-Match", ""), fingerprint):
            return HttpResponse(status=304, headers=headers)
        found = document_for(request)
        write = found.json if self.media_type == "application/json" else found.yaml
        return HttpResponse(write(self.base()), content_type=self.media_type, headers=headers)


class PageView(DocumentView):
    """Base of the pages for people: HTML that runs no script but the host's own."""

    template = ""

    def get(self, request: Request) -> HttpResponse:
        """Return the page."""
        self.parameters(NOTHING)
        content = render_to_string(self.template, {"guide": guide_for(self.access, self.base())})
        return HttpResponse(content, headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY})


class DocumentationView(PageView):
    """``GET {root}/$docs``, ``/docs/``: the guide for partners with a console."""

    template = "docs/guide.html"


class RedocView(PageView):
    """``/docs/redoc/``: the document as a reference."""

    template = "docs/redoc.html"
