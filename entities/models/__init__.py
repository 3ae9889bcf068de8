"""The models, one module per business area."""

from entities.models.base import Record
from entities.models.captions import Caption, CaptionEntry, CaptionFamily
from entities.models.counters import Counter
from entities.models.directory import ROOT_TERRITORY, Team, Territory, User
from entities.models.notes import Note
from entities.models.parties import (
    Address,
    AddressLink,
    Company,
    Email,
    EmailLink,
    Person,
    Phone,
    PhoneLink,
)
from entities.models.products import (
    Currency,
    Price,
    PriceList,
    Product,
    ProductFamily,
    Unit,
    UnitFamily,
)
from entities.models.sales import Opportunity, Quote, QuoteLine
from entities.models.service import Case
from entities.models.views import CompanyAddress, CompanySummary, PersonAddress, PersonSummary, ProductPrice

__all__ = [
    "ROOT_TERRITORY",
    "Address",
    "AddressLink",
    "Caption",
    "CaptionEntry",
    "CaptionFamily",
    "Case",
    "Company",
    "CompanyAddress",
    "CompanySummary",
    "Counter",
    "Currency",
    "Email",
    "EmailLink",
    "Note",
    "Opportunity",
    "Person",
    "PersonAddress",
    "PersonSummary",
    "Phone",
    "PhoneLink",
    "Price",
    "PriceList",
    "Product",
    "ProductFamily",
    "ProductPrice",
    "Quote",
    "QuoteLine",
    "Record",
    "Team",
    "Territory",
    "Unit",
    "UnitFamily",
    "User",
]
