"""A small company for the administration's tests: what the clerk may not see carries a mark."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import Group
from django.test import Client

from entities.models import Case, Company, Opportunity, Person, Team, Territory, User
from security.models import Change, FieldRule, Profile, ProfileRight

MARK = "SENTINEL"
HIDDEN_NAMES = ("Revenue", "Web Site", "revenue", "web_site", "comp_website")
WHEN = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
RIGHTS = {
    "Company": {"home": "view insert edit", "created_by": "delete"},
    "Person": {"home": "view insert edit"},
    "Cases": {"home": "view insert edit delete"},
}
_FLAGS = {"view": "view", "insert": "insert", "edit": "edit", "delete": "delete_right"}


@dataclass(frozen=True)
class World:
    """The records by name. ``boss`` administers; ``clerk`` is staff of the UK; ``loner`` is staff without a profile."""

    boss: User
    clerk: User
    loner: User
    outsider: User
    profile: Profile
    root: Territory
    uk: Territory
    germany: Territory
    team: Team
    company: Company
    own_company: Company
    invisible: Company
    person: Person
    case: Case
    opportunity: Opportunity


def store(record: Any) -> Any:
    """Save ``record`` stamped, and return it."""
    record.created_at = record.updated_at = WHEN
    record.save()
    return record


def _territories() -> tuple[Territory, Territory, Territory]:
    root = store(Territory(caption="Worldwide", number=1, number_end=6, child_count=2))
    uk = store(Territory(caption="United Kingdom", parent=root, depth=1, number=2, number_end=3))
    germany = store(Territory(caption="Germany", parent=root, depth=1, number=4, number_end=5))
    return root, uk, germany


def _profile() -> Profile:
    group = Group(name="Clerks")
    group.save()
    profile = Profile(group=group)
    profile.save()
    for kind, scopes in RIGHTS.items():
        for scope, actions in scopes.items():
            given = {_FLAGS[action]: True for action in actions.split()}
            ProfileRight(profile=profile, entity=kind, scope=scope, **given).save()
    for wire, denied in (("Comp_Revenue", "read"), ("Comp_WebSite", "read"), ("Comp_Status", "write")):
        FieldRule(entity="Company", field=wire, profile=profile, **{denied: False}).save()
    return profile


def build() -> World:
    """Store the world."""
    root, uk, germany = _territories()
    team = store(Team(description="Field Service"))
    boss = store(User(logon="boss", last_name="Boss", is_staff=True, is_superuser=True, home_territory=root))
    clerk = store(User(logon="clerk", first_name="Carla", last_name="Clerk", is_staff=True, home_territory=uk))
    loner = store(User(logon="loner", last_name="Loner", is_staff=True))
    outsider = store(User(logon="outsider", last_name="Outsider", home_phone=f"{MARK}-PHONE"))
    profile = _profile()
    clerk.groups.add(profile.group)
    hidden = {"revenue": f"{MARK}-REVENUE", "web_site": f"{MARK}.example"}
    company = store(Company(name="Alpha Ltd", territory=uk, primary_user=clerk, created_by=boss, **hidden))
    own = store(Company(name="Beta Ltd", territory=uk, primary_user=clerk, created_by=clerk, **hidden))
    invisible = store(Company(name=f"{MARK} GmbH", territory=germany, primary_user=boss, created_by=boss))
    store(Person(last_name=f"{MARK}-PERSON", territory=germany, company=invisible))
    person = store(Person(first_name="Ada", last_name="Sample", territory=uk, company=invisible, created_by=boss))
    case = store(Case(description="Printer is on fire", territory=uk, primary_company=company, created_by=clerk))
    opportunity = store(Opportunity(description=f"{MARK}-DEAL", territory=uk, primary_company=company))
    for fields in (["name", "revenue"], ["revenue"]):
        Change(kind="Company", key=company.pk, action="edit", fields=fields, user=boss, at=WHEN).save()
    people = {"boss": boss, "clerk": clerk, "loner": loner, "outsider": outsider}
    places = {"root": root, "uk": uk, "germany": germany, "team": team}
    records = {"company": company, "own_company": own, "invisible": invisible, "person": person, "case": case}
    return World(**people, **places, **records, profile=profile, opportunity=opportunity)


def client_of(user: User) -> Client:
    """Return a browser in which ``user`` is logged in."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    return client


def form_of(response: Any) -> dict[str, Any]:
    """Return what a browser would post of the form on a page if nothing were typed in."""
    form = response.context["adminform"].form
    posted: dict[str, Any] = {}
    for bound in form:
        value = bound.value()
        if isinstance(value, datetime):
            posted[f"{bound.html_name}_0"] = value.strftime("%Y-%m-%d")
            posted[f"{bound.html_name}_1"] = value.strftime("%H:%M:%S")
        elif value is True:
            posted[bound.html_name] = "on"
        elif value not in (None, False):
            posted[bound.html_name] = value
        elif value is None:
            posted[bound.html_name] = ""
    return posted
