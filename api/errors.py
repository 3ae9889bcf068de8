"""Every refusal of the wire contract, as ``$diagnoses`` (contract.md §19).

It decides codes and status, never whether something is allowed; it repeats no database text and no hidden name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from django.db import OperationalError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from api.query.errors import QueryError
from entities.rules.circumstances import RuleViolation
from security import errors as access_errors
from security.throttle import TooManyFailures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

log = structlog.get_logger(__name__)
APPLICATION = "ApplicationDiagnosis"


@dataclass(frozen=True)
class Diagnosis:
    """One entry of ``$diagnoses``; ``path`` is a parameter name or member path."""

    code: str
    message: str
    path: str = ""
    sdata_code: str = APPLICATION
    severity: str = "error"

    def body(self) -> dict[str, str]:
        """Return the diagnosis as it goes over the wire."""
        found = {
            "$severity": self.severity,
            "$sdataCode": self.sdata_code,
            "$applicationCode": self.code,
            "$message": self.message,
        }
        return found | {"$payloadPath": self.path} if self.path else found


@dataclass
class ApiError(Exception):
    """A refusal with its status, diagnoses and headers."""

    status: int
    diagnoses: Sequence[Diagnosis]
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, status: int, code: str, message: str, path: str = "", sdata_code: str = APPLICATION) -> ApiError:
        """Return a refusal with a single diagnosis."""
        return cls(status, [Diagnosis(code, message, path, sdata_code)])


def unknown_kind(typed: str) -> ApiError:
    """404 for a kind, relation or address that does not exist for the caller."""
    message = f"'{typed}' is not an address of this service." if typed else "There is nothing at this address."
    return ApiError.of(404, "UnknownPath", message, sdata_code="ResourceKindNotFound")


def record_not_found() -> ApiError:
    """404 for a missing, deleted or invisible record: one text for all."""
    return ApiError.of(404, "RecordNotFound", "There is no such record.")


def not_permitted() -> ApiError:
    """403 for something visible that the caller may not do."""
    return ApiError.of(403, "NotPermitted", "You may not do this.")


def outside_rights() -> ApiError:
    """403 for a result outside the caller's rights."""
    return ApiError.of(403, "OutsideYourRights", "The record would lie outside your rights; nothing was stored.")


def not_authenticated() -> ApiError:
    """401: one text for all causes."""
    return ApiError.of(401, "NotAuthenticated", "Valid credentials are needed.")


def too_many_requests() -> Diagnosis:
    """What is said with 429."""
    return Diagnosis("TooManyRequests", "Too many failed log-ins; try again later.", severity="transient")


def method_not_allowed(allowed: Sequence[str]) -> ApiError:
    """405 with the methods that the caller may use there."""
    error = ApiError.of(405, "MethodNotAllowed", "This address does not answer this method.")
    error.headers = {"Allow": ", ".join(allowed)}
    return error


RULE_STATUS = {"InUse": 409, "TransitionNotAllowed": 409, "NotPermitted": 403, "OutsideYourRights": 403}


def translate(error: Exception) -> ApiError:
    """Return the contract's refusal for any exception; what is unforeseen becomes a 500 without detail."""
    match error:
        case ApiError():
            return error
        case QueryError():
            return ApiError.of(400, error.application_code, error.message, error.path or "", error.sdata_code)
        case access_errors.RecordNotFound():
            return record_not_found()
        case access_errors.UnknownActor():
            return not_authenticated()
        case access_errors.NotPermitted():
            return not_permitted()
        case access_errors.OutsideYourRights():
            return outside_rights()
        case RuleViolation():
            return ApiError.of(RULE_STATUS.get(error.code, 400), error.code, error.message)
        case exceptions.UnsupportedMediaType():
            return ApiError.of(415, "UnsupportedMediaType", "Bodies are JSON in UTF-8 (application/json).")
        case TooManyFailures():
            return ApiError(429, [too_many_requests()], {"Retry-After": str(error.seconds)})
        case exceptions.AuthenticationFailed() | exceptions.NotAuthenticated():
            return not_authenticated()
        case OperationalError() if getattr(error.__cause__, "sqlstate", "") == "57014":
            return _transient(503, "QueryTimeout", "The query took too long; narrow it and try again.", "30")
        case OperationalError() if getattr(error.__cause__, "sqlstate", "") in ("40P01", "40001"):
            return _transient(503, "Unavailable", "Others were writing the same records; try again.", "1")
        case OperationalError():
            return _transient(503, "Unavailable", "The database cannot be reached; try again.", "30")
    return ApiError.of(500, "InternalError", "")


def _transient(status: int, code: str, message: str, seconds: str) -> ApiError:
    return ApiError(
        status, [Diagnosis(code, message, "", "ApplicationUnavailable", "transient")], {"Retry-After": seconds}
    )


def body_of(error: ApiError, request_id: str) -> dict[str, Any]:
    """Return the JSON body of a refusal."""
    diagnoses = error.diagnoses
    if error.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        message = f"Something went wrong on the server. Ask the administrator about {request_id}."
        diagnoses = [Diagnosis("InternalError", message, severity="fatal")]
    return {"$diagnoses": [diagnosis.body() for diagnosis in diagnoses]}


def exception_handler(exception: Exception, context: Mapping[str, Any]) -> Response:
    """Turn every exception of a view into ``$diagnoses`` (DRF's seam ``EXCEPTION_HANDLER``)."""
    request = context["request"]
    error = translate(exception)
    request_id = getattr(request, "request_id", "")
    if error.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("unhandled exception", request_id=request_id, exc_info=exception)
    set_rollback()
    headers = dict(error.headers)
    if (
        error.status == HTTPStatus.UNAUTHORIZED
        and request.headers.get("X-Authorization-Mode", "").lower() != "no-challenge"
    ):
        headers["WWW-Authenticate"] = 'Basic realm="CRM", charset="UTF-8", Bearer realm="CRM"'
    return Response(body_of(error, request_id), status=error.status, headers=headers)
