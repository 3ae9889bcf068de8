"""What the benchmark's world is made of: how large it is, and who calls. It imports nothing, so that everybody may."""

from __future__ import annotations

from dataclasses import dataclass

PASSWORD = "bench-password"
BASE = "/sdata/crmj/sagecrm2/-"


@dataclass(frozen=True)
class Size:
    """How many companies (people: twice as many, addresses: a quarter), territories and grants there are."""

    companies: int = 1_000_000
    territories: int = 500
    grants: int = 50_000

    @property
    def name(self) -> str:
        """The name of the database that holds this world: grants are written anew where there are others."""
        return f"bench_{self.companies}_{self.territories}"

    @property
    def shared(self) -> int:
        """How many grants each of ``granted`` and ``restricted`` holds: of a four-hundredth of the rows at most."""
        return min(self.grants // 20, 2_500, self.companies // 400)

    @property
    def own(self) -> int:
        """How many grants ``many`` holds."""
        return min(self.grants * 8 // 10, 50_000, self.companies // 4)


FULL = Size()
QUICK = Size(100_000, 500, 5_000)

# Who calls, by key: one for each scope of a right, "restricted" for all of them together with hidden fields, and
# those whose rights are of the same form but reach nothing, 0.01 % and 0.25 % of the rows, or many grants besides.
CALLERS = (
    "admin",
    "everywhere",
    "home",
    "assigned",
    "team",
    "created",
    "granted",
    "restricted",
    "nothing",
    "tiny",
    "small",
    "many",
)
KEYS = {logon: key for key, logon in enumerate(CALLERS, start=1)}
SCOPES = ("home", "assigned", "team", "created", "granted", "restricted", "everywhere")
WORST = ("nothing", "tiny", "small", "many", "everywhere")
USERS, TEAMS, PROFILES = 200, 20, 20
FILLERS = (21, USERS)  # the keys of everybody else, first and last
FANOUT = 8  # children of a territory


def territory_parents(size: Size) -> dict[int, int | None]:
    """Return the parent of each territory by number; 0 is the root."""
    return {number: (number - 1) // FANOUT if number else None for number in range(size.territories)}


def home(size: Size) -> int:
    """Return the home of those who see a subtree: one of the second level where there is a third."""
    return 9 if size.territories > 9 * FANOUT + 1 else min(1, size.territories - 1)


def subtree(size: Size, root: int) -> list[int]:
    """Return the numbers of the territories at and below ``root``."""
    parents, found = territory_parents(size), {root}
    for number, parent in parents.items():  # parents stand before their children
        if parent in found:
            found.add(number)
    return sorted(found)


def empty_territory(size: Size) -> int:
    """Return the territory in which there is nothing: the last leaf."""
    return size.territories - 1
