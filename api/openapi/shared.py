"""The components that are the same for every caller: links, feeds, prototypes, refusals, parameters, headers.

Nothing here names a kind or a field. ``generator`` drops from a document what it does not use.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

INT32: Schema = {"type": "integer", "format": "int32"}
TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
URL: Schema = {"type": "string", "format": "uri"}
MOMENT: Schema = {"type": "string", "format": "date-time", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}


def ref(name: str, section: str = "schemas") -> Schema:
    """Return a reference to a component."""
    return {"$ref": f"#/components/{section}/{name}"}


def closed(properties: Schema, required: tuple[str, ...] | None = None, **more: Any) -> Schema:
    """Return the schema of an object with these members and no others; all are required unless ``required`` says."""
    names = list(properties if required is None else required)
    found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return found | ({"required": names} if names else {}) | more


def members(names: dict[str, str], schema: Schema) -> Schema:
    """Return ``{name: schema}``, each with the description that ``names`` gives."""
    return {name: schema | {"description": text} for name, text in names.items()}


_NAMES: Schema = {"oneOf": [TEXT, {"type": "array", "items": TEXT}]}
_FEED_LINKS = {
    "$self": "This page.",
    "$first": "The first page.",
    "$previous": "The page before this one.",
    "$next": "The page after this one; exists if and only if there is a further record.",
    "$last": "The last page; exists if the total is known.",
    "$prototype": "The fields of the records.",
    "$query": "Where the query is posted as a body, for long ones.",
    "$insert": "Where a new record is posted; exists if you may.",
    "$batch": "Where many records are posted; exists if you may insert them.",
}
_PROTOTYPE_FLAGS = {
    "$isMandatory": "Required by the kind or by field security.",
    "$isReadOnly": "You cannot write it.",
    "$isHidden": "Always false: what you cannot read is not listed.",
}
_LIMITS = (
    "$defaultCount",
    "$maxCount",
    "$maxWhereLength",
    "$maxWhereDepth",
    "$maxWhereClauses",
    "$maxInList",
    "$maxBatchItems",
)
_APPLICATION_CODES = """
BatchRolledBack IdempotencyKeyReused RequestInProgress RolledBack TooManyItems
BadHost BadJson BadParameterValue BadReference BadSelector BodyTooLarge BusinessRule ConflictingMembers CrossOrigin
CursorInvalid DuplicateMember HttpsRequired InUse InternalError LimitExceeded MethodNotAllowed NotAChoice
NotAuthenticated NotPermitted NotSortable OutsideYourRights PreconditionFailed QueryTimeout ReadOnly RecordNotFound
RepeatedParameter Required SelectorNotUnique TooLong TooManyRequests TransitionNotAllowed TypeMismatch Unavailable
UnknownMember UnknownName UnknownParameter UnknownPath UnsupportedMediaType UrlTooLong WhereSyntax WrongType
"""
_SDATA_CODES = """
ApplicationDiagnosis ApplicationNotFound ApplicationUnavailable BadQueryParameter BadUrlSyntax BadWhereSyntax
ContractNotFound DatasetNotFound ResourceKindNotFound
"""

SCHEMAS: dict[str, Schema] = {
    "Reference": closed(
        {
            "$key": INT32 | {"description": "The record's key."},
            "$url": URL | {"description": "Its address."},
            "$title": TEXT | {"description": "Its title, as far as you may read it."},
        },
        description="A record, by key, address and title.",
    ),
    "Linked": {
        "type": "object",
        "description": "A linked record: key, address and title; with `include` or `select` the members of its kind.",
        "properties": {"$key": INT32, "$url": URL, "$title": TEXT},
        "required": ["$key", "$url", "$title"],
    },
    "LinkedCollection": closed(
        {
            "$url": URL | {"description": "Where the whole collection is."},
            "$totalResults": INT32 | {"description": "How many there are that you can see.", "minimum": 0},
            "$resources": {"type": "array", "items": ref("Linked"), "maxItems": 100},
        },
        description="The first records of an included collection.",
    ),
    "ReferenceInput": {
        "type": ["object", "null"],
        "description": "Another spelling of the reference field: only `$key` is read; null empties the field.",
        "properties": {"$key": INT32},
        "required": ["$key"],
    },
    "LinkMethod": {"type": "string", "enum": ["POST", "PUT", "PATCH", "DELETE"]},
    "Link": closed(
        {
            "$url": URL,
            "$title": TEXT,
            "$method": ref("LinkMethod") | {"description": "Absent: GET."},
            "$type": TEXT | {"description": "The media type behind the link, where it helps."},
            "$request": {
                "anyOf": [URL, ref("LinkRequest")],
                "description": "The prototype of the body that is expected, or the parameters themselves.",
            },
            "$body": ref("Query") | {"description": "The body to send."},
        },
        ("$url",),
        description="Where one can go from here. A link is there if and only if you may follow it now.",
    ),
    "LinkRequest": closed({"$properties": {"type": "object", "additionalProperties": {"type": "object"}}}),
    "Query": closed(
        {
            "where": TEXT | {"description": "A condition."},
            "orderBy": _NAMES,
            "select": _NAMES,
            "include": _NAMES,
            "count": INT32 | {"minimum": 0},
            "startIndex": INT32 | {"minimum": 1},
            "totals": ref("Totals"),
            "after": TEXT | {"description": "The cursor of a `$next` link."},
        },
        (),
        description="What the parameters of the same names say of a page. Lists are arrays, or texts with commas.",
    ),
    "ActionLink": closed(
        {
            "$url": URL,
            "$title": TEXT,
            "$method": ref("LinkMethod"),
            "$request": closed({"$properties": {"type": "object", "additionalProperties": ref("ActionParameter")}}),
        },
        description="What can be done to the record now. `$request` names the members that the body may have.",
    ),
    "ActionParameter": closed(
        {"$title": TEXT, "$type": ref("PrototypeType"), "$isMandatory": FLAG},
        description="A member of an action's body, described further in the prototype of the kind.",
    ),
    "FeedLinks": closed(members(_FEED_LINKS, ref("Link")), ("$self", "$first", "$prototype")),
    "Rights": closed(dict.fromkeys(("$view", "$edit", "$insert", "$delete"), FLAG)),
    "Contract": closed(
        {
            "$version": TEXT | {"pattern": r"^\d+\.\d+$"},
            "$fingerprint": TEXT | {"description": "Changes if and only if something changes that you can see."},
        }
    ),
    "Labels": {"oneOf": [TEXT, {"type": "array", "items": TEXT}]},
    "Totals": {"type": "string", "enum": ["exact", "none"]},
    "Severity": {"type": "string", "enum": ["warning", "transient", "error", "fatal"]},
    "SDataCode": {"type": "string", "enum": _SDATA_CODES.split()},
    "ApplicationCode": {"type": "string", "enum": _APPLICATION_CODES.split()},
    "Diagnosis": closed(
        {
            "$severity": ref("Severity"),
            "$sdataCode": ref("SDataCode"),
            "$applicationCode": ref("ApplicationCode") | {"description": "Branch on this, never on the message."},
            "$message": TEXT,
            "$payloadPath": TEXT | {"description": "The parameter or the member of the body at fault."},
        },
        ("$severity", "$sdataCode", "$applicationCode", "$message"),
    ),
    "Diagnoses": closed({"$diagnoses": {"type": "array", "items": ref("Diagnosis"), "minItems": 1}}),
    "PrototypeChoice": closed({"$value": TEXT, "$title": TEXT}),
    "PrototypeItem": closed(
        {
            "$type": TEXT,
            "$maxLength": INT32,
            "$enum": {"type": "array", "items": ref("PrototypeChoice")},
            "$resourceKind": TEXT,
            "$url": TEXT | {"description": "A template: the name in braces is a field of the record."},
        },
        (),
    ),
    "PrototypeType": {
        "type": "string",
        "enum": [
            f"sdata/{name}"
            for name in ("string", "integer", "number", "boolean", "datetime", "choice", "array", "reference")
        ],
    },
    "PrototypeProperty": closed(
        {"$title": TEXT, "$type": ref("PrototypeType")}
        | members(_PROTOTYPE_FLAGS, FLAG)
        | {
            "$capabilities": TEXT | {"description": "Some of filter, sort, search, upsert, separated by commas."},
            "$isUniqueKey": FLAG,
            "$maxLength": INT32,
            "$format": TEXT,
            "$totalDigits": INT32,
            "$fractionDigits": INT32,
            "$relation": TEXT | {"description": "The kind that a reference names."},
            "$default": {"type": ["string", "number", "boolean", "array", "null"], "items": TEXT},
            "$item": ref("PrototypeItem"),
            "$links": {"type": "object", "additionalProperties": ref("Link")},
        },
        ("$title", "$type", *_PROTOTYPE_FLAGS, "$capabilities"),
    ),
    "Prototype": closed(
        {
            **dict.fromkeys(("$title", "$pluralName"), TEXT),
            **dict.fromkeys(("$baseUrl", "$url"), URL),
            "$resourceId": INT32,
            "$resourceKind": ref("Kind"),
            "$keyProperty": TEXT,
            "$rights": ref("Rights"),
            "$limits": closed(dict.fromkeys(_LIMITS, INT32)),
            "$fingerprint": TEXT,
            "$properties": {
                "type": "object",
                "description": "The fields that you can read, by name, and the relations that you can follow.",
                "additionalProperties": ref("PrototypeProperty"),
            },
            "$links": closed(dict.fromkeys(("$self", "$list", "$insert"), ref("Link")), ("$self",)),
        },
        description="What you may know and do about one kind.",
    ),
    "PrototypeSummary": closed(
        {"$title": TEXT, "$baseUrl": URL, "$url": URL, "$resourceId": INT32, "$resourceKind": ref("Kind")}
    ),
    "PrototypeFeed": closed(
        {
            "$title": TEXT,
            "$url": URL,
            "$baseUrl": URL,
            **dict.fromkeys(("$totalResults", "$startIndex", "$itemsPerPage"), INT32),
            "$resources": {"type": "array", "items": ref("PrototypeSummary")},
        }
    ),
    "OpenApiDocument": {
        "type": "object",
        "description": "An OpenAPI 3.1 document.",
        "properties": {"openapi": TEXT, "info": {"type": "object"}, "paths": {"type": "object"}},
        "required": ["openapi", "info", "paths"],
    },
}

HEADERS: dict[str, Schema] = {
    "RequestId": {
        "description": "The request's id: yours, if you sent one.",
        "required": True,
        "schema": TEXT | {"pattern": "^[A-Za-z0-9._-]{1,64}$"},
    },
    "ContractVersion": {"description": "The version of the contract.", "required": True, "schema": TEXT},
    "ContractFingerprint": {
        "description": "The fingerprint of your contract: unequal to the last one, read `$prototypes` again.",
        "required": True,
        "schema": TEXT,
    },
    "ETag": {"description": "The tag of what you see, for `If-Match` and `If-None-Match`.", "schema": TEXT},
    "Location": {"description": "The address of the new record.", "required": True, "schema": URL},
    "PreferenceApplied": {"description": "The preference that was honoured.", "schema": TEXT},
    "IdempotencyReplayed": {
        "description": "`true`: this was done before, and is only answered again.",
        "schema": TEXT | {"enum": ["true"]},
    },
    "RetryLater": {"description": "Seconds to wait, where waiting helps.", "schema": TEXT | {"pattern": r"^\d+$"}},
    "RetryAfter": {"description": "Seconds to wait.", "required": True, "schema": TEXT | {"pattern": r"^\d+$"}},
    "Challenge": {"description": "The ways to log in.", "schema": TEXT},
}
EVERY_HEADER = {"X-Request-Id": ref("RequestId", "headers")}
CONTRACT_HEADERS = EVERY_HEADER | {
    "Contract-Version": ref("ContractVersion", "headers"),
    "Contract-Fingerprint": ref("ContractFingerprint", "headers"),
}
