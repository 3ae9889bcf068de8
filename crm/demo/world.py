"""Builds the demo world in the database, the same one every time but for the token that it returns."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from tqdm import tqdm

from crm.demo import catalogue, load
from crm.demo.batch import Batch
from crm.demo.companies import EXAMPLE_COMPANY, add_company, is_partners
from crm.demo.dice import Dice
from crm.demo.directory import team_rows, territory_rows, user_rows
from crm.demo.notes import KINDS as NOTED
from crm.demo.notes import add_notes
from crm.demo.people import EXAMPLE_PERSON
from crm.demo.policy import add_policy
from crm.demo.sales import add_opportunities
from crm.demo.service import FIRST_REFERENCE, add_cases
from entities.models import Counter
from entities.rules import numbering

SIZES = {"tiny": 60, "small": 2_000, "medium": 50_000, "large": 1_000_000}
_SEED = "parapet"
_CHUNK = 2_000
_OPPORTUNITIES = (0, 1, 0, 0, 1, 0, 1, 0)
_CASES = (1, 0, 0, 1, 0)


class NotEmpty(Exception):
    """The database holds rows that the demo world would replace."""


@dataclass(frozen=True)
class World:
    """What was built: rows per kind, and ian's Bearer token, which is shown once and stored nowhere."""

    size: str
    counts: dict[str, int]
    token: str


def build(size: str, *, replace: bool = False, progress: bool = False) -> World:
    """Fill the database with the demo world of ``size``, in one transaction.

    Everything in the entity and policy tables is removed first, if ``replace`` says so; otherwise raises
    ``NotEmpty`` when there is something. ``progress`` shows a bar on standard error where that is a terminal.
    """
    with transaction.atomic():
        if not replace and not load.is_empty():
            raise NotEmpty
        load.empty()
        load.copy("Territories", territory_rows())
        load.copy("Channel", team_rows())
        load.copy("Users", user_rows())
        for kind, rows in catalogue.rows():
            load.copy(kind, rows)
        load.defer_only("Company", "Person")
        _add_accounts(SIZES[size], progress)
        load.move_sequences()
        token = add_policy()
        load.check_references()
        return World(size, load.count_rows(), token)


def _add_accounts(count: int, progress: bool) -> None:
    dice, batch = Dice(_SEED), Batch({"Person": EXAMPLE_PERSON})
    notes = Dice(f"{_SEED} notes")
    for key in tqdm(range(1, count + 1), unit=" companies", disable=None if progress else True):
        before = {kind: batch.last(kind) for kind in NOTED}
        account = add_company(dice, batch, key)
        # The example and the partner's companies always have something to show.
        shown = key == EXAMPLE_COMPANY or is_partners(key)
        add_opportunities(dice, batch, account, max(dice.pick(_OPPORTUNITIES), int(shown)), quoted=shown)
        add_cases(dice, batch, account, max(dice.pick(_CASES), int(shown)))
        add_notes(notes, batch, account, before)
        if key % _CHUNK == 0 or key == count:
            batch.write()
    Counter(name=numbering.QUOTES, value=batch.last("Quotes")).save()
    Counter(name=numbering.CASES, value=FIRST_REFERENCE - 1 + batch.last("Cases")).save()
