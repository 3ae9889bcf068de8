"""Notes: what people wrote down about companies, people, opportunities, cases and quotes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crm.demo.companies import EXAMPLE_COMPANY, is_partners
from crm.demo.directory import stamps
from entities.registry import registry

if TYPE_CHECKING:
    from crm.demo.batch import Batch
    from crm.demo.companies import Account
    from crm.demo.dice import Dice

KINDS = ("Company", "Person", "Opportunity", "Cases", "Quotes")
_CHANCES = {"Company": 0.3, "Person": 0.1, "Opportunity": 0.3, "Cases": 0.25, "Quotes": 0.2}
_TEXTS = {
    "Company": (
        "Visit in {city}: new management, wants one contact for everything.",
        "Pays late, but pays.\nReminders go to the accounts department, not to the buyer.",
        "Moves to a new office next year; ask again in autumn.",
        "Reference customer. Agreed to two visits a year.",
    ),
    "Person": (
        "Prefers to be called before nine.",
        "Speaks for the whole department; decides together with the head of purchasing.",
        "On leave every August.",
    ),
    "Opportunity": (
        "Budget is approved, the date is not.",
        "Second offer on the table. They compare the price of support over three years, not the price of the licence.",
        "Met at the tradeshow, wants a demonstration on site.",
    ),
    "Cases": (
        "Customer sent the log file; passed on to development.",
        "Called back, nobody there.\nTried again: the answer works.",
        "Same problem as last month in {city}.",
    ),
    "Quotes": (
        "Sent by e-mail and by post.",
        "Discount agreed with the head of sales.",
        "Asked for a longer validity.",
    ),
}


def add_notes(dice: Dice, batch: Batch, account: Account, before: dict[str, int]) -> None:
    """Collect notes about a company and what it got since the keys ``before``; the example always has some."""
    shown = account.key == EXAMPLE_COMPANY or is_partners(account.key)
    for kind in KINDS:
        keys = (account.key,) if kind == "Company" else range(before[kind] + 1, batch.last(kind) + 1)
        owners = account.people if kind == "Person" else keys
        for number, owner in enumerate(owners):
            if dice.chance(_CHANCES[kind]) or (shown and number == 0):
                _add_note(dice, batch, account, kind, owner)


def _add_note(dice: Dice, batch: Batch, account: Account, kind: str, owner: int) -> None:
    text = dice.pick(_TEXTS[kind]).format(city=account.city)
    about = {"owner_table": registry()[kind].table_id, "owner_id": owner}
    batch.add("Notes", {"text": text, **about, **stamps(account.user, dice.moment(account.created))})
