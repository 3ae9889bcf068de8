"""Who may do what in the demo company: profiles with their rights and field rules, memberships, grants, a token."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from django.contrib.auth.models import Group
from django.utils import timezone
from guardian.shortcuts import assign_perm

from crm.demo.directory import COLLEAGUES, USERS, team
from entities.models import Company, User
from entities.registry import registry
from security.gate import system_rows
from security.models import FUNCTIONS, FieldRule, Profile, ProfileRight, Token

_KINDS = ("Company", "Person", "Opportunity", "Quotes", "Cases")
_ACTIONS = {"view": "view", "insert": "insert", "edit": "edit", "delete": "delete_right"}
# Twenty companies, none of which the partners may see otherwise: shared with the profile or with one user.
SHARED_WITH_PROFILE = tuple(range(2, 32, 2))
SHARED_WITH_OLIVIA = tuple(range(32, 42, 2))
SHARED_TO_EDIT = (2, 4, 32, 34, 36)


@dataclass(frozen=True)
class Rights:
    """A profile: actions per (kind, scope), rules as (field, denied actions), function rights."""

    name: str
    scopes: dict[tuple[str, str], str]
    denied: tuple[tuple[str, str], ...] = ()
    allowed: tuple[str, ...] = ()
    functions: tuple[str, ...] = field(default=())


def _everything(kinds: tuple[str, ...], scopes: dict[str, str]) -> dict[tuple[str, str], str]:
    return {(kind, scope): actions for kind in kinds for scope, actions in scopes.items()}


def _for_administrators() -> tuple[str, ...]:
    return tuple(found.wire for entity in registry() for found in entity.fields if found.administrators)


def _profiles() -> tuple[Rights, ...]:
    """Return the profiles of the demo company."""
    return (
        Rights(
            "Sales",
            _everything(
                _KINDS,
                {
                    "home": "view insert edit",
                    "assigned": "view insert edit",
                    "created_by": "view insert edit delete",
                    "team": "view insert edit",
                },
            ),
            functions=("export",),
        ),
        Rights(
            "Sales Manager",
            _everything(
                _KINDS,
                {
                    "home": "view insert edit delete",
                    "assigned": "view insert edit delete",
                    "created_by": "view insert edit delete",
                    "team": "view insert edit delete",
                },
            ),
            functions=("share", "restore", "export"),
        ),
        Rights(
            "Support",
            {
                ("Company", "everywhere"): "view",
                ("Person", "everywhere"): "view",
                ("Cases", "everywhere"): "view insert edit",
                ("Cases", "created_by"): "view delete",
            },
            denied=(("Comp_Revenue", "read"),),
        ),
        Rights(
            "Partner",
            _everything(_KINDS, {"assigned": "view edit", "created_by": "view insert edit"}),
            denied=(
                ("Comp_Revenue", "read"),
                ("Comp_Employees", "read"),
                ("Comp_Status", "write"),
                ("Oppo_Forecast", "read"),
                ("Oppo_Forecast_CID", "read"),
                ("Oppo_Certainty", "read"),
            ),
        ),
        Rights(
            "Integration",
            _everything(_KINDS, {"everywhere": "view insert edit"}),
            allowed=_for_administrators(),
            functions=FUNCTIONS,
        ),
    )


def add_policy() -> str:
    """Write profiles, memberships, grants and the token of ian; return the token, which is kept nowhere else."""
    groups = {rights.name: _add_profile(rights) for rights in _profiles()}
    users = {user.pk: user for user in system_rows(User)}
    for key, colleague in enumerate(COLLEAGUES, start=1):
        for caption in colleague.teams:
            users[key].teams.add(team(caption))
        if colleague.profile:
            users[key].groups.add(groups[colleague.profile])
    _share(groups["Partner"], users[USERS["olivia"]])
    return _add_token(users[USERS["ian"]])


def _add_profile(rights: Rights) -> Group:
    group = Group(name=rights.name)
    group.save()
    profile = Profile(group=group, functions=list(rights.functions))
    profile.save()
    for (kind, scope), actions in rights.scopes.items():
        given = {_ACTIONS[action]: True for action in actions.split()}
        ProfileRight(profile=profile, entity=kind, scope=scope, **given).save()
    # A view shows the fields of its base under their own names: the rule belongs to the base.
    kinds = {found.wire: entity.kind for entity in registry() if not entity.proxy for found in entity.fields}
    for wire, action in rights.denied:
        FieldRule(profile=profile, entity=kinds[wire], field=wire, **{action: False}).save()
    for wire in rights.allowed:
        FieldRule(profile=profile, entity=kinds[wire], field=wire, read=True).save()
    return group


def _share(partners: Group, olivia: User) -> None:
    companies = {company.pk: company for company in system_rows(Company).filter(pk__lte=max(SHARED_WITH_OLIVIA))}
    for key in (*SHARED_WITH_PROFILE, *SHARED_WITH_OLIVIA):
        holder = partners if key in SHARED_WITH_PROFILE else olivia
        assign_perm("view_company", holder, companies[key])
        if key in SHARED_TO_EDIT:
            assign_perm("change_company", holder, companies[key])


def _add_token(user: User) -> str:
    token = f"pcrm_{secrets.token_urlsafe(32)}"
    digest = hashlib.sha256(token.encode()).hexdigest()
    Token(user=user, name="Demo integration", hash=digest, expires_at=timezone.now() + timedelta(days=365)).save()
    return token
