"""Teams and the people who work in the demo company, with where they belong. Data and its rows.

The seven who may log in have the password ``demo-<logon>``; their colleagues own records and cannot log in.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING

from django.contrib.auth.hashers import make_password

from crm.demo.dice import written
from crm.demo.places import COUNTRIES, territories, territory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crm.demo.dice import Dice
    from crm.demo.load import Row

TEAMS = (
    "Direct Sales",
    "Telesales",
    "Key Accounts",
    "Marketing",
    "Customer Service",
    "Partners",
    "Systems",
    "Field Sales",
)
RETIRED_TEAMS = ("Field Sales",)
FOUNDED = 9 * 3600  # the first morning of the demo world, in seconds after its epoch
NO_PASSWORD = "!demo"  # what Django marks as unusable, and the same in every database


@dataclass(frozen=True)
class Colleague:
    """A user. ``home`` and ``teams`` are captions (the first team is the primary one); ``state`` restricts log-in."""

    logon: str
    name: tuple[str, str]
    title: str
    department: str
    home: str
    teams: tuple[str, ...] = ()
    profile: str = ""
    language: str = "US"
    state: str = ""
    staff: bool = False
    superuser: bool = False


def _colleagues(text: str) -> tuple[Colleague, ...]:
    """Read ``logon|first last|title|department|home|teams|profile|language|state`` per line."""
    found = []
    for line in text.strip().splitlines():
        parts = [part.strip() for part in line.split("|")]
        logon, name, title, department, home, teams, profile, language, state = parts
        first, _, last = name.partition(" ")
        found.append(
            Colleague(
                logon,
                (first, last),
                title,
                department,
                home,
                tuple(team.strip() for team in teams.split(",") if team.strip()),
                profile,
                language,
                state if state in ("disabled", "resource") else "",
                staff=state in ("staff", "superuser"),
                superuser=state == "superuser",
            )
        )
    return tuple(found)


COLLEAGUES = _colleagues("""
admin|Ada Admin|System Administrator|IT|Worldwide|Systems||US|superuser
william|William Dolan|Sales Director Europe|Sales|Europe|Key Accounts|Sales Manager|UK|staff
peter|Peter Johnson|Support Engineer|Support|Worldwide|Customer Service|Support|UK|staff
susan|Susan Maye|Account Manager|Sales|United Kingdom|Direct Sales|Sales|UK|staff
olivia|Olivia Sánchez|Reseller|Sales|Spain|Partners|Partner|ES|
ian|Ian Bridge|Integration|IT|Worldwide|Systems|Integration|US|
nora|Nora Newman|Trainee|HR|Ireland|||UK|
brian|Brian Little|Account Manager|Sales|United Kingdom|Direct Sales, Telesales|Sales|UK|
claire|Claire Whitcombe|Telesales Executive|Sales|United Kingdom|Telesales|Sales|UK|
graham|Graham Okoro|Key Account Manager|Sales|United Kingdom|Key Accounts|Sales|UK|
sinead|Sinéad O'Rourke|Account Manager|Sales|Ireland|Direct Sales|Sales|UK|
jurgen|Jürgen Weiß|Account Manager|Sales|Germany|Direct Sales|Sales|DE|
anke|Anke Bärlein|Telesales Executive|Sales|Germany|Telesales|Sales|DE|
heloise|Héloïse Laval|Account Manager|Sales|France|Direct Sales|Sales|FR|
thibault|Thibault Arnaud|Telesales Executive|Sales|France|Telesales|Sales|FR|
marisol|Marisol Ibáñez|Account Manager|Sales|Spain|Telesales|Sales|ES|
luca|Luca Bellini|Account Manager|Sales|Italy|Telesales|Sales|US|
marijke|Marijke van Houten|Account Manager|Sales|Netherlands|Key Accounts|Sales|DU|
bjorn|Björn Ek|Account Manager|Sales|Sweden|Telesales|Sales|US|
zofia|Zofia Wrona|Account Manager|Sales|Poland|Telesales|Sales|US|
kylie|Kylie Hayward|Sales Director|Sales|Americas|Key Accounts|Sales Manager|US|
simon|Simon Yaeger|Account Manager|Sales|United States|Direct Sales|Sales|US|
denise|Denise Holloway|Telesales Executive|Sales|United States|Telesales|Sales|US|
mateo|Mateo Restrepo|Account Manager|Sales|Mexico|Key Accounts|Sales|ES|
renata|Renata Carvalho|Account Manager|Sales|Brazil|Telesales|Sales|US|
celeste|Celeste Tremblay|Account Manager|Sales|Canada|Telesales|Sales|FR|
hiroko|Hiroko Arai|Sales Director|Sales|Asia Pacific|Key Accounts|Sales Manager|US|
lachlan|Lachlan Reeve|Account Manager|Sales|Australia|Telesales|Sales|UK|
anjali|Anjali Deshpande|Account Manager|Sales|India|Telesales|Sales|UK|
thabo|Thabo Maseko|Account Manager|Sales|South Africa|Telesales|Sales|UK|
yasmina|Yasmina Qasim|Sales Director|Sales|Middle East & Africa|Key Accounts|Sales Manager|US|
gwen|Gwen Pritchard|Support Engineer|Support|United Kingdom|Customer Service|Support|UK|
dieter|Dieter Amsel|Support Engineer|Support|Germany|Customer Service|Support|DE|
rosa|Rosa Delgado|Support Team Leader|Support|Americas|Customer Service|Support|ES|
oscar|Oscar Brandt|Reseller|Sales|Germany|Partners|Partner|DE|
mia|Mia Sorensen|Campaign Manager|Marketing|Worldwide|Marketing||US|
neil|Neil Farrow|Account Manager|Sales|United Kingdom|Direct Sales|Sales|UK|disabled
paula|Paula Fenwick|Telesales Executive|Sales|Ireland|Telesales|Sales|UK|disabled
meeting|Meeting Room|Resource||United Kingdom|||US|resource
""")
USERS = {user.logon: number for number, user in enumerate(COLLEAGUES, start=1)}
LOGONS = ("admin", "susan", "william", "peter", "olivia", "ian", "nora")


@cache
def _password(logon: str) -> str:
    # A fixed salt makes the database the same every time; the password itself is public.
    return make_password(f"demo-{logon}", salt=f"parapet-demo-{logon}")


def passwords() -> dict[str, str]:
    """Return the stored password of everyone who may log in. The slow hashes are made side by side."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        return dict(zip(LOGONS, pool.map(_password, LOGONS), strict=True))


def working(user: Colleague) -> bool:
    """Whether records may be assigned to the user."""
    return not user.state


@cache
def sellers(country: str) -> tuple[int, ...]:
    """Return the users who look after companies in ``country``: its own sales people, else the region's."""
    region = next(place.region for place in COUNTRIES if place.name == country)
    for home in (country, region):
        found = [
            USERS[user.logon]
            for user in COLLEAGUES
            if user.home == home and user.profile.startswith("Sales") and working(user)
        ]
        if found:
            return tuple(found)
    raise LookupError(f"nobody sells in {country}")


@cache
def members(profile: str) -> tuple[int, ...]:
    """Return the users with ``profile`` to whom records may be assigned."""
    return tuple(USERS[user.logon] for user in COLLEAGUES if user.profile == profile and working(user))


def team(caption: str) -> int:
    """Return the key of the team called ``caption``."""
    return TEAMS.index(caption) + 1


@cache
def team_of(user: int) -> int | None:
    """Return the primary team of a user, or None."""
    teams = COLLEAGUES[user - 1].teams
    return team(teams[0]) if teams else None


def stamps(by: int = 1, at: int = FOUNDED, changed_by: int | None = None, changed_at: int | None = None) -> Row:
    """Return who made a row and who changed it last, and when."""
    return {
        "created_by_id": by,
        "created_at": written(at),
        "updated_by_id": changed_by or by,
        "updated_at": written(at if changed_at is None else changed_at),
    }


def changed_stamps(dice: Dice, by: int, user: int, created: int) -> Row:
    """Return the stamps of a row that ``by`` created and, more often than not, ``user`` changed since."""
    if dice.chance(0.4):
        return stamps(by, created)
    return stamps(by, created, user, dice.moment(created))


def territory_rows() -> Iterator[Row]:
    """Yield the territories."""
    for node in territories():
        yield {
            "id": node.key,
            "caption": node.caption,
            "parent_id": node.parent,
            **asdict(node.place),
            **stamps(),
        }


def team_rows() -> Iterator[Row]:
    """Yield the teams."""
    for key, caption in enumerate(TEAMS, start=1):
        yield {"id": key, "description": caption, "active": caption not in RETIRED_TEAMS, **stamps()}


def user_rows() -> Iterator[Row]:
    """Yield the users."""
    known = passwords()
    for key, user in enumerate(COLLEAGUES, start=1):
        yield {
            "id": key,
            "logon": user.logon,
            "password": known.get(user.logon, NO_PASSWORD),
            "first_name": user.name[0],
            "last_name": user.name[1],
            "title": user.title,
            "department": user.department,
            "language": user.language,
            "email_address": f"{user.logon}@parapet.example",
            "phone": f"+44 1632 960{key:03}",
            "extension": str(200 + key),
            "mobile_phone": f"+44 7700 900{key:03}",
            "location": "Meeting floor" if user.state == "resource" else user.home,
            "home_territory_id": territory(user.home),
            "primary_team_id": team(user.teams[0]) if user.teams else None,
            "disabled": user.state == "disabled",
            "resource": user.state == "resource",
            "is_territory_manager": user.profile == "Sales Manager",
            "licence_type": "Named" if user.logon in LOGONS else "Concurrent",
            "is_staff": user.staff,
            "is_superuser": user.superuser,
            **stamps(),
        }
