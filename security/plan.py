"""Compiling the policy of one user into an ``Access``: per entity a shape, row rules per action, and grants.

A plan is compiled in a constant number of queries and kept per process until the policy version moves. The actor is
always an argument; a superuser has a full plan, made by the same code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.contrib.auth.models import Permission

from entities.captions import compile_lists
from entities.models import Caption
from entities.registry import ByField, ByLink, ByOwner, ByReference, Entity, app_label, permission, registry
from security.access import (
    ACTIONS,
    DJANGO_ACTIONS,
    Access,
    AccessPlan,
    Action,
    Actor,
    Granted,
    Held,
    Holder,
    Policy,
    ProfileName,
    RowRule,
)
from security.facts import Facts, facts_of
from security.grants import GRANTS, granted_statement
from security.holders import summarised_tables
from security.models import FUNCTIONS, PolicyVersion
from security.running import run
from security.shapes import Rules, Shape, Verdict, blocks_insert, fields_of, transitions_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from entities.models import Territory
    from security.models import ProfileRight


@dataclass(frozen=True)
class Known:
    """The policy of a user at a version, and what follows from it for the grants that were seen since."""

    version: int
    policy: Policy
    accesses: dict[tuple[Granted, bool], Access]


_policies: dict[int, Known] = {}
_CACHED_USERS, _CACHED_GRANTS = 500, 8  # what follows from a policy, statements and all, takes a megabyte or some


def policy_version() -> int:
    """Return the number of the present policy."""
    return PolicyVersion.objects.values_list("number", flat=True).first() or 0


def known(user_id: int) -> Known | None:
    """Return the policy of a user that was compiled last; whoever uses it compares its version with the present one."""
    return _policies.get(user_id)


def access_for(
    user_id: int, version: int | None = None, *, external: bool = False, granted: Granted | None = None
) -> Access:
    """Return what the user may do now; ``external`` = from outside, without the kinds that are withheld there.

    ``version`` is the policy version read together with the user in this request, and so may be what is ``granted``
    under that version; without them, they are read here. Raises ``UnknownActor`` for a key of no user.
    """
    version = policy_version() if version is None else version
    latest = known(user_id)
    if latest is None or latest.version != version:
        for oldest in list(_policies)[: max(0, len(_policies) + 1 - _CACHED_USERS)]:
            _policies.pop(oldest, None)
        latest = _policies[user_id] = Known(version, compiled(facts_of(user_id)), {})
    policy, accesses = latest.policy, latest.accesses
    granted = granted_by(policy) if granted is None else granted
    key = (granted, external and bool(policy.withheld))
    access = accesses.get(key)
    if access is None:
        if len(accesses) >= _CACHED_GRANTS:
            accesses.clear()
        access = accesses[key] = access_of(policy, version, granted, policy.withheld if external else frozenset())
    return access


def _permissions() -> Mapping[tuple[str, Action], int]:
    """Return ``{(kind, action): key}`` of Django's permissions."""
    stored = Permission.objects.values_list("content_type__app_label", "codename", "pk")
    keys = {(label, codename): pk for label, codename, pk in stored}
    return {
        (entity.kind, action): keys[app_label(entity), permission(entity, django)]
        for entity in registry()
        if entity.kind in GRANTS
        for action, django in DJANGO_ACTIONS.items()
    }


def granted_by(policy: Policy) -> Granted:
    """Return for which kinds and actions the actor holds at least one grant, and how, in one statement."""
    return granted_of(policy, run(policy.granted_statement, holders_of(policy)))


def holders_of(policy: Policy) -> tuple[int, list[int]]:
    """Return what the places of ``granted_statement`` stand for: the user's key and their profiles'."""
    return policy.actor.id, [profile.id for profile in policy.actor.profiles]


def granted_of(policy: Policy, rows: Iterable[tuple[int, Holder]]) -> Granted:
    """Return what the rows of ``granted_statement`` mean."""
    return frozenset((*policy.grantable[key], how) for key, how in rows if key in policy.grantable)


def compiled(facts: Facts) -> Policy:
    """Return the policy of the user whose facts these are."""
    user, profiles = facts.user, facts.profiles
    actor = Actor(
        id=user.pk,
        logon=user.logon,
        name=str(user),
        language=user.language or "US",
        administrator=user.is_superuser,
        home_territory=user.home_territory_id,
        primary_team=user.primary_team_id,
        teams=tuple(sorted(facts.teams)),
        profiles=tuple(ProfileName(profile.pk, profile.group.name) for profile in profiles),
        functions=frozenset(FUNCTIONS if user.is_superuser else (n for one in profiles for n in one.functions)),
    )
    permissions = _permissions()
    grantable = {
        key: (kind, action)
        for (kind, action), key in permissions.items()
        if action != "insert" and may_be_given(registry()[kind], action)
    }
    refusals = tuple(frozenset[str](profile.refused) for profile in profiles)
    return Policy(
        actor=actor,
        rules=_row_rules(facts, actor),
        field_rules=_field_rules(facts),
        lists=compile_lists(Caption.objects.order_by("family", "order", "code")),
        permissions=permissions,
        granted_statement=granted_statement(grantable, summarised_tables()),
        grantable=grantable,
        withheld=facts.withheld,
        refusals=(frozenset(),) if actor.administrator else refusals,
    )


def _field_rules(facts: Facts) -> Rules:
    found: dict[tuple[str, str], tuple[Verdict, ...]] = {}
    for rule in facts.rules:
        entity = registry().find(rule.entity)
        field = entity.field(rule.field) if entity else None
        if entity and field:
            verdict = Verdict(rule.level, rule.read, rule.write, rule.required, rule.pk)
            found[entity.kind, field.name] = (*found.get((entity.kind, field.name), ()), verdict)
    return found


def _row_rules(facts: Facts, actor: Actor) -> Mapping[str, Mapping[Action, tuple[RowRule, ...]]]:
    own = [entity for entity in registry() if entity.has_own_rights]
    found: dict[str, dict[Action, list[RowRule]]] = {e.kind: {action: [] for action in ACTIONS} for e in own}
    if actor.administrator:
        for rules in found.values():
            for action in ACTIONS:
                rules[action].append(RowRule("everywhere"))
    else:
        for right in facts.rights:
            entity = registry().find(right.entity)
            rule = row_rule(right, entity, facts) if entity else None
            if entity and rule and entity.kind in found:
                for action in gives(right):
                    if may_be_given(entity, action):
                        found[entity.kind][action].append(rule)
    return {kind: {action: tuple(rules[action]) for action in ACTIONS} for kind, rules in found.items()}


def gives(right: ProfileRight) -> list[Action]:
    """Return the actions that a right gives."""
    flags = (right.view, right.insert, right.edit, right.delete_right)
    return [action for action, allowed in zip(ACTIONS, flags, strict=True) if allowed]


def may_be_given(entity: Entity, action: Action) -> bool:
    """Writes of reference kinds are the administrator's, whatever a right or a grant says (security.md §1)."""
    return action == "view" or not entity.reference_kind


def row_rule(right: ProfileRight, entity: Entity, facts: Facts) -> RowRule | None:
    """Compile one right; None where the kind lacks the scope's column or the user its place."""
    home, tree, teams = facts.home, facts.territories, tuple(sorted(facts.teams))

    def below(*roots: Territory) -> tuple[int, ...]:
        return tuple(t.pk for t in tree if any(root.number <= t.number <= root.number_end for root in roots))

    def territories(ids: tuple[int, ...]) -> RowRule | None:
        return RowRule("territories", ids, right.pk) if entity.has_territory and ids else None

    match right.scope:
        case "everywhere":
            return RowRule("everywhere", (), right.pk)
        case "created_by":
            return RowRule("created_by", (), right.pk)
        case "assigned":
            return RowRule("assigned", (), right.pk) if entity.assigned else None
        case "team":
            return RowRule("team", teams, right.pk) if entity.has_team and teams else None
        case "territory":
            named = [t for t in tree if t.pk == right.territory_id]
            return territories(below(*named) if right.with_subtree else tuple(t.pk for t in named))
        case "home":
            return territories(below(home) if home else ())
        case "parent":
            return territories((home.parent_id,) if home and home.parent_id else ())
        case "siblings":
            beside = [t for t in tree if home and home.parent_id and t.parent_id == home.parent_id and t.pk != home.pk]
            return territories(below(*beside))
    return None


def access_of(policy: Policy, version: int, granted: Granted, withheld: frozenset[str]) -> Access:
    """Return what the policy and the grants allow; the kinds ``withheld`` do not exist there."""
    actions: dict[str, frozenset[Action]] = {kind: frozenset() for kind in withheld}
    plans: dict[str, AccessPlan] = {}
    full = policy.actor.administrator
    held: dict[str, dict[Action, frozenset[Holder]]] = {}
    for kind, action, holder in granted:
        own = held.setdefault(kind, {})
        own[action] = own.get(action, frozenset()) | {holder}
    for entity in registry():
        allowed = _actions(entity, policy, held, actions)
        seen = {kind for kind in entity.passes if "view" in _actions(registry()[kind], policy, held, actions)}
        fields = fields_of(policy.field_rules, entity, full, frozenset(seen))
        nests = any("insert" in _actions(root, policy, held, actions) for root in _roots(entity))
        nests = nests and not _is_blocked(policy, entity)
        rules = policy.rules.get(entity.kind, dict.fromkeys(ACTIONS, ()))
        shape = Shape(entity.kind, fields, allowed)
        shape = replace(shape, transitions=transitions_of(shape, policy.refusals))
        plans[entity.kind] = AccessPlan(shape, rules, held.get(entity.kind, {}), nests)
    return Access(policy.actor, version, plans, policy.lists, policy.permissions)


def _actions(
    entity: Entity, policy: Policy, held: Mapping[str, Held], known: dict[str, frozenset[Action]]
) -> frozenset[Action]:
    """Return the actions that some scope or grant allows on some row; a child's follow its parents'."""
    if entity.kind not in known:
        found: Iterable[Action]
        if entity.base:
            found = _actions(registry()[entity.base], policy, held, known)
        elif _is_about_fields(entity):
            others = (other for other in registry() if not _is_about_fields(other))
            found = ("view",) if any(_actions(o, policy, held, known) & {"view", "insert"} for o in others) else ()
        elif entity.parents:
            parents = [_actions(parent, policy, held, known) for parent in parents_of(entity)]
            view = any("view" in allowed for allowed in parents)
            write = any("edit" in allowed for allowed in parents)
            found = ACTIONS if write else ("view",) if view else ()
        else:
            rules = policy.rules[entity.kind]
            some = {action for action in ACTIONS if rules[action] or action in held.get(entity.kind, ())}
            found = some if "view" in some else some & {"insert"}
        found = frozenset(found) & ({"view"} if entity.view else set(ACTIONS))
        blocked = "insert" in found and _is_blocked(policy, entity)
        known[entity.kind] = found - {"insert"} if blocked else found
    return known[entity.kind]


def _is_blocked(policy: Policy, entity: Entity) -> bool:
    """Whether a closed field ends every insert of the kind."""
    if policy.actor.administrator:
        return False
    return blocks_insert(policy.field_rules, entity, fields_of(policy.field_rules, entity, full=False))


def _roots(entity: Entity) -> list[Entity]:
    """Return the kinds with rights of their own that a child kind hangs on in the end; none for such a kind."""
    parents = parents_of(entity)
    return [root for parent in parents for root in (_roots(parent) if parent.parents else [parent])]


def _is_about_fields(entity: Entity) -> bool:
    return any(isinstance(parent, ByField) for parent in entity.parents)


def parents_of(entity: Entity) -> list[Entity]:
    """Return the kinds whose rights decide over a child kind."""
    found: list[Entity] = []
    for parent in entity.parents:
        match parent:
            case ByReference(field):
                found.append(registry()[entity.by_name[field].target])
            case ByOwner(kinds):
                found.extend(registry()[kind] for kind in kinds)
            case ByLink(kind, _):
                found.extend(parents_of(registry()[kind]))
    return found


__all__ = ["ACTIONS", "DJANGO_ACTIONS", "Access", "AccessPlan", "Action", "Actor", "RowRule", "access_for"]
