"""The smallest changes of policy that would turn a denial round, for whoever explains or may have it changed.

Smallest first: what opens one record to one person before what opens more. They are proposals: nothing is changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from entities.registry import ByOwner, ByReference, registry
from security import gate, predicates
from security.changes import Change
from security.explain import matches, names_parents, parents_of_row, row
from security.explain_actions import obstacles
from security.grants import GRANTS
from security.models import FieldRule, ProfileRight
from security.plan import gives, row_rule
from security.shapes import deciding, knows_workflow, may_read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.db.models import Q

    from entities.registry import Entity, Field
    from entities.workflow import Transition
    from security.access import Access, Action
    from security.explain import Subject
    from security.explain_fields import Question
    from security.models import Profile

MOST = 5
# From the scope that reaches least to the one that reaches most.
_SCOPES = ("created_by", "assigned", "team", "parent", "siblings", "home", "everywhere")
_COLUMNS = {"view": "view", "edit": "edit", "delete": "delete_right"}


@dataclass(frozen=True)
class Flip:
    """Changes that, made together, turn the denial round; ``title`` says so in words."""

    title: str
    changes: tuple[Change, ...]


def both(one: Flip, other: Flip) -> Flip:
    """Return the changes of both, to be made together."""
    return Flip(f"{one.title} {other.title}", (*one.changes, *other.changes))


def of_row(subject: Subject, entity: Entity, key: int, action: Action) -> list[Flip]:
    """Return what would allow ``action`` on the record ``key``; nothing where no right could."""
    found, user = _first(_of_row(subject, entity, key, action)), subject.facts.user
    if user.is_active:
        return found
    if not user.disabled or user.resource or user.is_template:
        return []
    enabled = Flip("Let the user log in.", (Change("User", user.pk, {"disabled": False}),))
    reached = gate.allows(subject.access, entity, action, key)
    return [enabled] if reached else [both(one, enabled) for one in found]


def _first(flips: Iterator[Flip]) -> list[Flip]:
    return [flip for flip, _ in zip(flips, range(MOST), strict=False)]


def _of_row(subject: Subject, entity: Entity, key: int, action: Action) -> Iterator[Flip]:
    root = registry()[entity.base] if entity.base else entity
    if subject.external and {entity.kind, root.kind} & subject.facts.withheld:
        return
    if action != "view" and (entity.read_only or entity.base):
        return
    if root.parents:
        yield from _of_parents(subject, root, key, action)
    elif action != "view" and root.reference_kind:
        if _reached(subject, root, key, action):
            return  # it is the state of the record
        changes = (Change("User", subject.facts.user.pk, {"is_superuser": True}),)
        yield Flip("Make the user an administrator.", changes)
    else:
        yield from _of_own(subject, root, key, action)


def _of_parents(subject: Subject, entity: Entity, key: int, action: Action) -> Iterator[Flip]:
    """A child follows its parents: what would allow it there, where the reader sees that parent, and that it is it."""
    wanted: Action = "view" if action == "view" else "edit"
    for parent in entity.parents:
        if isinstance(parent, ByReference | ByOwner) and names_parents(subject.reader, entity, parent):
            for kind, number in parents_of_row(entity, parent, key):
                if gate.allows(subject.reader, registry()[kind], "view", number):
                    yield from _of_row(subject, registry()[kind], number, wanted)


def _of_own(subject: Subject, entity: Entity, key: int, action: Action) -> Iterator[Flip]:
    needed = [action] if action == "view" or _reached(subject, entity, key, "view") else ["view", action]
    needed = [one for one in needed if (one == action and not _reached(subject, entity, key, one)) or one == "view"]
    if not needed:
        return  # it is the state of the record
    user = subject.facts.user.pk
    granted = {"entity": entity.kind, "record": key, "user": user}
    if entity.kind in GRANTS:
        changes = tuple(Change("Grant", None, {**granted, "action": one}) for one in needed)
        yield Flip(f"Share the record with the user: {', '.join(needed)}.", changes)
    names = {profile.pk: profile.group.name for profile in subject.facts.profiles}
    for right in _reaching(subject, entity, key, needed):
        values = {_COLUMNS[one]: True for one in needed if one not in gives(right)}
        title = f"Let the profile {names[right.profile_id]} {', '.join(needed)} where it may {', '.join(gives(right))}."
        yield Flip(title, (Change("ProfileRight", right.pk, values),))
    for profile in subject.facts.profiles:
        scope = _smallest(subject, entity, key, profile.pk)
        if scope:
            new: dict[str, Any] = {"profile": profile.pk, "entity": entity.kind, "scope": scope}
            new |= {_COLUMNS[one]: True for one in needed}
            title = f"Give the profile {profile.group.name} {', '.join(needed)} in the scope {scope}."
            yield Flip(title, (Change("ProfileRight", None, new),))


def _reached(subject: Subject, entity: Entity, key: int, action: str) -> bool:
    """Whether some right or grant gives ``action`` on the record, be it visible or not."""
    return gate.rows_after(subject.access, entity, action).filter(pk=key).exists()  # type: ignore[arg-type]


def _reaching(subject: Subject, entity: Entity, key: int, needed: Iterable[str]) -> list[ProfileRight]:
    """Return the user's rights that reach the record, but lack some of what is needed."""
    lacking = [r for r in subject.facts.rights if r.entity == entity.kind and set(needed) - set(gives(r))]
    rules = [(right, row_rule(right, entity, subject.facts)) for right in lacking]
    known = [(right, rule) for right, rule in rules if rule is not None]
    conditions = [predicates.scope_condition(rule, entity, subject.access.actor) for _, rule in known]
    return [right for (right, _), hit in zip(known, matches(entity, key, conditions), strict=True) if hit]


def _smallest(subject: Subject, entity: Entity, key: int, profile: int) -> str:
    """Return the narrowest scope that reaches the record and in which the profile has no right yet."""
    taken = {r.scope for r in subject.facts.rights if r.profile_id == profile and r.entity == entity.kind}
    rules: list[tuple[str, Q]] = []
    for scope in _SCOPES:
        rule = row_rule(ProfileRight(scope=scope), entity, subject.facts) if scope not in taken else None
        if rule is not None:
            rules.append((scope, predicates.scope_condition(rule, entity, subject.access.actor)))
    hits = matches(entity, key, [condition for _, condition in rules])
    return next((scope for (scope, _), hit in zip(rules, hits, strict=True) if hit), "")


def of_field(subject: Subject, entity: Entity, asked: Field, question: Question) -> list[Flip]:
    """Return what would let the user read or write the field ``asked``; nothing where no rule could."""
    return _first(_of_field(subject, entity, asked, question))


def _of_field(subject: Subject, entity: Entity, asked: Field, question: Question) -> Iterator[Flip]:
    if question == "write" and asked.system:
        return
    ruled = may_read(subject.policy.field_rules, entity.kind, asked.name)
    if ruled and not subject.access.shape(entity).reads(asked.name):
        return  # it shows records of a kind that the user may not view: no rule of the field's
    closed = [(entity, asked), *_sources(subject, asked)]
    if any(gate.resolve(subject.reader, kind, field.wire) is None for kind, field in closed):
        return  # a source that the reader does not know is not named
    questions: list[Question] = ["read", "write"] if question == "write" else ["read"]
    rules = [rule for kind, field in closed for rule in _denying(subject, kind, field, questions)]
    if rules:
        changes = tuple(Change("FieldRule", rule.pk, dict.fromkeys(names, True)) for rule, names in rules)
        yield Flip("Turn the rules round that deny it.", changes)
    user = subject.facts.user.pk
    said = {(r.entity, r.field): r for r in subject.facts.rules if r.user_id == user}
    changes = ()
    for kind, field in closed:
        values: dict[str, Any] = dict.fromkeys(questions if field is asked else ["read"], True)
        own = said.get((kind.kind, field.wire))
        new = {"entity": kind.kind, "field": field.wire, "user": user}
        changes += (Change("FieldRule", own.pk, values) if own else Change("FieldRule", None, {**new, **values}),)
    yield Flip("Allow it to this user alone.", changes)


def _sources(subject: Subject, asked: Field) -> list[tuple[Entity, Field]]:
    """Return the hidden fields that a field is made of, however deep."""
    rules = subject.policy.field_rules
    hidden = [(registry()[kind], registry()[kind].by_name[name]) for kind, name in asked.sources]
    hidden = [(kind, field) for kind, field in hidden if not may_read(rules, kind.kind, field.name)]
    return [*hidden, *(deeper for _, field in hidden for deeper in _sources(subject, field))]


def _denying(
    subject: Subject, entity: Entity, field: Field, questions: Iterable[Question]
) -> list[tuple[FieldRule, list[Question]]]:
    """Return the rules that decide against the field, with what each of them denies."""
    mine = subject.facts.rules_about(entity, field)
    found: dict[int, tuple[FieldRule, list[Question]]] = {}
    for question in questions:
        for rule in deciding(mine, question):
            if getattr(rule, question) is False:
                found.setdefault(rule.pk, (rule, []))[1].append(question)
    return list(found.values())


def of_transition(subject: Subject, entity: Entity, key: int, step: Transition) -> list[Flip]:
    """Return what would let the user do a business action: the right to edit, a profile that does not refuse it.

    Nothing where the state of the record forbids it, where it writes fields that are closed, or without a profile.
    """
    refusals, profiles = subject.policy.refusals, subject.facts.profiles
    if not refusals or obstacles(subject, entity, key, step) != (True, []):
        return []
    edit = row(subject, entity, key, "edit").allowed
    opened = [] if edit else of_row(subject, entity, key, "edit")
    name = f"{entity.kind}.{step.name}"
    if any(name not in refused for refused in refusals):
        return opened
    lets = [_letting(profile, name) for profile in profiles if _knows_all(subject.reader, profile.refused)][:1]
    return lets if edit else [both(one, other) for one in lets for other in opened]


def _letting(profile: Profile, name: str) -> Flip:
    """Return the change after which a profile no longer refuses the transition ``name``."""
    kept = [one for one in profile.refused if one != name]
    return Flip(f"Let the profile {profile.group.name} do it.", (Change("Profile", profile.pk, {"refused": kept}),))


def _knows_all(reader: Access, refused: Iterable[str]) -> bool:
    """Whether the reader may know all that a profile refuses: the change names what it goes on to refuse."""
    kinds = {registry().find(name.partition(".")[0]) for name in refused}
    return all(kind is not None and reader.knows(kind) and knows_workflow(reader.shape(kind)) for kind in kinds)
