"""The page that says why somebody may or may not do something to one record, with today's or an earlier policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.http import Http404

from api.errors import ApiError
from api.explain import ACTIONS, answered, members, read_question
from api.query.errors import QueryError
from crm.admin_forms import ReferenceField
from entities.registry import entity_of
from security import explain, gate
from security.admin_pages import access_of
from security.admin_select import as_key
from security.errors import UnknownActor
from security.policylog import NotRecorded
from security.shapes import knows_workflow

if TYPE_CHECKING:
    from django.http import HttpRequest

    from api.explain import Answer
    from entities.models import Record
    from entities.registry import Entity
    from security.access import Access


class QuestionForm(forms.Form):
    """Who, what, which field, when. Only whoever may explain others is offered another user."""

    user = ReferenceField("Users", required=False)
    action = forms.ChoiceField(required=False)
    field = forms.ChoiceField(required=False)
    at = forms.CharField(
        required=False, label="at the time", help_text="Empty: now. Else such as 2026-03-14T09:00:00Z."
    )

    def __init__(self, access: Access, entity: Entity, data: Any) -> None:
        super().__init__(data)
        flow = entity.workflow if knows_workflow(access.shape(entity)) else None
        steps = [(step.name, step.title) for step in (flow.transitions if flow else ())]
        fields = [(field.wire, f"{field.title} ({field.wire})") for field in access.shape(entity).readable]
        self.fields["action"] = forms.ChoiceField(choices=[*((name, name) for name in ACTIONS), *steps], required=False)
        self.fields["field"] = forms.ChoiceField(choices=[("", "the record"), *fields], required=False)
        if "explain_others" not in access.actor.functions:
            del self.fields["user"]
            return
        user, key = self.fields["user"], as_key(data.get("user", ""))
        if isinstance(user, ReferenceField) and key is not None:
            user.know({key: title for (_, key), title in gate.titles(access, {"Users": {key}}).items()})


def explain_page(request: HttpRequest, record: Record) -> dict[str, Any]:
    """Return what the page shows of ``record``: the question, and the answer once it was asked."""
    access, entity = access_of(request), entity_of(type(record))
    form = QuestionForm(access, entity, request.GET)
    shown: dict[str, Any] = {"form": form, "media": form.media}
    if not form.is_valid():
        return shown
    given = {name: str(value) for name, value in form.cleaned_data.items() if value not in (None, "")}
    try:
        question = read_question(access, entity, given)
        subject = explain.subject_of(question.user, access, external=False, at=question.at)
        answer = answered(subject, entity, record.pk, question)
    except QueryError as error:
        form.add_error(error.path if error.path in form.fields else None, str(error))
        return shown
    except NotRecorded:
        form.add_error("at", "Policy was not recorded yet.")
        return shown
    except UnknownActor:
        form.add_error(None, "There was no such user.")
        return shown
    except ApiError:
        raise Http404 from None
    who = "You" if question.user == access.actor.id else subject.access.actor.name
    return shown | {"answer": answer, "sentence": _sentence(who, given, answer), "changes": _changes(answer)}


def _sentence(who: str, given: dict[str, str], answer: Answer) -> str:
    action = given.get("action", "view")
    what = f"{'read' if action == 'view' else 'write'} {given['field']} of" if "field" in given else action
    then = f" at {given['at']}" if "at" in given else ""
    return f"{who} may{'' if answer.allowed else ' not'} {what} this record{then}."


def _changes(answer: Answer) -> list[tuple[str, list[str]]]:
    return [(flip.title, [_change(members(change)) for change in flip.changes]) for flip in answer.changes]


def _change(told: dict[str, Any]) -> str:
    key = f" {told['$key']}" if "$key" in told else ""
    values = ", ".join(f"{name} = {value}" for name, value in told.items() if not name.startswith("$"))
    return f"{told['$table']}{key}: {values}"
