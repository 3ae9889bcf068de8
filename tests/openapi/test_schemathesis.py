"""schemathesis against the served documents: no server error, no status and no answer that the document does not say.

Positive and negative data, as a sales person and as a partner; every write is undone at once. PARAPET_DEEP=1 tries the
boundaries of every parameter and member, and far more random data.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import one_of
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import GenerationConfig
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.wire import basic, login

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from schemathesis import BaseSchema, Case
    from schemathesis.filters import HasAPIOperation

DEEP = os.environ.get("PARAPET_DEEP", "") == "1"
SLICES = 24 if DEEP else 4
MODES = list(GenerationMode)
BOUNDARIES = ("listCompany", "createPhone")
# Not held against us, because the contract wants it: a parameter is judged before a right (§3), a quoted number is
# read as a number (§4), a condition of random text is refused (§9).
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
quickly = settings(
    max_examples=60 if DEEP else 3,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(params=[(user, part) for user in ("susan", "olivia") for part in range(SLICES)], ids=str)
def part(request: pytest.FixtureRequest) -> tuple[str, int]:
    """Return who asks, and which part of the operations is tried."""
    found: tuple[str, int] = request.param
    return found


@pytest.fixture
def keys(part: tuple[str, int]) -> Mapping[str, list[int]]:
    """Return keys that the user can see, by kind."""
    wire = login(part[0])
    return {kind: wire.keys(kind, count=20, select="$key", totals="none") for kind in wire.kinds()}


@pytest.fixture
def schema(part: tuple[str, int], keys: Mapping[str, list[int]]) -> Iterator[BaseSchema]:
    """Return a part of the user's document, served in this process and thread: requests leave the connection open."""
    user, number = part
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    headers = {"Authorization": basic(user)}
    found = schemathesis.openapi.from_wsgi("/openapi.json", app=get_wsgi_application(), headers=headers)

    def chosen(context: HasAPIOperation) -> bool:
        return crc32(context.operation.label.encode()) % SLICES == number

    yield found.include(chosen)
    for signal in signals:
        signal.connect(close_old_connections)


def test_the_server_keeps_to_the_document(
    schema: BaseSchema, part: tuple[str, int], keys: Mapping[str, list[int]], subtests: pytest.Subtests
) -> None:
    statuses = set()

    def judge(case: Case[Any]) -> None:
        aim(case, keys)
        with transaction.atomic():
            # Not compressed: the client over WSGI reads bytes as they come.
            response = case.call(headers={"Authorization": basic(part[0]), "Accept-Encoding": "identity"})
            transaction.set_rollback(True)
        statuses.add(response.status_code)
        case.validate_response(response, checks=CHECKS)

    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        with subtests.test(operation.label):
            if DEEP or operation.definition.raw["operationId"] in BOUNDARIES:
                config = GenerationConfig()
                for case in schema.iter_coverage_cases(operation, generation_modes=MODES, generation_config=config):
                    judge(case)
            made = [operation.as_strategy(generation_mode=mode) for mode in MODES]
            told = operation.get_strategies_from_examples()
            quickly(given(one_of(*told, *made))(judge))()
    assert {200, 201, 400, 404} <= statuses  # requests were understood and refused, records were found and not found


def aim(case: Case[Any], keys: Mapping[str, list[int]]) -> None:
    """Let whole numbers as keys mean records that exist; an old tag would let no body be read."""
    kinds = re.findall(r"/(\w+)\(", case.operation.path)
    names = re.findall(r"\{(key|parent)\}", case.operation.path)
    for kind, name in zip(kinds, names, strict=True):
        value = case.path_parameters.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and keys.get(kind):
            case.path_parameters[name] = keys[kind][value % len(keys[kind])]
    if case.headers:
        case.headers.pop("If-Match", None)
