"""Cases: what customers ask for, and how far the answer is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crm.demo.catalogue import offers
from crm.demo.dice import DAY, NOW, Dice, weighted, written
from crm.demo.directory import USERS, members, stamps, team

if TYPE_CHECKING:
    from crm.demo.batch import Batch
    from crm.demo.companies import Account
    from crm.demo.load import Row

FIRST_REFERENCE = 1001
# per product family: what is said, product area, kind of problem, what solved it, the answer
_SOFTWARE = (
    ("{product} does not start after the update", "Software", "Defect", "Patch", "Fixed by the latest patch."),
    ("{product} is slow in the morning", "Software", "Performance", "Configuration", "Cache enlarged."),
    ("How is {product} set up for two currencies?", "Service", "CustomerKnowledge", "Training", "Explained by phone."),
    (
        "Installation of {product} stops at step 3",
        "Installation",
        "Configuration",
        "Workaround",
        "Step 3 done by hand.",
    ),
    ('Report "Totals" of {product} prints blank pages', "Software", "Defect", "Workaround", "Print to a file first."),
    ("More seats of {product} wanted", "Sales", "Request", "NoFault", "Handed to sales."),
)
_HARDWARE = (
    ("{product}: part missing in the delivery", "Hardware", "MissingComponent", "ReplaceComponent", "Part sent."),
    ("{product} reports error 0x80", "Hardware", "Defect", "ReplaceComponent", "Device exchanged."),
    ("{product} is not found by the computer", "Hardware", "Configuration", "OnSiteEngineer", "Set up on site."),
)
_SERVICES = (
    ("{product}: date to be moved", "Service", "Request", "NoFault", "New date agreed."),
    ("{product}: wrong amount on the invoice", "Billing", "Request", "NoFault", "The invoice was right."),
    ("Questions after {product}", "Service", "CustomerKnowledge", "Training", "Answered by phone."),
)
_GOODS = (
    ("{product}: fewer pieces than ordered", "Sales", "MissingComponent", "ReplaceComponent", "The rest was sent."),
    ("{product}: wrong amount on the invoice", "Billing", "Request", "NoFault", "Credit note sent."),
)
_PROBLEMS = (_SOFTWARE, _HARDWARE, _SERVICES, _SERVICES, _SERVICES, _GOODS)
_OPEN = weighted({"Logged": 3, "Queued": 3, "Investigating": 4, "Waiting": 2, "Solved": 1})
_ANSWERED = frozenset(("Solved", "Closed"))
_PRIORITIES = weighted({"Normal": 6, "High": 2, "Low": 2})
_SOURCES = weighted({"Phone": 4, "Email": 4, "Web": 3, "Letter": 1, "Visit": 1})
_PRODUCTS = tuple({offer.product: offer for offer in offers()}.values())


def add_cases(dice: Dice, batch: Batch, account: Account, count: int) -> None:
    """Collect ``count`` cases of a company."""
    for _ in range(count):
        _add_case(dice, batch, account)


def _add_case(dice: Dice, batch: Batch, account: Account) -> None:
    key = batch.key("Cases")
    opened = dice.moment(account.created)
    closed = (
        dice.moment(opened, min(opened + 60 * DAY, NOW))
        if dice.chance(0.9 if NOW - opened > 60 * DAY else 0.3)
        else None
    )
    stage = "Closed" if closed is not None else dice.pick(_OPEN)
    partner = account.user == USERS["olivia"]
    agent = account.user if partner else dice.pick(members("Support"))
    by = account.user if dice.chance(0.3) else agent
    product = dice.pick(_PRODUCTS)
    text, area, problem, solution, answer = dice.pick(_PROBLEMS[product.family - 1])
    person = dice.pick(account.people) if account.people and dice.chance(0.9) else None
    row: Row = {
        "reference_id": f"{by}-{FIRST_REFERENCE + key - 1}",
        "description": text.format(product=product.name),
        "primary_company_id": account.key,
        "primary_person_id": person,
        "assigned_user_id": agent,
        "team_id": account.team if partner else team("Customer Service"),
        "territory_id": account.territory,
        "product_id": product.product,
        "sla_severity": dice.pick(_PRIORITIES),
        "stage": stage,
        "status": "In Progress" if closed is None else "Closed",
        "priority": dice.pick(_PRIORITIES),
        "source": dice.pick(_SOURCES),
        "product_area": area,
        "problem_type": problem,
        "solution_type": solution if stage in _ANSWERED else "",
        "found_ver": dice.pick(("CaseFoundVer1", "CaseFoundVer2", "CaseFoundVer3")) if problem == "Defect" else "",
        "target_ver": dice.pick(("CaseTargetVer2", "CaseTargetVer3", "")) if problem == "Defect" else "",
        "customer_ref": dice.filled("T-####") if dice.chance(0.2) else "",
        "serial_number": dice.filled("SN@@######") if area == "Hardware" else "",
        "problem_note": f"Reported from {account.city}." if dice.chance(0.4) else "",
        "solution_note": answer if stage in _ANSWERED else "",
        "opened": written(opened),
        "opened_by_id": by,
        "closed": written(closed),
        "closed_by_id": agent if closed is not None else None,
        "target_close": written(opened + dice.between(1, 14) * DAY),
        **stamps(by, opened, agent, dice.moment(opened) if closed is None else closed),
    }
    batch.add("Cases", row, key)
