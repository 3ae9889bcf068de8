"""What the document says of ``$explain``: its parameters, its answer and an example of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.openapi.shared import CONTRACT_HEADERS, FLAG, INT32, MOMENT, TEXT, URL, Schema, closed, ref

if TYPE_CHECKING:
    from entities.registry import Entity

PARAMETERS = ("ExplainedAction", "ExplainedField", "ExplainedUser", "ExplainedTime")


def parameters() -> dict[str, Schema]:
    """Return the parameters, by component name."""
    told = {
        "ExplainedAction": ("action", "`view`, `edit`, `delete`, or a business action of the kind.", "edit"),
        "ExplainedField": ("field", "A field: whether it may be read, or with `action=edit` written.", None),
        "ExplainedUser": (
            "user",
            "Somebody else, by log-on name or key: needs the function right `explain_others`.",
            None,
        ),
        "ExplainedTime": ("at", "Answer from the policy as it was recorded then.", None),
    }
    return {
        name: {"name": parameter, "in": "query", "description": text, "schema": TEXT}
        | ({"examples": {"demo": {"value": example}}} if example else {})
        for name, (parameter, text, example) in told.items()
    }


def schemas() -> dict[str, Schema]:
    """Return the components of the answer, by name."""
    reasons = {"type": "array", "items": ref("Reason")}
    record = closed({"$key": INT32, "$url": URL, "$title": TEXT}, ("$key",))
    return {
        "Reason": closed(
            {
                "$rule": TEXT | {"description": "The rule in words."},
                "$matched": FLAG | {"description": "Whether it reaches the record."},
                "$why": TEXT,
                "$deciding": FLAG | {"description": "Whether it decided."},
                "$source": closed({"$table": TEXT, "$key": INT32}, description="The row of the policy that says so."),
                "$reasons": reasons | {"description": "The reasons of what it rests on."},
            },
            ("$rule", "$matched", "$why", "$deciding"),
        ),
        "PolicyChange": {
            "type": "object",
            "description": "A change of one row of the policy; without `$key` a new row.",
            "properties": {"$table": TEXT, "$key": INT32, "$remove": FLAG},
            "required": ["$table"],
        },
        "Explanation": closed(
            {
                "$url": URL,
                "$title": TEXT,
                "$record": record,
                "$user": record,
                "$action": TEXT,
                "$at": MOMENT,
                "$allowed": FLAG | {"description": "Whether all that was asked is allowed."},
                "$reasons": reasons,
                "$field": closed({"$name": TEXT, "$allowed": FLAG, "$reasons": reasons}),
                "$changes": {
                    "type": "array",
                    "description": "For a denial: each of these would turn it round, the smallest first.",
                    "items": closed({"$title": TEXT, "$changes": {"type": "array", "items": ref("PolicyChange")}}),
                },
            },
            ("$url", "$title", "$record", "$user", "$action", "$allowed", "$reasons", "$changes"),
        ),
    }


def previews() -> dict[str, Schema]:
    """Return the components of a preview of policy, by name."""
    names = {"type": "array", "items": TEXT}
    count = INT32 | {"minimum": 0}
    rows = closed({"$resourceKind": TEXT, "$action": TEXT, "$gained": count, "$lost": count})
    lists = dict.fromkeys(("$readGained", "$readLost", "$writeGained", "$writeLost"), names)
    person = closed(
        {
            "$user": closed({"$key": INT32, "$url": URL, "$title": TEXT}, ("$key",)),
            "$rows": {"type": "array", "items": rows},
            "$fields": {"type": "array", "items": closed({"$resourceKind": TEXT} | lists)},
        },
        ("$user",),
    )
    changes = {"type": "array", "items": ref("PolicyChange"), "minItems": 1, "maxItems": 50}
    return {
        "PolicyChanges": closed({"$changes": changes}),
        "PolicyPreview": closed(
            {"$url": URL, "$title": TEXT, "$users": {"type": "array", "items": person}},
            description="Who gains or loses what; whoever is not named keeps everything.",
        ),
    }


def preview_examples(base: str) -> dict[str, Any]:
    """Return examples of a preview, by component name."""
    right = {"$table": "ProfileRight", "$key": 7, "edit": True}
    rows = [{"$resourceKind": "Company", "$action": "edit", "$gained": 12, "$lost": 0}]
    answer = {"$url": f"{base}/$policy/preview", "$title": "Preview", "$users": [{"$user": {"$key": 2}, "$rows": rows}]}
    return {"PolicyChanges": {"value": {"$changes": [right]}}, "PolicyPreview": {"value": answer}}


def answer(entity: Entity) -> Schema:
    """Return what a question about a record of ``entity`` is answered with."""
    return {
        "description": "The verdict and its reasons.",
        "headers": CONTRACT_HEADERS,
        "content": {"application/json": {"schema": ref("Explanation"), "examples": {"demo": _example(entity)}}},
    }


def _example(entity: Entity) -> dict[str, Any]:
    return ref(f"{entity.kind}Explanation", "examples")


def example(url: str, title: str, key: int) -> dict[str, Any]:
    """Return an example about the record ``key`` at ``url``."""
    rule = "Profile Sales: view in the user's home territory or below it."
    reason = {"$rule": rule, "$matched": True, "$why": "The record lies in one of these territories."}
    return {
        "$url": f"{url}/$explain?action=view",
        "$title": "Explanation",
        "$record": {"$key": key, "$url": url, "$title": title},
        "$user": {"$key": 2},
        "$action": "view",
        "$allowed": True,
        "$reasons": [reason | {"$deciding": True, "$source": {"$table": "ProfileRight", "$key": 7}}],
        "$changes": [],
    }
