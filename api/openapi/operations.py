"""Every operation of the document, told from its route and the caller's contract (drf-spectacular's ``AutoSchema``).

What the caller is not offered is no operation. Bodies and answers are references to components; ``generator`` adds
those that are told by more than one operation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent

from api import prototypes
from api.actions import ActionViewSet
from api.openapi import actions, credentials, explained, many, records, texts
from api.openapi.offered import offered
from api.openapi.shared import CONTRACT_HEADERS, Schema, ref
from api.policy import PolicyPreviewView
from api.records import RecordView
from api.relations import RelatedViewSet
from api.serializers import WireField, serializer_for

if TYPE_CHECKING:
    from drf_spectacular.utils import Direction

    from api.base import SDataView
    from entities.registry import Entity
    from entities.workflow import Transition
    from security.access import Access

VERBS = {
    "list": "list",
    "query": "query",
    "create": "create",
    "batch": "batch",
    "retrieve": "get",
    "explain": "explain",
    "update": "replace",
    "partial_update": "update",
    "destroy": "delete",
}
ALWAYS = (400, 401, 414, 429, 500, 503)
REFUSALS: dict[str, tuple[int, ...]] = {
    "list": (403, 404),
    "query": (403, 404, 413, 415),
    "retrieve": (403, 404),
    "explain": (403, 404),
    "create": (403, 404, 409, 413, 415, 422),
    "batch": (403, 404, 409, 413, 415, 422),
    "update": (403, 404, 409, 412, 413, 415),
    "partial_update": (403, 404, 409, 412, 413, 415),
    "destroy": (403, 404, 409, 412),
    "run": (403, 404, 409, 412, 413, 415, 422),
}
FEED = ("StartIndex", "Count", "After", "TotalsParameter", "LabelsParameter")
RequestId = "RequestIdParameter"
__all__ = ["ContractSchema", "credentials"]


@dataclass(frozen=True)
class Record:
    """What a route of records is about: an action on records of ``target``, perhaps at a relation of ``parent``.

    ``step`` = the business action, where it is about one.
    """

    action: str
    target: Entity
    parent: Entity | None
    relation: str
    to_one: bool
    step: Transition | None = None

    @property
    def name(self) -> str:
        """The name in operation ids: ``Company``, ``CompanyPerson``."""
        return f"{self.parent.kind}{self.relation}" if self.parent else self.target.kind

    @property
    def creates(self) -> str:
        """The component name of the body that creates: a member of a collection needs less than a record alone."""
        return f"{self.name}Create"


def record_of(view: RecordView) -> Record:
    """Return what the route of ``view`` is about."""
    if isinstance(view, RelatedViewSet):
        link, field = view.collection, view.reference
        relation = link.kind if link else field.relation if field else ""
        return Record(view.action, view.target, view.parent, relation, to_one=link is None)
    step = view.transition if isinstance(view, ActionViewSet) else None
    return Record(view.action, view.target, None, "", to_one=False, step=step)


class ContractSchema(AutoSchema):
    """Describes the operations of the contract."""

    @property
    def access(self) -> Access:
        """The access of the caller whose document is made."""
        return records.access_of(self)

    @property
    def record(self) -> Record | None:
        """What a route of records is about; None for the addresses of discovery."""
        return record_of(self.view) if isinstance(self.view, RecordView) and not self._tries_out else None

    @property
    def _tries_out(self) -> bool:
        return isinstance(self.view, PolicyPreviewView)

    @property
    def page(self) -> texts.Page:
        """What is said of an address of discovery."""
        return texts.PAGES[type(self.view).__name__]

    def is_excluded(self) -> bool:
        """Leave out what the caller is not offered."""
        return not offered(cast("SDataView", self.view), self.method)

    def get_operation_id(self) -> str:
        """Return ``listCompany``, ``createCompanyPerson``, …"""
        about = self.record
        if about is None:
            return self.page.operation
        return f"{about.step.name if about.step else VERBS[about.action]}{about.name}"

    def get_tags(self) -> list[str]:
        """Group by the kind that the address begins with."""
        about = self.record
        return [(about.parent or about.target).kind] if about else [texts.DISCOVERY]

    def get_summary(self) -> str:
        """Return one line."""
        about = self.record
        if about is None:
            return self.page.summary
        if about.step is not None:
            return f"{about.step.title} a {about.target.label}"
        return texts.summary(about.action, about.target, about.parent, about.relation if about.to_one else "")

    def get_description(self) -> str:  # type: ignore[override]  # the signature that drf-spectacular gave it
        """Return what one needs to know beyond the schema."""
        about = self.record
        if about and self._upserts(about):
            return texts.UPSERTS
        return texts.ACTIONS[about.action] if about else self.page.description

    def _get_parameters(self) -> list[Schema]:
        about = self.record
        return [
            ref(name, "parameters") for name in (self._record_parameters(about) if about else self._page_parameters())
        ]

    def _page_parameters(self) -> list[str]:
        names = ["KindParameter"] if "{kind}" in self.path else []
        return [*names, *self.page.parameters, *(["IfNoneMatch"] if self.page.tagged else []), RequestId]

    def _record_parameters(self, about: Record) -> list[str]:
        kind = about.target.kind
        names = [f"{about.parent.kind}Parent"] if about.parent else []
        names += [f"{kind}Key"] if "{key}" in self.path else []
        if about.action == "list":
            names += [f"{kind}Where", f"{kind}OrderBy", *FEED]
        if about.action not in ("destroy", "query", "explain") and self.access.sees(about.target):
            names.append(f"{kind}Select")
            if prototypes.relations(self.access, about.target) or prototypes.collections(self.access, about.target):
                names.append(f"{kind}Include")
        per_action = {
            "explain": list(explained.PARAMETERS),
            "retrieve": ["LabelsParameter", "ReturnPartial", "IfNoneMatch"],
            "create": ["ReturnPartial", "AllowDuplicate", "Prefer", "IdempotencyKey"],
            "batch": ["Atomic", "ReturnPartial", "AllowDuplicate", "Prefer", "IdempotencyKey"],
            "update": ["ReturnPartial", "IfMatch", "Prefer", *(["OnlyNew"] if self._upserts(about) else [])],
            "partial_update": ["ReturnPartial", "IfMatch", "Prefer"],
            "destroy": ["IfMatch"],
            "run": ["ReturnPartial", "IfMatch", "Prefer", "IdempotencyKey"],
        }
        return [*names, *per_action.get(about.action, []), RequestId]

    def _upserts(self, about: Record) -> bool:
        """Whether PUT may create: at an external key in the parentheses of the address."""
        return about.action == "update" and about.parent is None and prototypes.upserts(self.access, about.target)

    def get_request_serializer(self) -> Any:
        """Return the serializer that reads the body."""
        about = self.record
        return serializer_for(self.access.shape(about.target)) if about else None

    def _get_serializer_field_meta(self, field: Any, direction: Direction) -> dict[str, Any]:
        if isinstance(field, WireField):
            return records.field_meta(field, direction, self.method)
        return cast("dict[str, Any]", AutoSchema._get_serializer_field_meta(self, field, direction))

    def _get_request_body(self, direction: Direction = "request") -> Schema | None:
        about = self.record
        if about is not None and about.action == "query":
            content = {"schema": ref("Query"), "examples": {"demo": ref(f"{about.target.kind}Query", "examples")}}
            return {"content": {"application/json": content}, "required": True}
        if about is not None and about.action == "batch":
            return many.batch_body(self, about.target)
        if about is not None and about.step is not None:
            return actions.request_body(self, about.target, about.step)
        found = AutoSchema._get_request_body(self, direction) if about else None
        if about is None and self.page.body:
            content = {"schema": ref(self.page.body), "examples": {"demo": ref(self.page.body, "examples")}}
            return {"content": {"application/json": content}, "required": True}
        if about is None or found is None:
            return None
        example = records.body_name(about.target.kind, self.method)
        for content in found["content"].values():
            if about.parent and about.action == "create":
                example = about.creates
                content["schema"] = self._member_body(about, content["schema"])
            content["examples"] = {"demo": ref(example, "examples")}
            if about.action == "create" and not about.parent and prototypes.nestable(self.access, about.target):
                content["examples"]["children"] = ref(f"{about.target.kind}CreateWithChildren", "examples")
        return {**found, "required": True}

    def _member_body(self, about: Record, base: Schema) -> Schema:
        view = self.view
        assert isinstance(view, RelatedViewSet) and view.collection is not None
        component = self.registry[records.body_name(about.target.kind, "POST"), ResolvedComponent.SCHEMA]
        schema = records.member_body(self, component.schema, view.parent, view.collection)
        return records.named(self, about.creates, schema)

    def _get_response_bodies(self, direction: Direction = "response") -> Schema:
        about = self.record
        found = self._record_answers(about) if about else self._page_answers()
        refusals = REFUSALS[about.action] if about else self.page.refusals
        for status in sorted((*ALWAYS, *refusals)):
            found.setdefault(str(status), ref(texts.REFUSALS[status].name, "responses"))
        return found

    def _record_answers(self, about: Record) -> Schema:
        kind = about.target.kind
        match about.action:
            case "list":
                return {"200": _answer("A page of records.", many.feed(self, about.target), f"{kind}Feed")}
            case "query":
                return {"200": _answer("A page of records.", many.feed(self, about.target), f"{kind}QueryFeed")}
            case "create":
                return {"201": self._created(about, ("Idempotency-Replayed",))}
            case "explain":
                return {"200": explained.answer(about.target)}
            case "batch":
                return many.batch_answers(self, about.target, _headers(("Preference-Applied", "Idempotency-Replayed")))
            case "destroy":
                return {"204": {"description": "Deleted.", "headers": CONTRACT_HEADERS}}
            case "retrieve":
                found = {"200": _answer("The record.", self._entry(about), f"{kind}Entry", ("ETag",))}
                return found | {
                    "304": {"description": "You have it already.", "headers": CONTRACT_HEADERS | _headers(("ETag",))}
                }
        text = "The record as it is now."
        found = {"200": _answer(text, self._entry(about), f"{kind}Entry", ("ETag", "Preference-Applied"))}
        return found | ({"201": self._created(about)} if self._upserts(about) else {})

    def _created(self, about: Record, more: tuple[str, ...] = ()) -> Schema:
        headers = ("Location", "ETag", "Preference-Applied", *more)
        return _answer("The new record.", self._entry(about), f"{about.target.kind}Entry", headers) | self._follow(
            about
        )

    def _entry(self, about: Record) -> Schema:
        return records.record_ref(self, about.target)

    def _follow(self, about: Record) -> Schema:
        """Say where the new record can be read."""
        if not self.access.sees(about.target):
            return {}
        read = {"operationId": f"get{about.target.kind}", "parameters": {"key": "$response.body#/$key"}}
        return {"links": {"read": read}}

    def _page_answers(self) -> Schema:
        page = self.page
        headers = CONTRACT_HEADERS | (_headers(("ETag",)) if page.tagged else {})
        if page.media_type != "application/json":
            content: Schema = {"schema": {"type": "string"}}
        else:
            content = {"schema": ref(page.schema), "examples": {"demo": ref(page.schema, "examples")}}
        found: Schema = {
            "200": {"description": page.summary, "headers": headers, "content": {page.media_type: content}}
        }
        return found | ({"304": {"description": "You have it already.", "headers": headers}} if page.tagged else {})


_HEADER_COMPONENTS = {"Preference-Applied": "PreferenceApplied", "Idempotency-Replayed": "IdempotencyReplayed"}


def _headers(names: tuple[str, ...]) -> Schema:
    return {name: ref(_HEADER_COMPONENTS.get(name, name), "headers") for name in names}


def _answer(description: str, schema: Schema, example: str, headers: tuple[str, ...] = ()) -> Schema:
    return {
        "description": description,
        "headers": CONTRACT_HEADERS | _headers(headers),
        "content": {"application/json": {"schema": schema, "examples": {"demo": ref(example, "examples")}}},
    }
