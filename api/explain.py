"""``{kind}('43')/$explain``: why the caller, or another user, may or may not do something (contract.md §5.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from rest_framework.response import Response

from api.authentication import parameters_of
from api.errors import ApiError, not_permitted, record_not_found
from api.feeds import address
from api.query.bind import unknown_name
from api.query.errors import QueryError
from api.query.parameters import EXPLAIN, read_parameters
from api.values import WrongValue, moment_text, parse_moment
from api.views import EntityViewSet
from entities.kinds import fold
from entities.registry import registry
from security import explain, explain_actions, explain_fields, flips, gate
from security.errors import RecordNotFound, UnknownActor
from security.policylog import NotRecorded
from security.shapes import knows_workflow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from rest_framework.request import Request

    from entities.registry import Entity, Field
    from entities.workflow import Transition
    from security.access import Access, Action
    from security.changes import Change
    from security.explain import Reason, Subject, Verdict
    from security.flips import Flip

ACTIONS: dict[str, Action] = {"view": "view", "edit": "edit", "delete": "delete"}


@dataclass(frozen=True)
class Question:
    """What is asked: an action or a step of the workflow, of the record or of one of its fields; about whom, when."""

    action: Action
    step: Transition | None
    field: Field | None
    user: int
    at: datetime | None

    @property
    def asks(self) -> explain_fields.Question:
        """What is asked of the field."""
        return "read" if self.action == "view" else "write"


@dataclass(frozen=True)
class Answer:
    """The verdict on the record, on the field if one was asked about, and what would turn a denial round."""

    record: Verdict
    field: Verdict | None
    changes: Sequence[Flip]

    @property
    def allowed(self) -> bool:
        """Whether all that was asked is allowed."""
        return self.record.allowed and (self.field is None or self.field.allowed)


class ExplainViewSet(EntityViewSet):
    """Explains verdicts about the records of one kind."""

    def may(self, method: str) -> bool:
        """Whether the caller may view some record."""
        return method == "OPTIONS" or self.access.shape(self.target).offers("view")

    def explain(self, request: Request, key: str) -> Response:
        """Return the verdict, its reasons, and for a denial the changes that would turn it round."""
        given = read_parameters(parameters_of(request), EXPLAIN)
        question = read_question(self.access, self.target, given)
        self.require("GET")
        number = self.key(key)
        subject = _subject(question, self.access)
        answer = answered(subject, self.target, number, question)
        url = address(f"{self.base()}/{self.target.kind}('{number}')/$explain", given)
        return Response({"$url": url, "$title": "Explanation", **self._body(question, number, answer)})

    def _body(self, question: Question, key: int, answer: Answer) -> dict[str, Any]:
        base, kind = self.base(), self.target.kind
        titles = gate.titles(self.access, {"Users": {question.user}} | {kind: {key}})

        def link(kind: str, key: int) -> dict[str, Any]:
            title = titles.get((kind, key))
            return {"$key": key} | ({} if title is None else {"$url": f"{base}/{kind}('{key}')", "$title": title})

        found: dict[str, Any] = {"$record": link(kind, key), "$user": link("Users", question.user)}
        found["$action"] = question.step.name if question.step else question.action
        if question.at is not None:
            found["$at"] = moment_text(question.at)
        found |= {"$allowed": answer.allowed, "$reasons": [_reason(one) for one in answer.record.reasons]}
        if question.field is not None and answer.field is not None:
            reasons = [_reason(one) for one in answer.field.reasons]
            asked = {"$name": question.field.wire, "$allowed": answer.field.allowed, "$reasons": reasons}
            found["$field"] = asked
        found["$changes"] = [
            {"$title": flip.title, "$changes": [members(change) for change in flip.changes]} for flip in answer.changes
        ]
        return found


def read_question(access: Access, entity: Entity, given: Mapping[str, str]) -> Question:
    """Return what the parameters ask; raises 400 for what the caller does not know and 403 for other people."""
    flow = entity.workflow if knows_workflow(access.shape(entity)) else None
    typed = given.get("action", "view")
    step = flow.find(typed) if flow is not None else None
    action = "edit" if step else ACTIONS.get(fold(typed))
    name = given.get("field")
    field = gate.resolve(access, entity, name) if name is not None else None
    if name is not None and field is None:
        raise unknown_name(name, entity, "field")
    if action is None or (field is not None and (step is not None or action == "delete")):
        offered = ["view", "edit"] if field else [*ACTIONS, *(one.name for one in (flow.transitions if flow else ()))]
        raise QueryError("BadParameterValue", f"'action' is one of {', '.join(offered)}.", "action")
    return Question(action, step, field, _user(access, given.get("user")), _moment(given.get("at")))


def _user(access: Access, typed: str | None) -> int:
    """Return the key of the user who is asked about by key or log-on name; another one needs a right of its own."""
    actor = access.actor
    if typed is None or fold(typed) in (fold(actor.logon), str(actor.id)):
        return actor.id
    if "explain_others" not in actor.functions:
        raise not_permitted()
    users = registry()["Users"]
    named = {"pk": int(typed)} if typed.isdecimal() and len(typed) < 10 else {"logon__iexact": typed}
    known = "pk" in named or access.shape(users).reads("logon")
    key = gate.rows(access, users).filter(**named).values_list("pk", flat=True).first() if known else None
    if key is None:
        raise ApiError.of(400, "BadReference", "There is no such user.", "user", sdata_code="BadQueryParameter")
    return key


def _subject(question: Question, reader: Access) -> Subject:
    try:
        return explain.subject_of(question.user, reader, at=question.at)
    except (NotRecorded, UnknownActor) as error:
        if question.at is None:
            raise
        raise QueryError("BadParameterValue", "'at' is a time from which on policy is recorded.", "at") from error


def _moment(typed: str | None) -> datetime | None:
    try:
        at = None if typed is None else parse_moment(typed.strip("@"))
    except WrongValue as error:
        raise QueryError("BadParameterValue", "'at' is a date and time, such as 2026-03-14T09:00:00Z.", "at") from error
    if at is not None and at > timezone.now():
        raise QueryError("BadParameterValue", "'at' is a time that has come: nobody knows the policy of later.", "at")
    return at


def answered(subject: Subject, entity: Entity, key: int, question: Question) -> Answer:
    """Explain; raises 404 where the reader cannot see the record."""
    try:
        record = explain.row(subject, entity, key, question.action)
        if question.step is not None:
            record = explain_actions.transition(subject, entity, key, question.step)
    except RecordNotFound:
        raise record_not_found() from None
    field, step = None, question.step
    changes: list[Flip] = []
    of_field: list[Flip] = []
    if question.field is not None:
        field = explain_fields.field(subject, entity, question.field, question.asks)
        of_field = [] if field.allowed else flips.of_field(subject, entity, question.field, question.asks)
    if not record.allowed and step is not None:
        changes = flips.of_transition(subject, entity, key, step)
    elif not record.allowed:
        changes = flips.of_row(subject, entity, key, question.action)
    if field is not None and not field.allowed:
        changes = of_field if record.allowed else [flips.both(one, changes[0]) for one in of_field if changes]
    return Answer(record, field, changes)


def _reason(reason: Reason) -> dict[str, Any]:
    found: dict[str, Any] = {"$rule": reason.rule, "$matched": reason.matched, "$why": reason.why}
    found["$deciding"] = reason.deciding
    if reason.source is not None:
        found["$source"] = {"$table": reason.source[0], "$key": reason.source[1]}
    if reason.inner:
        found["$reasons"] = [_reason(one) for one in reason.inner]
    return found


def members(change: Change) -> dict[str, Any]:
    """Return a change of policy as it is written on the wire."""
    key = {} if change.key is None else {"$key": change.key}
    return {"$table": change.table, **key, **change.values, **({"$remove": True} if change.remove else {})}
