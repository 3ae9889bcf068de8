"""Documents as bytes, made once per contract: callers with equal shapes and language share one."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, cast

import orjson
from drf_spectacular.renderers import OpenApiYamlRenderer

from api import prototypes
from api.openapi.generator import Generator, base_of

if TYPE_CHECKING:
    from rest_framework.request import Request

    from api.authentication import Caller

KEPT = 64
_lock = Lock()
_documents: OrderedDict[tuple[str, str], Document] = OrderedDict()


@dataclass(frozen=True)
class Document:
    """A caller's document, in JSON."""

    json: bytes

    @cached_property
    def yaml(self) -> bytes:
        """The document in YAML."""
        return cast("bytes", OpenApiYamlRenderer().render(orjson.loads(self.json)))


def document_for(request: Request) -> Document:
    """Return the document of the request's caller."""
    access = cast("Caller", request.user).access
    key = (prototypes.contract_fingerprint(access), base_of(request))
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
