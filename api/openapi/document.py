"""Documents as bytes, made once per contract: callers with equal shapes and language share one.

The address of the base is filled in when a document is served, so that none is kept per host, which a client chooses.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, cast

import orjson
from drf_spectacular.renderers import OpenApiYamlRenderer

from api import prototypes
from api.openapi.examples import BASE
from api.openapi.generator import Generator

if TYPE_CHECKING:
    from rest_framework.request import Request

    from api.authentication import Caller

KEPT = 32
_lock = Lock()
_documents: OrderedDict[str, Document] = OrderedDict()


@dataclass(frozen=True)
class Document:
    """A caller's document in JSON, without its base."""

    content: bytes

    def json(self, base: str) -> bytes:
        """Return the document in JSON; ``base`` is the absolute address of the contract."""
        return self.content.replace(BASE.encode(), base.encode())

    def yaml(self, base: str) -> bytes:
        """Return the document in YAML."""
        return self._yaml.replace(BASE.encode(), base.encode())

    @cached_property
    def _yaml(self) -> bytes:
        return cast("bytes", OpenApiYamlRenderer().render(orjson.loads(self.content)))


def document_for(request: Request) -> Document:
    """Return the document of the request's caller."""
    access = cast("Caller", request.user).access
    key = prototypes.contract_fingerprint(access)
    with _lock:
        found = _documents.get(key)
        if found is not None:
            _documents.move_to_end(key)
            return found
    made = Document(orjson.dumps(Generator().get_schema(request=request)))
    with _lock:
        _documents[key] = made
        while len(_documents) > KEPT:
            _documents.popitem(last=False)
    return made
