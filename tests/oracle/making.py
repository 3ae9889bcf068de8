"""The strategies that make up random worlds, small and dense: most draws decide some verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.oracle.catalogue import catalogue
from tests.oracle.worlds import ACTIONS, BASE, Grant, Refusal, Right, Row, Rule, Territory, User, World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Draw = Callable[[st.SearchStrategy[Any]], Any]

SCOPES = ("everywhere", "home", "siblings", "parent", "territory", "created_by", "assigned", "team")
GRANTABLE = ("Company", "Person", "Cases", "Opportunity", "Quotes", "NewProduct")
OWNERS = {"Company": 5, "Person": 13}
NOTED = {**OWNERS, "Cases": 101, "Opportunity": 102, "Quotes": 105}


def pick(draw: Draw, *options: Sequence[Any]) -> list[Any]:
    """Choose one of each of ``options``, all equally likely; it shrinks to the first ones."""
    return [option[draw(st.integers(0, len(option) - 1))] for option in options]


def _keys(count: int) -> tuple[int, ...]:
    return tuple(range(BASE + 1, BASE + 1 + count))


@st.composite
def worlds(draw: Draw) -> World:
    """Make up a world."""
    territories = _territories(draw)
    places = [territory.key for territory in territories]
    teams, profiles = _keys(3), _keys(3)
    plain_group = BASE + 9
    users = tuple(_user(draw, key, places, teams, profiles) for key in _keys(4))
    rights = _rights(draw, profiles, places)
    rows = tuple(_rows(draw, places, teams, [user.key for user in users]))
    grants = _grants(draw, rows, users, profiles, plain_group)
    rules = _rules(draw, users, teams, profiles)
    refusals = _refusals(draw, profiles)
    return World(territories, teams, profiles, plain_group, users, rights, rules, grants, rows, refusals)


def _territories(draw: Draw) -> tuple[Territory, ...]:
    keys = _keys(8)
    # The first four are a chain, so that every tree is at least three levels deep.
    parents = [None, *keys[:3]]
    parents += pick(draw, *[keys[:index] for index in range(4, 8)])
    return tuple(Territory(key, parent) for key, parent in zip(keys, parents, strict=True))


def _user(draw: Draw, key: int, places: list[int], teams: tuple[int, ...], profiles: tuple[int, ...]) -> User:
    home, primary, subset, held, kind = pick(
        draw, [None, *places], [None, *teams], range(8), range(8), ["", "", "", "", "superuser", "disabled"]
    )
    return User(
        key=key,
        home=home,
        primary_team=primary,
        teams=frozenset(team for bit, team in enumerate(teams) if subset >> bit & 1),
        profiles=frozenset(profile for bit, profile in enumerate(profiles) if held >> bit & 1),
        superuser=kind == "superuser",
        disabled=kind == "disabled",
    )


# Sets of actions, as bits in the order of ACTIONS: view alone, all of them, and the odd ones.
_GIVEN = (1, 15, 3, 5, 9, 2, 4, 8, 7, 11, 13, 15, 1, 15)


def _rights(draw: Draw, profiles: tuple[int, ...], places: list[int]) -> tuple[Right, ...]:
    # Some for a reference kind and some for a child kind, where no profile's write and no right at all counts.
    kinds = [*GRANTABLE[:5], *GRANTABLE[:3], "Company", "NewProduct", "Users", "Phone"]
    found: dict[tuple[Any, ...], Right] = {}
    # The upper places more often: they have something below them.
    named = [*places, *places[:3], *places[:3]]
    for _ in range(draw(st.integers(0, 20))):
        profile, kind, scope, place, subtree, bits = pick(
            draw, profiles, kinds, [*SCOPES, "territory"], named, [True, False], _GIVEN
        )
        actions = frozenset(action for bit, action in enumerate(ACTIONS) if bits >> bit & 1)
        right = Right(profile, kind, scope, place if scope == "territory" else None, subtree, actions)
        found.setdefault((profile, kind, scope, right.territory), right)
    return tuple(found.values())


def _grants(
    draw: Draw, rows: tuple[Row, ...], users: tuple[User, ...], profiles: tuple[int, ...], plain_group: int
) -> tuple[Grant, ...]:
    holders = [("profile", key) for key in profiles] + [("user", user.key) for user in users] + [("group", plain_group)]
    grantable = [row for row in rows if row.kind in GRANTABLE]
    found = {}
    for _ in range(draw(st.integers(0, 8)) if grantable else 0):
        row, (to, holder), action = pick(draw, grantable, holders, ["view", "edit", "delete", "view"])
        found[row.kind, row.key, to, holder, action] = Grant(action, row.kind, row.key, to, holder)
    return tuple(found.values())


# Fields whose rules interact: sources of computed ones, required, defaulted, with X, keys, stamps, security columns.
_TELLING = """
Comp_CompanyId Comp_Name Comp_Revenue Comp_Status Comp_SecTerr Comp_ChannelId Comp_PrimaryPersonId
Comp_PrimaryUserId Comp_CreatedBy Comp_UpdatedDate Comp_LibraryDir Comp_OptOut Comp_WebSite Pers_FirstName
Pers_LastName Pers_FullName Pers_CompanyId Case_Description Case_Priority Case_ReferenceId Case_Opened
Oppo_Description Oppo_Forecast Oppo_Currency Oppo_TotalQuotes Oppo_Total Oppo_TotalOrders Oppo_Total_CID
Quot_OpportunityId Quot_GrossAmt Quot_NettAmt Quot_DiscountAmt Quot_NoDiscAmt Quot_Tax Quot_Currency Quot_Reference
QuIt_QuotedPrice QuIt_ListPrice QuIt_Quantity QuIt_Discount QuIt_DiscountSum QuIt_QuotedPriceTotal QuIt_TaxRate
QuIt_LineType QuIt_Tax_CID Addr_Address1 Addr_City AdLi_AddressId AdLi_Type Phon_Number Phon_AreaCode
Phon_FullNumber PLink_EntityId PLink_Type Emai_EmailAddress ELink_Type ELink_RecordId Prod_Code Prod_Name
Pric_Price User_HomePhone User_PrimaryTerritory User_WebServiceEnabled User_SecurityProfile User_LastName
Note_Note Note_ForeignId
"""
_EVERY = [(kind.name, column.wire) for kind in catalogue().values() for column in kind.columns]
_FIELDS = [pair for pair in _EVERY if pair[1] in _TELLING.split()] * 4 + _EVERY


def _rules(draw: Draw, users: tuple[User, ...], teams: tuple[int, ...], profiles: tuple[int, ...]) -> tuple[Rule, ...]:
    levels = [("everyone", None)] * 3 + [("profile", key) for key in profiles] * 2 + [("team", key) for key in teams]
    levels += [("user", user.key) for user in users]
    answers = [None, False, True]
    # About few fields, so that several rules meet in one.
    topics = [pick(draw, _FIELDS)[0] for _ in range(draw(st.integers(1, 5)))]
    found: dict[tuple[Any, ...], Rule] = {}
    for _ in range(draw(st.integers(0, 16))):
        (kind, wire), (level, holder) = pick(draw, topics, levels)
        read, write, required = pick(draw, answers, answers, [None, None, True, False])
        rule = Rule(kind, wire, level, holder, read, write, required)
        found.setdefault((kind, wire, level, holder), rule)
    return tuple(found.values())


def _refusals(draw: Draw, profiles: tuple[int, ...]) -> tuple[Refusal, ...]:
    # Of few transitions, so that several profiles meet in one.
    steps = [("Cases", "close"), ("Cases", "solve"), ("Opportunity", "win"), ("Quotes", "activate")]
    chosen = [pick(draw, profiles, steps) for _ in range(draw(st.integers(0, 8)))]
    return tuple({(profile, step): Refusal(profile, *step) for profile, step in chosen}.values())


class _Rows:
    """The rows drawn so far, by kind."""

    def __init__(self, draw: Draw, places: list[int], teams: tuple[int, ...], users: list[int]) -> None:
        self.draw = draw
        self.found: dict[str, list[Row]] = {}
        self._columns = ([None, *places], [None, *teams], [None, *users], [None, *users], [False] * 5 + [True])

    def make(self, kind: str, least: int, most: int, values: Callable[[int], dict[str, Any]]) -> None:
        """Draw some rows of a kind; ``values`` makes up the rest of each, by its key."""
        self.found[kind] = []
        for key in _keys(self.draw(st.integers(least, most))):
            place, team, assigned, creator, deleted = pick(self.draw, *self._columns)
            if not catalogue()[kind].security[0]:
                place = team = assigned = None
            self.found[kind].append(Row(kind, key, place, team, assigned, creator, deleted, values(key)))

    def keys(self, kind: str) -> list[int | None]:
        """The keys of a kind, for a reference that must be filled."""
        return [row.key for row in self.found[kind]]

    def some(self, **options: Sequence[Any]) -> dict[str, Any]:
        """Choose a value of each of ``options``; a kind's name stands for its keys or nothing."""
        choices = [[None, *self.keys(choice)] if isinstance(choice, str) else choice for choice in options.values()]
        return dict(zip(options, pick(self.draw, *choices), strict=True))


def _rows(draw: Draw, places: list[int], teams: tuple[int, ...], users: list[int]) -> list[Row]:
    rows = _Rows(draw, places, teams, users)
    rows.make("Currency", 1, 1, lambda key: {"Curr_Symbol": "EUR"})
    rows.make("PricingList", 1, 1, lambda key: {"PrLi_Name": "Standard"})
    rows.make("NewProduct", 1, 2, lambda key: {"Prod_Code": f"P{key}", "Prod_Name": "Product"})
    _parties(rows)
    _dealings(rows)
    return [row for of_kind in rows.found.values() for row in of_kind]


def _parties(rows: _Rows) -> None:
    rows.make("Address", 1, 5, lambda key: rows.some(Addr_Address1=["1 Main Street", ""], Addr_City=["", "Cork"]))
    rows.make("Company", 2, 7, lambda key: {"Comp_Name": f"Company {key}"})
    rows.make(
        "Person",
        1,
        5,
        lambda key: {
            "Pers_LastName": f"Person {key}",
            **rows.some(Pers_FirstName=["Ada", ""], Pers_CompanyId="Company", Pers_PrimaryAddressId="Address"),
        },
    )
    rows.found["Company"] = [
        replace(row, values={**row.values, **rows.some(Comp_PrimaryPersonId="Person", Comp_PrimaryAddressId="Address")})
        for row in rows.found["Company"]
    ]
    rows.make("Address_Link", 0, 6, lambda key: _link(rows))
    # An owner uses an address once per type.
    rows.found["Address_Link"] = list({(*row.values.values(),): row for row in rows.found["Address_Link"]}.values())
    rows.make(
        "Phone",
        0,
        4,
        lambda key: {"Phon_Number": f"{key}", **rows.some(PLink_Type=["Business", "Fax"]), **_owner(rows, "PLink")},
    )
    rows.make(
        "Email",
        0,
        3,
        lambda key: {"Emai_EmailAddress": f"a{key}@example.com", "ELink_Type": "Business", **_owner(rows, "ELink")},
    )


def _link(rows: _Rows) -> dict[str, Any]:
    companies, people = rows.keys("Company"), rows.keys("Person")
    owners: list[tuple[int | None, int | None]] = [(key, None) for key in companies]
    owners += [(company, key) for key in people for company in (None, companies[-1])]
    address, (company, person) = pick(rows.draw, rows.keys("Address"), owners)
    return {"AdLi_AddressId": address, "AdLi_CompanyId": company, "AdLi_PersonId": person, "AdLi_Type": "Billing"}


def _owner(rows: _Rows, prefix: str) -> dict[str, Any]:
    ((table, key),) = pick(rows.draw, [(OWNERS[kind], key) for kind in OWNERS for key in rows.keys(kind)])
    return {f"{prefix}_EntityId": table, f"{prefix}_RecordId": key}


def _noted(rows: _Rows) -> dict[str, Any]:
    ((table, key),) = pick(rows.draw, [(NOTED[kind], key) for kind in NOTED for key in rows.keys(kind)])
    return {"Note_ForeignTableId": table, "Note_ForeignId": key}


def _dealings(rows: _Rows) -> None:
    def dealing(prefix: str, key: int) -> dict[str, Any]:
        parties = {f"{prefix}_PrimaryCompanyId": "Company", f"{prefix}_PrimaryPersonId": "Person"}
        return {f"{prefix}_Description": f"{prefix} {key}", **rows.some(**parties)}

    rows.make("Opportunity", 1, 4, lambda key: dealing("Oppo", key))
    rows.make("Cases", 1, 4, lambda key: dealing("Case", key))
    rows.make(
        "Quotes",
        0,
        4,
        lambda key: {
            **rows.some(Quot_Reference=["Q-1", ""], Quot_Description=["", "Offer"]),
            **rows.some(Quot_OpportunityId=rows.keys("Opportunity"), Quot_CompanyId="Company", Quot_ContactId="Person"),
            "Quot_Currency": BASE + 1,
            "Quot_PricingListId": BASE + 1,
        },
    )
    rows.make("Notes", 0, 4, lambda key: {"Note_Note": f"Note {key} " * 9, **_noted(rows)})
    quotes = rows.keys("Quotes")
    most = 4 if quotes else 0
    rows.make("QuoteItems", 0, most, lambda key: rows.some(QuIt_OrderQuoteId=quotes, QuIt_ProductId="NewProduct"))
