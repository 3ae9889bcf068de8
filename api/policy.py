"""``POST $policy/preview``: what a change of policy would do, for those with the function right to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.response import Response

from api.errors import ApiError, Diagnosis, not_permitted
from api.query.bind import unknown_name
from api.records import RecordView
from entities.registry import registry
from security import gate
from security.changes import Change, apply
from security.errors import Invalid
from security.preview import Effect, effects, seen_by

if TYPE_CHECKING:
    from rest_framework.request import Request

    from security.access import Access

MOST = 50
_FIELDS = ("$readGained", "$readLost", "$writeGained", "$writeLost")
_REFERENCES = {
    "user": "Users",
    "team": "Channel",
    "primary_team": "Channel",
    "territory": "Territories",
    "home_territory": "Territories",
}


class PolicyPreviewView(RecordView):
    """Tries changes of policy out and takes them back."""

    def may(self, method: str) -> bool:
        """Whether the caller has the function right."""
        return method == "OPTIONS" or "preview" in self.access.actor.functions

    def locate(self, request: Request) -> None:
        """The address exists for everybody; the right is asked for with the method."""

    def preview(self, request: Request) -> Response:
        """Answer who would gain or lose how many records and which fields; raises 400 for what cannot be changed."""
        self.parameters(frozenset())
        if not self.may("POST"):
            raise not_permitted()
        self.require_json()
        changes = read_changes(self.access, self.content())
        try:
            _, told = effects(lambda: apply(changes))
        except Invalid as error:
            raise ApiError(400, [Diagnosis(code, text, name) for name, code, text in error.problems]) from None
        url = f"{self.base()}/$policy/preview"
        told = seen_by(self.access, told)
        people = gate.titles(self.access, {"Users": {effect.user for effect in told}})
        shown = [_person(effect, people.get(("Users", effect.user)), self.base()) for effect in told]
        return Response({"$url": url, "$title": "Preview", "$users": shown})


def read_changes(access: Access, body: Any) -> list[Change]:
    """Return the changes that a body names; raises 400 for what the caller does not know or cannot see."""
    wanted = body.get("$changes") if isinstance(body, dict) else None
    if not isinstance(wanted, list) or set(body) != {"$changes"} or not 0 < len(wanted) <= MOST:
        raise ApiError.of(400, "BadJson", f"The body is an object of $changes, an array of 1 to {MOST} changes.")
    return [_change(access, number, item) for number, item in enumerate(wanted)]


def _change(access: Access, number: int, item: Any) -> Change:
    path = f"$changes[{number}]"
    if not isinstance(item, dict) or not isinstance(item.get("$table"), str):
        raise ApiError.of(400, "Required", "A change names its $table.", path)
    key, remove = item.get("$key"), item.get("$remove", False)
    if not (key is None or _is_key(key)) or not isinstance(remove, bool):
        raise ApiError.of(400, "WrongType", "$key is a number, $remove true or false.", path)
    values = {name: value for name, value in item.items() if not name.startswith("$")}
    if set(item) - set(values) - {"$table", "$key", "$remove"}:
        raise ApiError.of(400, "UnknownMember", "A change has $table, $key, $remove and values.", path)
    _known(access, path, values)
    if item["$table"] == "User" and key is not None:
        _seen(access, path, "Users", key)
    return Change(item["$table"], key, values, remove)


def _is_key(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31


def _known(access: Access, path: str, values: dict[str, Any]) -> None:
    """Refuse kinds, fields and records that the caller does not know, as if there were none."""
    for name, kind in _REFERENCES.items():
        if values.get(name) is not None:
            _seen(access, f"{path}.{name}", kind, values[name])
    if "entity" not in values:
        return
    entity = registry().find(str(values["entity"]))
    if entity is None or not access.knows(entity):
        raise ApiError.of(400, "BadReference", "There is no such kind.", f"{path}.entity")
    if "field" in values and gate.resolve(access, entity, str(values["field"])) is None:
        raise unknown_name(str(values["field"]), entity, f"{path}.field")
    if "record" in values:
        _seen(access, f"{path}.record", entity.kind, values["record"])


def _seen(access: Access, path: str, kind: str, key: Any) -> None:
    if not _is_key(key) or not gate.allows(access, registry()[kind], "view", key):
        raise ApiError.of(400, "BadReference", "There is no such record.", path)


def _person(effect: Effect, title: str | None, base: str) -> dict[str, Any]:
    """Return what changes for one user."""
    link = {} if title is None else {"$url": f"{base}/Users('{effect.user}')", "$title": title}
    found: dict[str, Any] = {"$user": {"$key": effect.user} | link}
    rows = [
        {"$resourceKind": row.kind, "$action": row.action, "$gained": row.gained, "$lost": row.lost}
        for row in effect.rows
    ]
    fields = [
        {"$resourceKind": told.kind} | dict(zip(_FIELDS, map(list, told.lists), strict=True)) for told in effect.fields
    ]
    return found | ({"$rows": rows} if rows else {}) | ({"$fields": fields} if fields else {})
