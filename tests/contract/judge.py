"""Judges the answers of a test run by the OpenAPI documents of those who got them (contract.md §5.4, number 24).

The fingerprint of an answer says which contract its caller had: a document serves all answers with one fingerprint, so
it is made once per user and policy.
"""

from __future__ import annotations

import gzip
from collections import OrderedDict
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.db import connection

from api.address import read
from tests.api.wire import ROOT, Wire
from tests.openapi.validate import Contract

if TYPE_CHECKING:
    from tests.api.wire import Answer

# Where no document can be asked for: the test takes something away that the document needs as well.
UNKNOWN = (500, 503)
KEPT = 10


class Judge:
    """Called after each request; raises ``AssertionError`` for an answer that its caller's document does not allow."""

    def __init__(self) -> None:
        self.contracts: OrderedDict[str, Contract] = OrderedDict()
        self.judged = 0
        self._busy = False

    def __call__(self, wire: Wire, method: str, path: str, answer: Answer) -> None:
        fingerprint = answer.headers.get("Contract-Fingerprint")
        if fingerprint is None or self._busy or answer.status in UNKNOWN:
            return
        where = urlsplit(path).path
        if not where.startswith("/sdata/") or read(where).classic:
            return  # pages for people; XML, which its own schemas describe
        contract = self.contracts.get(fingerprint) or self._asked(wire, fingerprint)
        if contract is not None:
            self.contracts.move_to_end(fingerprint)
            zipped = answer.headers.get("Content-Encoding") == "gzip"
            body = gzip.decompress(answer.body) if zipped and answer.body else answer.body
            found = contract.problems(method, path, answer.status, answer.headers, body)
            assert not found, (method, path, answer.status, found[:5])
            self.judged += 1

    def _asked(self, wire: Wire, fingerprint: str) -> Contract | None:
        """Ask for the document, unseen by a test that counts statements."""
        log, before = connection.queries_log, len(connection.queries_log)
        self._busy = True
        try:
            answer = Wire(wire.headers).get(f"{ROOT}/$openapi")
        finally:
            self._busy = False
            while len(log) > before:
                log.pop()
        if answer.status != 200 or answer.headers["Contract-Fingerprint"] != fingerprint:
            return None  # credentials of one request only, or rights that this very request changed
        while len(self.contracts) >= KEPT:
            self.contracts.popitem(last=False)
        self.contracts[fingerprint] = Contract(answer.json)
        return self.contracts[fingerprint]
