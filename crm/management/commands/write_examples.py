"""``manage.py write_examples``: write ``api/examples.json``, the records that the OpenAPI documents show.

The demo world is built for it in an empty database and thrown away with the transaction.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import orjson
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from api.entries import whole
from api.openapi.examples import BASE, FILE
from api.related import Selection, entries_by_key
from api.values import written
from crm import demo
from crm.demo.companies import EXAMPLE_COMPANY
from crm.demo.people import EXAMPLE_PERSON
from entities.registry import Entity, registry
from security import gate
from security.plan import access_for

if TYPE_CHECKING:
    from security.access import Access

SHOWN = {"Company": EXAMPLE_COMPANY, "Person": EXAMPLE_PERSON, "Users": demo.USERS["susan"]}
# The members of a body that creates one, where the required fields and some filled ones are not what a rule wants.
CREATED: dict[str, tuple[str, ...]] = {
    "Quotes": ("Quot_OpportunityId", "Quot_Description", "Quot_DiscountType", "Quot_DiscountPC"),
    "QuoteItems": ("QuIt_OrderQuoteId", "QuIt_LineType", "QuIt_ProductId", "QuIt_Quantity", "QuIt_TaxRate"),
    "Address_Link": ("AdLi_AddressId", "AdLi_CompanyId", "AdLi_Type"),
    "Pricing": ("Pric_ProductId", "Pric_PricingListId", "Pric_UOMId", "Pric_Price", "Pric_Price_CID", "Pric_Active"),
}
# What must differ from the record that is there already.
OTHERWISE: dict[str, dict[str, Any]] = {"Address_Link": {"AdLi_Type": "Shipping"}, "Pricing": {"Pric_Active": False}}
RECORDS = 2
LOOKED_AT = 500


class Command(BaseCommand):
    """Build the smallest demo world, read, write the file."""

    help = "Write api/examples.json from a demo world that is built in an empty database and thrown away."

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file. Raises CommandError where the database holds something."""
        try:
            with transaction.atomic():
                demo.build("tiny")
                FILE.write_bytes(content())
                transaction.set_rollback(True)
        except demo.NotEmpty as error:
            raise CommandError("The database is not empty; give an empty one with DATABASE_URL.") from error
        self.stdout.write(f"{FILE.name}: {FILE.stat().st_size:,} bytes")


def content() -> bytes:
    """Return what belongs into the file; the database holds the smallest demo world."""
    access = access_for(demo.USERS["admin"])
    found = {entity.kind: _sample(access, entity) for entity in registry()}
    return orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _sample(access: Access, entity: Entity) -> dict[str, Any]:
    records = _records(access, entity)
    created = {name: records[0][name] for name in CREATED.get(entity.kind, ())}
    return {"create": created | OTHERWISE.get(entity.kind, {}), "records": records}


def _records(access: Access, entity: Entity) -> list[dict[str, Any]]:
    """Return the records of a kind that show most: those named in ``SHOWN``, then the fullest ones."""
    keys = list(gate.rows(access, entity).order_by("pk").values_list("pk", flat=True)[:LOOKED_AT])
    found = entries_by_key(access, entity, keys, Selection(whole(access, entity)), BASE)
    plain: list[dict[str, Any]] = orjson.loads(written([found[key] for key in keys]))
    plain.sort(key=lambda entry: (entry["$key"] != SHOWN.get(entity.kind), -_filled(entry), entry["$key"]))
    return [entry | {"$etag": _tag(entry)} for entry in plain[:RECORDS]]


def _filled(entry: dict[str, Any]) -> int:
    return sum(value not in (None, False) for value in entry.values())


def _tag(entry: dict[str, Any]) -> str:
    """Return a tag that does not depend on the installation's secret."""
    return hashlib.sha256(str(entry["$url"]).encode()).hexdigest()[:16]
