"""The sentences of the document; none names a kind or a field but by its declaration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entities.registry import Entity

DISCOVERY = "Discovery"
DISCOVERY_TEXT = "What there is for you: the service, yourself, kinds and fields, this document."

ACTIONS = {
    "list": "A page of the records that you can see. Follow `$links.$next` to read them all.",
    "query": "The same page as GET with the same parameters, which stand in the body: a long condition fits there.",
    "retrieve": "One record. In the parentheses stands its key; a condition that exactly one record meets also does.",
    "explain": (
        "Why you, or somebody else, may or may not do something to the record or a field of it: every rule that was"
        " asked, and the one that decided."
    ),
    "create": (
        "Stores a new record and answers it as you see it. If you may not see it, the answer is its key, title and"
        " address."
    ),
    "batch": (
        "Many records in one request, up to 1,000 in 16 MiB: an array of new records, or items with methods of their"
        " own. Each item is done and answered as a request of its own, in order; one that is refused leaves the others"
        " alone, unless `atomic=true`."
    ),
    "update": "Changes the members that are sent and no others, like PATCH; never creates.",
    "partial_update": "Changes the members that are sent and no others. What was read may be sent back unchanged.",
    "destroy": "Deletes the record, with what belongs to it.",
    "run": "Answers 409 where the present state does not allow it; a record links what is possible now.",
}
UPSERTS = (
    "Changes the members that are sent and no others, like PATCH. With an external key in the parentheses, such as"
    " `Company(Comp_IntForeignId eq 'ERP-1001')`, it creates the record if you see none with that key."
)
_SUMMARIES = {
    "list": "List {plural}",
    "query": "List {plural} by a query in the body",
    "retrieve": "Read one {label}",
    "explain": "Explain what one may do with a {label}",
    "create": "Create a {label}",
    "batch": "Write many {plural}",
    "update": "Change one {label} (PUT)",
    "partial_update": "Change one {label}",
    "destroy": "Delete one {label}",
}


def summary(action: str, target: Entity, parent: Entity | None, relation: str) -> str:
    """Return the title of an operation on records; ``relation`` names a to-one relation of ``parent``."""
    if parent and relation:
        return f"Read the {relation} of a {parent.label}"
    text = _SUMMARIES[action].format(plural=target.plural, label=target.label)
    return f"{text} of a {parent.label}" if parent else text


@dataclass(frozen=True)
class Page:
    """An address of discovery: its operation, texts, the component of its answer, what it refuses beyond the usual."""

    operation: str
    summary: str
    description: str
    schema: str
    refusals: tuple[int, ...] = ()
    tagged: bool = False
    media_type: str = "application/json"
    parameters: tuple[str, ...] = ()
    body: str = ""


PAGES = {
    "PolicyPreviewView": Page(
        "previewPolicy",
        "Try a change of policy out",
        "Who would gain or lose how many records and which fields. Nothing is changed. Needs the function right"
        " `preview`.",
        "PolicyPreview",
        (403, 404, 413, 415),
        body="PolicyChanges",
    ),
    "ServiceRootView": Page(
        "getService", "The service", "Links to everything that you can reach: start here.", "ServiceRoot"
    ),
    "WhoAmIView": Page("getWhoAmI", "The current user", "Who you are and what you may do with each kind.", "WhoAmI"),
    "PrototypesView": Page("listPrototypes", "Kinds", "The kinds that exist for you, on one page.", "PrototypeFeed"),
    "PrototypeView": Page(
        "getPrototype",
        "The fields of a kind",
        "Names, titles, types, codes and flags of the fields that you can read. The tag is the fingerprint.",
        "Prototype",
        refusals=(404,),
        tagged=True,
    ),
    "QuickFindView": Page(
        "quickFind",
        "Quick find",
        "The records of one kind in whose searched fields every word of `query` occurs; titles that begin with it come"
        " first.",
        "QuickFindFeed",
        parameters=("QuickFindQuery", "QuickFindEntity", "StartIndex", "Count", "After"),
    ),
    "OpenApiView": Page(
        "getOpenApi",
        "This document",
        "Your own OpenAPI document. `/openapi.json` and `/openapi.yaml` at the root of the host answer it, too.",
        "OpenApiDocument",
        tagged=True,
    ),
    "DocumentationView": Page(
        "getDocumentation",
        "The guide",
        "A page for people. `/docs/` and `/docs/redoc/` at the root of the host answer it, too.",
        "",
        media_type="text/html",
    ),
}


@dataclass(frozen=True)
class Refusal:
    """A refusal: its component name and why it happens."""

    name: str
    description: str


REFUSALS = {
    400: Refusal("BadRequest", "The request cannot be understood: a parameter, a condition, a member of the body."),
    401: Refusal("Unauthorized", "No credentials, or wrong ones: one text for all causes."),
    403: Refusal("Forbidden", "You see it, and may not do this."),
    404: Refusal("NotFound", "There is nothing there, or nothing that you can see."),
    409: Refusal(
        "Conflict",
        "The present state does not allow it, the record is still in use, or a request with this key still runs.",
    ),
    412: Refusal("PreconditionFailed", "The record has another tag by now than the one that was sent."),
    413: Refusal("BodyTooLarge", "The body is too large, or holds too many items or children."),
    414: Refusal("UrlTooLong", "The address is too long."),
    415: Refusal("UnsupportedMediaType", "The body is not JSON in UTF-8."),
    422: Refusal("KeyReused", "The Idempotency-Key was used with another body."),
    429: Refusal("TooManyRequests", "Too many failed log-ins from your network: wait, then try again."),
    500: Refusal("InternalError", "Something went wrong; the text holds the request's id for the administrator."),
    503: Refusal("Unavailable", "Not now: the database is busy or the query took too long. Try again later."),
}

DESCRIPTION = """\
The records of the CRM over HTTP and JSON. This document is made from your own rights: it holds the kinds that exist for
you, the fields that you can read and the operations that you are offered.

**Log in** with every request: `Authorization: Basic …` or `Bearer …` (`X-Sage-Authorization` and `X-Authorization` take
the same values).

**Names** of kinds, fields and parameters are understood in any case; kinds in the singular and in the plural.

**Methods.** What is not listed at an address answers 405 with `Allow`. Every GET answers HEAD, every address OPTIONS.

**Parameters.** `_t`, `format`, `language`, `precedence`, `includeContent` and `_includeContent` are accepted
everywhere, without effect. Every other parameter that an address does not list is refused with 400.

**Clients ignore members and links that they do not know**: there will be more. `Contract-Fingerprint` says when.
"""
