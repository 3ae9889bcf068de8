"""Why somebody may do something to a record or a field, or may not: every rule that took part, and which decided.

The verdict is the gate's own and so are the conditions of the rules: there is no second implementation to drift
(security.md §7). Texts name profiles and scopes, never what a record holds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from entities.models import User
from entities.registry import ByField, ByLink, ByOwner, ByReference, registry
from security import gate, predicates
from security.errors import RecordNotFound
from security.facts import Facts, facts_of
from security.models import SCOPES
from security.plan import access_of, compiled, gives, granted_by, row_rule
from security.policylog import access_at, facts_at, grants_at
from security.sharing import grants_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from entities.declaration import Parent
    from entities.registry import Entity
    from security.access import Access, Action, Policy
    from security.sharing import Held

_MATCHES = {
    "everywhere": ("It reaches every record.", "It reaches every record."),
    "created_by": ("The user created the record.", "Somebody else created the record."),
    "assigned": ("The record is assigned to the user.", "The record is not assigned to the user."),
    "team": ("The record belongs to one of the user's teams.", "The record belongs to none of the user's teams."),
    "territories": ("The record lies in one of these territories.", "The record lies in none of these territories."),
}


@dataclass(frozen=True)
class Reason:
    """One rule that took part: what it says, whether it reached the record and why; ``source`` = table and key.

    ``inner`` are the reasons of what it rests on: the parent's, those of the right to view. Not ``told`` = it rests on
    a record that the reader cannot see.
    """

    rule: str
    matched: bool
    why: str
    source: tuple[str, int] | None = None
    deciding: bool = False
    inner: tuple[Reason, ...] = ()
    told: bool = True


@dataclass(frozen=True)
class Verdict:
    """Whether it is allowed, and the reasons in the order in which they were asked."""

    allowed: bool
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Subject:
    """Who is explained to whom: the facts and the plan of the one, the plan of the other.

    ``grants`` says what grants a record has: those of today unless the explanation is of the ``past``. ``external`` =
    as the API serves them, without the kinds that are withheld from it.
    """

    facts: Facts
    policy: Policy
    access: Access
    reader: Access
    grants: Callable[[Entity, int], Sequence[Held]] = grants_on
    external: bool = True
    past: bool = False


def everything() -> Access:
    """Return the access of nobody in particular who sees everything: for the operator of the command line."""
    facts = Facts(User(pk=0, logon="", is_superuser=True), (), frozenset(), (), (), (), frozenset())
    return access_of(compiled(facts), 0, frozenset(), frozenset())


def subject_of(user_id: int, reader: Access, *, external: bool = True, at: datetime | None = None) -> Subject:
    """Return the user ``user_id`` as they are now, or were at ``at``, to be explained to ``reader``.

    Raises ``UnknownActor`` where there is or was no such user, ``NotRecorded`` for a time before the recorded ones.
    """
    if at is not None:
        facts = facts_at(user_id, at)
        policy, access = access_at(facts, at, external=external)
        grants = partial(grants_at, at=at)
        return Subject(facts, policy, access, reader, grants, external=external, past=True)
    facts = facts_of(user_id)
    policy = compiled(facts)
    hidden = facts.withheld if external else frozenset[str]()
    return Subject(facts, policy, access_of(policy, 0, granted_by(policy), hidden), reader, external=external)


def row(subject: Subject, entity: Entity, key: int, action: Action) -> Verdict:
    """Explain ``action`` on the record ``key``; raises ``RecordNotFound`` where the reader cannot see the record."""
    if not gate.allows(subject.reader, entity, "view", key):
        raise RecordNotFound
    found = _row(subject, entity, key, action)
    if subject.past:
        return found
    enforced = gate.allows(subject.access, entity, action, key)
    if enforced and action != "view" and not gate.possible_now(subject.access, entity, action, key):
        says = Reason("Business rules.", True, "In its present state the record does not let it happen.", deciding=True)
        return Verdict(False, (*(replace(reason, deciding=False) for reason in found.reasons), says))
    return replace(found, allowed=enforced and found.allowed)


def _row(subject: Subject, entity: Entity, key: int, action: Action) -> Verdict:
    refused = _refused(subject, entity, action)
    if refused is not None:
        return Verdict(False, (refused,))
    if entity.base:
        return _row(subject, registry()[entity.base], key, action)
    if entity.parents:
        return _child(subject, entity, key, action)
    reasons = (*_rights(subject, entity, key, action), *_grants(subject, entity, key, action))
    allowed = any(reason.matched for reason in reasons)
    if action in ("edit", "delete"):
        seen = _row(subject, entity, key, "view")
        needs = Reason(
            f"Who may {action} a record must also be allowed to view it.",
            seen.allowed,
            "The user may view the record." if seen.allowed else "The user may not view the record.",
            deciding=allowed and not seen.allowed,
            inner=seen.reasons,
        )
        if allowed and not seen.allowed:
            return Verdict(False, (*reasons, needs))
        return _decided(allowed, (*reasons, needs), len(reasons))
    return _decided(allowed, reasons, len(reasons))


def _decided(allowed: bool, reasons: tuple[Reason, ...], own: int) -> Verdict:
    """Mark what decided: the first rule that reaches the record, or that none does."""
    if allowed:
        first = next(n for n, reason in enumerate(reasons[:own]) if reason.matched)
        return Verdict(True, tuple(replace(reason, deciding=n == first) for n, reason in enumerate(reasons)))
    nothing = Reason("Nothing else is allowed.", True, "No right and no grant reaches the record.", deciding=True)
    return Verdict(False, (*reasons, nothing))


def _refused(subject: Subject, entity: Entity, action: Action) -> Reason | None:
    """Return what forbids the action whatever rights say."""
    roots = [entity, *([registry()[entity.base]] if entity.base else [])]
    if not subject.facts.user.is_active:
        return Reason(
            "Some users are nobody's log-in.", True, "The user may not log in.", ("User", subject.facts.user.pk), True
        )
    # A kind that is withheld takes its children along; they say so themselves.
    if subject.external and entity.kind in subject.facts.withheld:
        return Reason("External access is off.", True, f"The API does not offer {entity.plural}.", None, True)
    if action != "view" and any(one.read_only for one in roots):
        return Reason(f"{entity.plural} are read-only here.", True, "The API offers no writes of them.", None, True)
    administrator = subject.access.actor.administrator
    if action != "view" and entity.reference_kind and not administrator:
        return Reason("Only administrators write reference data.", True, "The user is no administrator.", None, True)
    return None


def _rights(subject: Subject, entity: Entity, key: int, action: Action) -> Iterator[Reason]:
    facts, actor = subject.facts, subject.access.actor
    if actor.administrator:
        yield Reason("Administrators may do everything.", True, "The user is an administrator.", ("User", actor.id))
        return
    names = {profile.pk: profile.group.name for profile in facts.profiles}
    rights = [right for right in facts.rights if right.entity == entity.kind and action in gives(right)]
    rules = [row_rule(right, entity, facts) for right in rights]
    conditions = [predicates.scope_condition(rule, entity, actor) if rule else None for rule in rules]
    matched = iter(matches(entity, key, [condition for condition in conditions if condition is not None]))
    for right, rule in zip(rights, rules, strict=True):
        says = f"Profile {names[right.profile_id]}: {action} {entity.kind} {_scope(subject, right)}."
        if rule is None:
            why = "The kind or the user has no such place."
            yield Reason(says, False, why, ("ProfileRight", right.pk))
        else:
            reached = next(matched)
            yield Reason(says, reached, _MATCHES[rule.scope][0 if reached else 1], ("ProfileRight", right.pk))


def _scope(subject: Subject, right: Any) -> str:
    if right.scope != "territory":
        return SCOPES[right.scope]
    title = gate.titles(subject.reader, {"Territories": {right.territory_id}}).get(("Territories", right.territory_id))
    named = f"in the territory {title}" if title else "in one named territory"
    return f"{named} or below it" if right.with_subtree else named


def _grants(subject: Subject, entity: Entity, key: int, action: Action) -> Iterator[Reason]:
    actor = subject.access.actor
    profiles = {profile.id: profile.name for profile in actor.profiles}
    if actor.administrator:
        return
    for held in subject.grants(entity, key):
        if held.action != action:
            continue
        if held.holder == "user" and held.id == actor.id:
            yield Reason(f"Grant to the user: {action}.", True, "The record is shared with the user.", held.source)
        elif held.holder == "profile" and held.id in profiles:
            says = f"Grant to the profile {profiles[held.id]}: {action}."
            yield Reason(says, True, "The record is shared with one of the user's profiles.", held.source)


def matches(entity: Entity, key: int, conditions: Sequence[Q]) -> list[bool]:
    """Return which of the conditions the record ``key`` fulfils, in one statement; none where it is gone."""
    if not conditions:
        return []
    flags = {f"_m{n}": predicates.as_column(condition) for n, condition in enumerate(conditions)}
    found = gate.system_rows(entity.model).filter(pk=key).annotate(**flags).values_list(*flags).first()
    return list(found) if found is not None else [False] * len(conditions)


def _child(subject: Subject, entity: Entity, key: int, action: Action) -> Verdict:
    """Explain a record that has no rights of its own: its parents' decide.

    Of parents that the reader cannot know of, one is told of without a name, and only where no other one allows it:
    how many there are, and whether there are any, is not for the reader.
    """
    wanted: Action = "view" if action == "view" else "edit"
    found = [one for parent in entity.parents for one in _through(subject, entity, parent, key, wanted)]
    reasons = [one for one in found if one.told]
    if not any(one.matched for one in reasons):
        reasons += [one for one in found if one.matched and not one.told][:1]
    allowed = any(reason.matched for reason in reasons)
    return _decided(allowed, tuple(reasons), len(reasons))


def names_parents(reader: Access, entity: Entity, parent: Parent) -> bool:
    """Whether the reader may know which record a child hangs on: whether the reference to it is readable."""
    match parent:
        case ByReference(name):
            return reader.shape(entity).reads(name)
        case ByOwner():
            return reader.shape(entity).reads("owner_table") and reader.shape(entity).reads("owner_id")
        case ByLink(kind, name):
            return reader.shape(registry()[kind]).reads(name)
        case ByField(name):
            return True


def _through(subject: Subject, entity: Entity, parent: Parent, key: int, wanted: Action) -> Iterator[Reason]:
    if isinstance(parent, ByField):
        named = matches(entity, key, [Q(**{f"{parent.column}__in": subject.access.wires})])[0]
        why = (
            "The user may read the field that it names." if named else "The user may not read the field that it names."
        )
        yield Reason("It is about a field.", named, why)
        return
    known = names_parents(subject.reader, entity, parent)
    if isinstance(parent, ByLink):
        link = registry()[parent.kind]
        linked = list(
            gate.system_rows(link.model).filter(**{parent.field: key}).order_by("pk").values_list("pk", flat=True)
        )
        for number in linked:
            yield _of_parent(subject, link, number, wanted, known=known)
        if not linked:
            mine = matches(entity, key, [Q(created_by=subject.access.actor.id)])[0]
            why = "The user created the record." if mine else "Somebody else created the record."
            yield Reason("It hangs on no other record: whoever created it decides.", mine, why)
        return
    for kind, number in parents_of_row(entity, parent, key):
        yield _of_parent(subject, registry()[kind], number, wanted, known=known)


def parents_of_row(entity: Entity, parent: ByReference | ByOwner, key: int) -> Iterator[tuple[str, int]]:
    """Yield the records that the record ``key`` hangs on by one of its references, as kind and key."""
    rows: Any = gate.system_rows(entity.model).filter(pk=key)
    if isinstance(parent, ByReference):
        field = entity.by_name[parent.field]
        number = rows.values_list(field.column, flat=True).first()
        if number is not None:
            yield field.target, number
        return
    owner = rows.values_list("owner_table", "owner_id").first()
    for kind in parent.kinds:
        if owner is not None and owner[0] == registry()[kind].table_id:
            yield kind, owner[1]


def _of_parent(subject: Subject, parent: Entity, key: int, wanted: Action, *, known: bool) -> Reason:
    """Explain by the record that another one hangs on; what the reader cannot see, or not ``known``, has no name."""
    told = _row(subject, parent, key, wanted)
    name = gate.titles(subject.reader, {parent.kind: {key}}).get((parent.kind, key)) if known else None
    says = f"It follows {parent.label} {name}: {wanted}." if name else f"It follows another record: {wanted}."
    why = f"The user may {wanted} it." if told.allowed else f"The user may not {wanted} it."
    return Reason(says, told.allowed, why, inner=told.reasons if name else (), told=bool(name))
