"""Why somebody may read or write a field, or may not: the field rules that were asked, and which decided."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from entities.registry import registry
from security import gate
from security.explain import Reason, Verdict
from security.shapes import LEVELS, decide, deciding, may_read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entities.registry import Entity, Field
    from security.explain import Subject
    from security.models import FieldRule

Question = Literal["read", "write"]
_SAYS = {True: "allowed", False: "denied"}


def field(subject: Subject, entity: Entity, asked: Field, question: Question) -> Verdict:
    """Explain whether the field ``asked`` may be read or written, on records that may be viewed or edited."""
    reasons = tuple(_reasons(subject, entity, asked, question))
    shape = subject.access.shape(entity)
    allowed = shape.reads(asked.name) if question == "read" else shape.writes(asked)
    if not any(reason.deciding for reason in reasons):
        default = _default(subject, asked, question, allowed)
        reasons = (*reasons, replace(default, deciding=True))
    return Verdict(allowed, reasons)


def _default(subject: Subject, asked: Field, question: Question, allowed: bool) -> Reason:
    """Say what holds where no rule says anything."""
    if subject.access.actor.administrator and allowed:
        return Reason("Administrators are under no field rule.", True, "The user is an administrator.")
    if asked.type == "key" and question == "read":
        return Reason("The key of a record can always be read.", True, f"{asked.wire} is the key.")
    if question == "write" and asked.system:
        return Reason("Only the server writes it.", True, f"{asked.wire} is computed or kept by the server.")
    if asked.administrators and not allowed:
        return Reason("For administrators unless a rule says otherwise.", True, "No rule says otherwise.")
    if not allowed:
        return Reason("It shows records of a kind that the user may not view.", True, "Or of a field that is hidden.")
    return Reason("What no rule speaks of is allowed.", True, "No rule speaks of it.")


def _reasons(subject: Subject, entity: Entity, asked: Field, question: Question) -> Iterator[Reason]:
    if subject.access.actor.administrator or asked.type == "key" or (question == "write" and asked.system):
        return
    mine = [r for r in subject.facts.rules_about(entity, asked) if getattr(r, question) is not None]
    at_level = deciding(mine, question)
    answer = decide(subject.policy.field_rules.get((entity.kind, asked.name), ()), question)
    hidden = question == "write" and not may_read(subject.policy.field_rules, entity.kind, asked.name)
    closed = any(not may_read(subject.policy.field_rules, *source) for source in asked.sources)
    for rule in sorted(mine, key=lambda rule: (LEVELS.index(rule.level), rule.pk)):
        said = getattr(rule, question)
        decides = rule in at_level and said == answer and not hidden and not (closed and answer)
        why = "Its level decides." if rule in at_level else "A more specific level decides."
        if rule in at_level and said != answer:
            why = "Another rule of its level denies."
        says = f"{question.capitalize()} is {_SAYS[said]} for {_holder(subject, rule)}."
        yield Reason(says, said == answer, why, ("FieldRule", rule.pk), decides)
    if hidden:
        read = tuple(_reasons(subject, entity, asked, "read"))
        yield Reason("What cannot be read cannot be written.", True, "The field cannot be read.", None, True, read)
    if closed and question == "read":
        yield from _made_of(subject, asked, decides=answer is not False)


def _made_of(subject: Subject, asked: Field, *, decides: bool) -> Iterator[Reason]:
    """Explain a field that is made of others by those of them that are hidden, as far as the reader knows them."""
    rules = subject.policy.field_rules
    for kind, name in asked.sources:
        if may_read(rules, kind, name):
            continue
        source = registry()[kind]
        made_of = source.by_name[name]
        known = gate.resolve(subject.reader, source, made_of.wire) is not None
        says = f"It is made of {made_of.wire}." if known else "It is made of other fields."
        inner = tuple(_reasons(subject, source, made_of, "read")) if known else ()
        yield Reason(says, True, "A field that it is made of is hidden.", None, decides, inner)
        decides = False


def _holder(subject: Subject, rule: FieldRule) -> str:
    if rule.user_id:
        return "the user"
    if rule.team_id:
        title = gate.titles(subject.reader, {"Channel": {rule.team_id}}).get(("Channel", rule.team_id))
        return f"the team {title}" if title else "one of the user's teams"
    if rule.profile_id:
        names = {profile.pk: profile.group.name for profile in subject.facts.profiles}
        return f"the profile {names[rule.profile_id]}"
    return "everyone"
