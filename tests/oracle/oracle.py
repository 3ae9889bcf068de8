"""The slow evaluator: security.md §1 to §3 in plain Python over a world, one sentence of the text at a time.

It shares no code with ``security``; where the text is silent, the comment says what was decided.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from tests.oracle.catalogue import catalogue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from tests.oracle.catalogue import Column, Kind
    from tests.oracle.worlds import Action, Right, Row, Rule, User, World

OWNER_KINDS = {5: "Company", 13: "Person", 101: "Cases", 102: "Opportunity", 105: "Quotes"}
PARENT_KINDS = {
    "QuoteItems": ("Quotes",),
    "Address": ("Company", "Person"),
    "Address_Link": ("Company", "Person"),
    "Phone": ("Company", "Person"),
    "Email": ("Company", "Person"),
    "Notes": ("Company", "Person", "Opportunity", "Cases", "Quotes"),
    "PhoneLink": ("Company", "Person"),
    "EmailLink": ("Company", "Person"),
    "vAddressCompany": ("Company",),
    "vAddressPerson": ("Person",),
}
# What entities.md §7 says of each transition beside its states: the field that it requires; reassign moves something.
STATES = {"Cases": "Case_Stage Case_Status", "Opportunity": "Oppo_Stage Oppo_Status", "Quotes": "Quot_Status"}
TRANSITIONS = {
    "Cases": "queue investigate wait solve close reopen reassign",
    "Opportunity": "qualify quote negotiate agree win lose abandon reopen reassign",
    "Quotes": "deactivate activate",
}
REQUIRED = {("Cases", "solve"): "Case_SolutionNote"}
MOVED = {"Cases": "Case_AssignedUserId Case_ChannelId", "Opportunity": "Oppo_AssignedUserId Oppo_ChannelId"}
# A view's rows obey the rights of its base; address views those of the one owner that they are about (entities.md §8).
BASE_KINDS = {"vCompanySummary": "Company", "vPersonSummary": "Person", "vNewProductPriceList": "Pricing"}
OWNER_COLUMNS = {"vAddressCompany": "AdLi_CompanyId", "vAddressPerson": "AdLi_PersonId"}
VIEWS = (*BASE_KINDS, *OWNER_COLUMNS)
LEVELS = ("user", "team", "profile", "everyone")
ACTIONS: tuple[Action, ...] = ("view", "insert", "edit", "delete")


class Oracle:
    """What everybody may do in one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._rows = {(row.kind, row.key): row for kind in catalogue() for row in world.of(kind)}
        self._parent = {place.key: place.parent for place in world.territories}
        self._links = [row for row in world.of("Address_Link") if not row.deleted]
        # The same questions come many times over.
        self.actions = cache(self._actions)
        self.readable = cache(self._readable)

    # Rows (§2)

    def may(self, user: User, action: Action, row: Row) -> bool:
        """Whether the user may do the action to the row: to one just written, for insert."""
        if row.deleted or action not in self.actions(user, row.kind):
            return False
        if row.kind in BASE_KINDS:
            return self.may(user, action, self._rows[BASE_KINDS[row.kind], row.key])
        if row.kind not in PARENT_KINDS:
            return self._holds(user, action, row) and (action in ("view", "insert") or self._holds(user, "view", row))
        # The edit right on the parent decides writes, its view right reads; one of several owners suffices.
        wanted: Action = "view" if action == "view" else "edit"
        if row.kind == "Address" and not any(link.values["AdLi_AddressId"] == row.key for link in self._links):
            # Visible to its creator (entities.md §3.3), who may also change it: nobody else could complete it.
            return row.creator == user.key
        return any(self.may(user, wanted, parent) for parent in self._parents(row))

    def lies_within(self, user: User, action: Action, row: Row) -> bool:
        """Whether a row may lie here after it was inserted or changed: the right alone, seen or not."""
        if row.kind in PARENT_KINDS or row.kind in BASE_KINDS:
            return self.may(user, action, row)
        return not row.deleted and action in self.actions(user, row.kind) and self._holds(user, action, row)

    def _parents(self, row: Row) -> Iterator[Row]:
        if row.kind == "Address":
            for link in self._links:
                if link.values["AdLi_AddressId"] == row.key:
                    yield from self._parents(link)
            return
        if row.kind in OWNER_COLUMNS:
            key = row.values[OWNER_COLUMNS[row.kind]]
            if key is not None:
                yield self._rows[PARENT_KINDS[row.kind][0], key]
            return
        named = {"QuIt_OrderQuoteId": "Quotes", "AdLi_CompanyId": "Company", "AdLi_PersonId": "Person"}
        for wire, value in row.values.items():
            if wire.endswith("_EntityId"):
                yield self._rows[OWNER_KINDS[value], row.values[wire.replace("Entity", "Record")]]
            elif wire == "Note_ForeignTableId":
                yield self._rows[OWNER_KINDS[value], row.values["Note_ForeignId"]]
            elif wire in named and value is not None:
                yield self._rows[named[wire], value]

    def _holds(self, user: User, action: Action, row: Row) -> bool:
        if user.superuser:
            return True
        if catalogue()[row.kind].reference and action != "view":
            return False  # writes of reference kinds are the superuser's (§1), whatever somebody wrote down
        rights = self._rights(user, row.kind, action)
        return any(self._reaches(user, right, row) for right in rights) or self._granted(user, action, row)

    def _rights(self, user: User, kind: str, action: Action) -> list[Right]:
        return [
            right
            for right in self.world.rights
            if right.kind == kind and right.profile in user.profiles and action in right.actions
        ]

    def _granted(self, user: User, action: Action, row: Row) -> bool:
        # There is no grant of insert: it is about a row that is not there yet.
        return any(
            (grant.kind, grant.key, grant.action) == (row.kind, row.key, action)
            and (
                (grant.to == "user" and grant.holder == user.key)
                or (grant.to == "profile" and grant.holder in user.profiles)
            )
            for grant in self.world.grants
        )

    def _reaches(self, user: User, right: Right, row: Row) -> bool:
        territory, assigned, team = catalogue()[row.kind].security
        match right.scope:
            case "everywhere":
                return True
            case "created_by":
                return row.creator == user.key
            case "assigned":
                return bool(assigned) and row.assigned == user.key
            case "team":
                return bool(team) and row.team in self.teams(user)
            case _:
                return bool(territory) and row.territory in self._territories(user, right)

    def teams(self, user: User) -> set[int]:
        """A user has a primary team and may be in more."""
        return {*user.teams, *([user.primary_team] if user.primary_team else [])}

    def _territories(self, user: User, right: Right) -> set[int]:
        home, above = user.home, self._parent.get(user.home or 0)
        places = set(self._parent)
        match right.scope:
            case "home":
                return {place for place in places if home is not None and self._below(place, home)}
            case "siblings":
                beside = [p for p in places if above is not None and self._parent[p] == above and p != home]
                return {place for place in places if any(self._below(place, sibling) for sibling in beside)}
            case "parent":
                return {above} if above is not None else set()
            case _:
                named = right.territory or 0
                return {p for p in places if p == named or (right.with_subtree and self._below(p, named))}

    def _below(self, place: int | None, top: int) -> bool:
        """Whether ``place`` is ``top`` or lies below it."""
        while place is not None and place != top:
            place = self._parent[place]
        return place == top

    # Kinds

    def _actions(self, user: User, kind: str) -> frozenset[Action]:
        """The actions that some scope or grant gives on some row; without view, edit and delete reach nothing."""
        if kind == "Custom_Captions":  # about the fields of the kinds that the user knows (entities.md §3.19)
            others = (self.actions(user, other) for other in catalogue() if other != kind)
            return frozenset({"view"}) if any({"view", "insert"} & actions for actions in others) else frozenset()
        if kind in VIEWS:
            parents = PARENT_KINDS.get(kind) or (BASE_KINDS[kind],)
            return self.actions(user, parents[0]) & {"view"}
        if kind in PARENT_KINDS:
            over = frozenset().union(*(self.actions(user, parent) for parent in PARENT_KINDS[kind]))
            found = frozenset(ACTIONS) if "edit" in over else over & {"view"}
        else:
            found = frozenset(action for action in ACTIONS if self._gives(user, kind, action))
            found &= set(ACTIONS) if "view" in found else {"insert"}
        return found - {"insert"} if self.insert_is_blocked(user, kind) else found

    def knows(self, user: User, kind: str) -> bool:
        """A kind with neither view nor insert is unknown."""
        return bool(self.actions(user, kind) & {"view", "insert"})

    def _gives(self, user: User, kind: str, action: Action) -> bool:
        if user.superuser:
            return True
        described = catalogue()[kind]
        if described.reference and action != "view":
            return False
        if any(self._exists(user, described, right) for right in self._rights(user, kind, action)):
            return True
        grants = [grant for grant in self.world.grants if (grant.kind, grant.action) == (kind, action)]
        return any(self._granted(user, action, self._rows[kind, grant.key]) for grant in grants)

    def _exists(self, user: User, kind: Kind, right: Right) -> bool:
        """A scope whose column the kind lacks does not exist for it; one that can reach no place gives nothing."""
        territory, assigned, team = kind.security
        match right.scope:
            case "everywhere" | "created_by":
                return True
            case "assigned":
                return bool(assigned)
            case "team":
                return bool(team and self.teams(user))
            case _:
                return bool(territory and self._territories(user, right))

    # Fields (§3)

    def _said(self, user: User, kind: str, wire: str, question: str) -> bool | None:
        rules = [rule for rule in self.world.rules if (rule.kind, rule.wire) == (kind, wire)]
        for level in LEVELS:
            at_level = [rule for rule in rules if rule.level == level and self._applies(user, rule)]
            answers = [answer for rule in at_level if (answer := getattr(rule, question)) is not None]
            if answers:
                return True in answers if question == "required" else False not in answers
        return None

    def _applies(self, user: User, rule: Rule) -> bool:
        match rule.level:
            case "everyone":
                return True
            case "user":
                return rule.holder == user.key
            case "team":
                return rule.holder in self.teams(user)
            case _:
                return rule.holder in user.profiles

    def _readable(self, user: User, kind: str, wire: str) -> bool:
        column = catalogue()[kind].by_wire[wire]
        if column.passes and "view" not in self.actions(user, column.passes):
            return False
        if user.superuser or column.type == "key":
            return True
        said = self._said(user, kind, wire, "read")
        if said is False or (said is None and "X" in column.flags):
            return False
        sources = [source.split(".") if "." in source else [kind, source] for source in column.sources]
        return all(self.readable(user, *source) for source in sources)

    def writable(self, user: User, kind: str, column: Column) -> bool:
        """Write needs read; what the server sets, nobody writes."""
        if column.server or not self.readable(user, kind, column.wire):
            return False
        said = None if user.superuser else self._said(user, kind, column.wire, "write")
        return said if said is not None else user.superuser or "X" not in column.flags

    def required(self, user: User, kind: str, column: Column) -> bool:
        """The model's own requirement is never lifted; a rule can require only what somebody can fill."""
        if "R" in column.flags:
            return True
        return not user.superuser and not column.server and self._said(user, kind, column.wire, "required") is True

    def insert_is_blocked(self, user: User, kind: str) -> bool:
        """A required field that the actor cannot write, without default: no insert right, whether it is seen or not."""
        return any(
            self.required(user, kind, column) and not column.has_default and not self.writable(user, kind, column)
            for column in catalogue()[kind].columns
        )

    def shape(self, user: User, kind: str) -> list[tuple[str, bool, bool]]:
        """The readable fields in catalogue order: wire name, writable, required."""
        return [
            (column.wire, self.writable(user, kind, column), self.required(user, kind, column))
            for column in catalogue()[kind].columns
            if self.readable(user, kind, column.wire)
        ]

    # Transitions (§4)

    def transitions(self, user: User, kind: str) -> list[str]:
        """Edit, write access to the state, one profile that does not refuse it; nobody does what they cannot fill."""
        if "edit" not in self.actions(user, kind) or not self._fills(user, kind, STATES.get(kind, ""), all):
            return []
        names = TRANSITIONS.get(kind, "").split()
        named = [name for name in names if self._fills(user, kind, REQUIRED.get((kind, name), ""), all)]
        if not self._fills(user, kind, MOVED.get(kind, ""), any):
            named = [name for name in named if name != "reassign"]
        return [name for name in named if user.superuser or self._lets(user, kind, name)]

    def _fills(self, user: User, kind: str, wires: str, enough: Callable[[Iterable[bool]], bool]) -> bool:
        return enough(self.writable(user, kind, catalogue()[kind].by_wire[wire]) for wire in wires.split())

    def _lets(self, user: User, kind: str, name: str) -> bool:
        refusing = {found.profile for found in self.world.refusals if (found.kind, found.name) == (kind, name)}
        return bool(user.profiles - refusing)

    # What is shown of a row

    def reference(self, user: User, row: Row, wire: str) -> int | None:
        """The key of a reference as the user sees it: one to an invisible row looks empty."""
        target = catalogue()[row.kind].by_wire[wire].target
        key = row.creator if wire.endswith(("_CreatedBy", "_UpdatedBy")) else row.values.get(wire)
        return key if key is not None and self.may(user, "view", self._rows[target, key]) else None

    def shown(self, user: User, row: Row, wire: str) -> Any:
        """The value of a view's column that another record has; None where the user does not see that record."""
        column = catalogue()[row.kind].by_wire[wire]
        if len(column.sources) == 2:
            way, source = column.sources
            key = row.values.get("AdLi_AddressId" if way == "Addr_AddressId" else way)
            found = [] if key is None else [self._rows[column.passes, key]]
        else:
            source, linked = column.sources[0], "ELink" if column.passes == "Email" else "PLink"
            owner = next(table for table, kind in OWNER_KINDS.items() if kind == BASE_KINDS[row.kind])
            wanted = {
                f"{linked}_EntityId": owner,
                f"{linked}_RecordId": row.key,
                f"{linked}_Type": "Fax" if "_Fax" in wire else "Mobile" if "_Mobile" in wire else "Business",
            }
            found = [item for item in self.world.of(column.passes) if wanted.items() <= item.values.items()]
        seen = sorted((item for item in found if self.may(user, "view", item)), key=lambda item: item.key)
        if not seen:
            return None
        value = self._with_computed(seen[0]).values.get(source.partition(".")[2])
        return value or None

    def title(self, user: User, row: Row) -> str | None:
        """The filled and readable title fields, joined; None where there is none (then it is neutral)."""
        kind = catalogue()[row.kind]
        values = self._with_computed(row).values
        if row.kind in VIEWS:
            values = {
                **values,
                **{wire: self.shown(user, row, wire) for wire in kind.title if kind.by_wire[wire].passes},
            }
        parts = [values.get(wire) for wire in kind.title if self.readable(user, row.kind, wire)]
        joined = kind.joiner.join(part for part in parts if part)
        return (joined[:60] if row.kind == "Notes" else joined) or None

    def _with_computed(self, row: Row) -> Row:
        number = row.values.get("Phon_Number")
        return replace(row, values={**row.values, "Phon_FullNumber": number}) if number else row
