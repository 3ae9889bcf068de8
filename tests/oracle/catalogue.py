"""The entity catalogue (entities.md §2, §3, §6), transcribed by hand: the second opinion about what exists.

The oracle reads it, and the architecture tests compare the registry with it. Nothing here may be derived from
the code under test.

One field: ``wire type flags``. Types as in entities.md §1.2; ``→K`` may add ``as N``, or ``as -`` where no link
object exists. Flags: ``R RO C D F T Q U X``, ``=value`` a stored default, ``=`` a default that a business rule
gives, ``< A B`` the fields it is made from. The four stamps of §1.3 are appended to every kind.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = frozenset({"RO", "C", "D", "key"})


@dataclass(frozen=True)
class Column:
    """One field as the catalogue describes it; ``length`` is 0 where it has none."""

    wire: str
    type: str
    length: int
    list_name: str
    target: str
    relation: str
    flags: frozenset[str]
    default: str | None
    sources: tuple[str, ...]
    passes: str = ""

    @property
    def server(self) -> bool:
        """Whether only the server writes it."""
        return self.type == "key" or bool(self.flags & SERVER)

    @property
    def has_default(self) -> bool:
        """Whether a new record that lacks it gets a value; a boolean is never empty."""
        return self.default is not None or self.type == "bool"


@dataclass(frozen=True)
class Kind:
    """One kind; ``security`` names its territory, assigned-user and team columns, empty where it has none."""

    name: str
    number: int
    prefix: str
    aliases: tuple[str, ...]
    title: tuple[str, ...]
    joiner: str
    security: tuple[str, str, str]
    reference: bool
    read_only: bool
    delete: str
    columns: tuple[Column, ...]

    @property
    def by_wire(self) -> dict[str, Column]:
        """The fields by their wire name."""
        return {column.wire: column for column in self.columns}


_INDEX = """
Company | 5 | Comp | companies | Comp_Name | SecTerr PrimaryUserId ChannelId | D1
Person | 13 | Pers | persons people contact | Pers_FirstName Pers_LastName | SecTerr PrimaryUserId ChannelId | D1
Cases | 101 | Case | case | Case_Description | SecTerr AssignedUserId ChannelId | D1
Opportunity | 102 | Oppo | opportunities | Oppo_Description | SecTerr AssignedUserId ChannelId | D2
Quotes | 105 | Quot | quote | Quot_Reference Quot_Description | SecTerr AssignedUserId ChannelId | D3
QuoteItems | 106 | QuIt | quoteitem | QuIt_Description | child | D4
Address | 110 | Addr | addresses | Addr_Address1 Addr_City | child | D5
Address_Link | 111 | AdLi | addresslink | AdLi_Type | child | D4
Phone | 112 | Phon | phones | Phon_FullNumber | child | D4
Email | 113 | Emai | emails | Emai_EmailAddress | child | D4
Notes | 114 | Note | note | Note_Note | child | D4
NewProduct | 121 | Prod | product products | Prod_Code Prod_Name | ref | D6
ProductFamily | 122 | PrFa | productfamilies | PrFa_Name | ref | D6
UOM | 123 | UOM | uoms | UOM_Name | ref | D6
UOMFamily | 124 | UOMF | | UOMF_Name | ref | D6
PricingList | 125 | PrLi | | PrLi_Name | ref | D6
Pricing | 126 | Pric | | | ref | D4
Currency | 127 | Curr | currencies | Curr_Symbol | ref | D6
Users | 133 | User | user | User_FirstName User_LastName | ref served-only | D7
Channel | 134 | Chan | channels team teams | Chan_Description | ref served-only | D6
Territories | 135 | Terr | territory | Terr_Caption | ref served-only | D6
Custom_Captions | 136 | Capt | captions | Capt_Family Capt_Code | child served-only |
PhoneLink | 138 | PLink | | PLink_Type | child served-only |
EmailLink | 139 | ELink | | ELink_Type | child served-only |
vAddressCompany | 201 | AdLi | | Addr_Address1 Addr_City | child served-only |
vAddressPerson | 202 | AdLi | | Addr_Address1 Addr_City | child served-only |
vCompanySummary | 203 | Comp | | Comp_Name | child served-only |
vPersonSummary | 204 | Pers | | Pers_FirstName Pers_LastName | child served-only |
vNewProductPriceList | 205 | Pric | | Prod_Code Prod_Name | child served-only |
"""

_FIELDS = """
Company
Comp_CompanyId key; Comp_Name text 60 R T Q
Comp_Type sel Comp_Type =Prospect; Comp_Status sel Comp_Status =Active; Comp_Source sel Comp_Source
Comp_Revenue sel Comp_Revenue; Comp_Employees sel Comp_Employees; Comp_Sector sel Comp_Sector
Comp_IndCode sel Comp_IndCode; Comp_Territory sel Comp_Territory; Comp_WebSite url 100 Q
Comp_PrimaryPersonId →Person; Comp_PrimaryAddressId →Address; Comp_PrimaryUserId →Users =
Comp_ChannelId →Channel =; Comp_SecTerr →Territories =
Comp_MailRestriction bool; Comp_OptOut bool; Comp_Promote bool; Comp_SegmentId int; Comp_IntId int
Comp_LibraryDir text 255 RO; Comp_IntegratedSystems text 255; Comp_IntForeignId text 255 U
Comp_IntLastSyncDate dt; Comp_UploadDate dt RO; Comp_WorkflowId int RO

Person
Pers_PersonId key; Pers_CompanyId →Company; Pers_FirstName text 35 T Q; Pers_LastName text 40 R T Q
Pers_MiddleName text 30; Pers_Suffix text 20; Pers_Title text 50; Pers_Department text 35
Pers_FullName text 80 D < Pers_FirstName Pers_LastName
Pers_Salutation sel Pers_Salutation; Pers_Gender sel Pers_Gender; Pers_TitleCode sel Pers_TitleCode
Pers_DepartmentCode sel Pers_DepartmentCode; Pers_Status sel Pers_Status =Active
Pers_Source sel Comp_Source; Pers_Territory sel Comp_Territory; Pers_Type msel Pers_Type; Pers_WebSite url 40 Q
Pers_PrimaryAddressId →Address; Pers_PrimaryUserId →Users =; Pers_ChannelId →Channel =
Pers_SecTerr →Territories =; Pers_MailRestriction bool; Pers_OptOut bool; Pers_Promote bool
Pers_LibraryDir text 255 RO; Pers_IntegratedSystems text 255; Pers_IntForeignId text 255 U; Pers_IntId int
Pers_IntLastSyncDate dt; Pers_ConflictResDate dt RO; Pers_UploadDate dt RO; Pers_WorkflowId int RO

Cases
Case_CaseId key; Case_ReferenceId text 128 RO Q; Case_Description text 255 R T Q
Case_PrimaryCompanyId →Company; Case_PrimaryPersonId →Person; Case_AssignedUserId →Users =
Case_ChannelId →Channel =; Case_SecTerr →Territories =; Case_ProductId →NewProduct
Case_SLASeverity sel Case_SLASeverity =Normal; Case_Stage sel Case_Stage =Logged
Case_Status sel Case_Status =In_Progress; Case_Priority sel Priority =Normal; Case_Source sel Case_Source
Case_ProductArea sel Case_ProductArea; Case_ProblemType sel Case_ProblemType
Case_SolutionType sel Case_SolutionType; Case_FoundVer sel Case_FoundVer; Case_TargetVer sel Case_TargetVer
Case_CustomerRef text 30 Q; Case_SerialNumber text 30 Q; Case_Product text 30
Case_ProblemNote memo; Case_SolutionNote memo; Case_Opened dt =; Case_OpenedBy →Users as OpenedBy RO
Case_Closed dt RO; Case_ClosedBy →Users as ClosedBy RO; Case_TargetClose dt; Case_NotifyTime dt
Case_WorkflowId int RO

Opportunity
Oppo_OpportunityId key; Oppo_Description text 50 R T Q; Oppo_PrimaryCompanyId →Company
Oppo_PrimaryPersonId →Person; Oppo_AssignedUserId →Users =; Oppo_ChannelId →Channel =
Oppo_SecTerr →Territories =; Oppo_SCRMOriginalOppoId →Opportunity as OriginalOpportunity
Oppo_Type sel Oppo_Type; Oppo_Product sel Oppo_Product; Oppo_Source sel Comp_Source
Oppo_Priority sel Priority =Normal; Oppo_Scenario sel Oppo_Scenario
Oppo_DecisionTimeframe sel Oppo_DecisionTimeframe; Oppo_Stage sel Oppo_Stage =Lead
Oppo_Status sel Oppo_Status =In_Progress; Oppo_Note memo; Oppo_SCRMReasonForLoss memo
Oppo_CustomerRef text 30 Q; Oppo_Opened dt =; Oppo_TargetClose dt; Oppo_Closed dt RO; Oppo_Certainty int =
Oppo_Forecast money; Oppo_Forecast_CID →Currency as - =; Oppo_Currency →Currency
Oppo_TotalQuotes money C < Quotes.Quot_GrossAmt; Oppo_TotalQuotes_CID →Currency as - RO < Oppo_Currency
Oppo_TotalOrders money C; Oppo_TotalOrders_CID →Currency as - RO < Oppo_Currency
Oppo_Total money C < Oppo_TotalQuotes Oppo_TotalOrders; Oppo_Total_CID →Currency as - RO < Oppo_Currency
Oppo_NoDiscAmtSum money C < Quotes.Quot_NoDiscAmt; Oppo_NoDiscAmtSum_CID →Currency as - RO < Oppo_Currency
Oppo_SCRMCompetitor msel Competitor; Oppo_SCRMWinner sel Competitor; Oppo_SCRMIsCrossSell bool
Oppo_NotifyTime dt; Oppo_SMSSent text 20 RO; Oppo_WorkflowId int RO

Quotes
Quot_OrderQuoteId key; Quot_OpportunityId →Opportunity R F
Quot_CompanyId →Company RO < Opportunity.Oppo_PrimaryCompanyId
Quot_ContactId →Person =; Quot_AssignedUserId →Users =; Quot_ChannelId →Channel =
Quot_SecTerr →Territories =; Quot_Status sel Quot_Status =Active; Quot_Reference text 40 RO T Q
Quot_Description text 255 T Q; Quot_Opened dt RO; Quot_ExpirationDate dt =
Quot_Currency →Currency R = < Opportunity.Oppo_Currency; Quot_PricingListId →PricingList R =
Quot_DiscountType sel Quot_DiscountType =PC; Quot_DiscountPC pct =0 < Quot_DiscountType Quot_NettAmt
Quot_DiscountAmt money =0 < Quot_DiscountType Quot_NettAmt
Quot_DiscountAmt_CID →Currency as - RO < Quot_Currency
Quot_LineItemDisc money C < QuoteItems.QuIt_DiscountSum; Quot_LineItemDisc_CID →Currency as - RO < Quot_Currency
Quot_NettAmt money C < QuoteItems.QuIt_QuotedPriceTotal; Quot_NettAmt_CID →Currency as - RO < Quot_Currency
Quot_GrossAmt money C < Quot_NettAmt Quot_DiscountAmt; Quot_GrossAmt_CID →Currency as - RO < Quot_Currency
Quot_NoDiscAmt money C < QuoteItems.QuIt_DiscountSum QuoteItems.QuIt_QuotedPriceTotal
Quot_NoDiscAmt_CID →Currency as - RO < Quot_Currency
Quot_Tax money C < QuoteItems.QuIt_Tax; Quot_Tax_CID →Currency as - RO < Quot_Currency
Quot_BillAddress memo =; Quot_ShipAddress memo =; Quot_Rollup bool =true; Quot_SynchStatus text 40 RO
Quot_Promote bool; Quot_IntForeignId text 255 U; Quot_IntId int

QuoteItems
QuIt_LineItemId key; QuIt_OrderQuoteId →Quotes R F; QuIt_LineType sel LineType R F; QuIt_LineNumber int =
QuIt_ProductId →NewProduct; QuIt_UOMId →UOM =
QuIt_ProductFamilyId →ProductFamily RO < NewProduct.Prod_ProductFamilyId; QuIt_Quantity num
QuIt_QuotedPrice money =; QuIt_QuotedPrice_CID →Currency as - RO < Quotes.Quot_Currency
QuIt_ListPrice money C < QuIt_QuotedPrice Pricing.Pric_Price
QuIt_ListPrice_CID →Currency as - RO < Quotes.Quot_Currency
QuIt_QuotedPriceTotal money C < QuIt_Quantity QuIt_QuotedPrice
QuIt_QuotedPriceTotal_CID →Currency as - RO < Quotes.Quot_Currency
QuIt_Discount money C < QuIt_ListPrice QuIt_QuotedPrice
QuIt_Discount_CID →Currency as - RO < Quotes.Quot_Currency
QuIt_DiscountSum money C < QuIt_Discount QuIt_Quantity
QuIt_DiscountSum_CID →Currency as - RO < Quotes.Quot_Currency
QuIt_Tax money C < QuIt_QuotedPriceTotal QuIt_TaxRate; QuIt_Tax_CID →Currency as - RO < Quotes.Quot_Currency
QuIt_TaxRate pct =0; QuIt_DiscountRate pct C < QuIt_Discount QuIt_ListPrice
QuIt_Description text 255 T Q =; QuIt_DoNotReprice bool; QuIt_Promote bool; QuIt_RepricingStatus text 40 RO
QuIt_ERPLocation text 40; QuIt_IntForeignId text 255 U; QuIt_IntId int

Address
Addr_AddressId key; Addr_Address1 text 40 T Q; Addr_Address2 text 40; Addr_Address3 text 40
Addr_Address4 text 40; Addr_City text 30 T Q; Addr_State text 30; Addr_PostCode text 10
Addr_Country sel Addr_Country

Address_Link
AdLi_AddressLinkId key; AdLi_AddressId →Address R F; AdLi_CompanyId →Company F; AdLi_PersonId →Person F
AdLi_Type sel AdLi_Type T

Phone
Phon_PhoneId key; Phon_CountryCode text 5; Phon_AreaCode text 20; Phon_Number text 20 R Q
Phon_FullNumber text 48 D T < Phon_CountryCode Phon_AreaCode Phon_Number
PLink_EntityId int R F; PLink_RecordId int R F; PLink_Type sel PLink_Type =Business

Email
Emai_EmailId key; Emai_EmailAddress email 255 R T Q; ELink_EntityId int R F; ELink_RecordId int R F
ELink_Type sel ELink_Type =Business

Notes
Note_NoteId key; Note_ForeignTableId int R F; Note_ForeignId int R F; Note_Note memo R T

NewProduct
Prod_ProductId key; Prod_Code text 20 R T Q; Prod_Name text 200 R T Q; Prod_Active bool =true
Prod_ProductFamilyId →ProductFamily; Prod_UOMCategory →UOMFamily; Prod_IntForeignId text 255 U

ProductFamily
PrFa_ProductFamilyId key; PrFa_Name text 60 R T Q; PrFa_Description text 255; PrFa_Active bool =true

UOM
UOM_UOMId key; UOM_FamilyId →UOMFamily R F; UOM_Name text 40 R T; UOM_Description text 255
UOM_Units num R =1; UOM_DefaultValue bool; UOM_Active bool =true

UOMFamily
UOMF_FamilyId key; UOMF_Name text 40 R T; UOMF_Description text 255; UOMF_Active bool =true

PricingList
PrLi_PricingListId key; PrLi_Name text 60 R T; PrLi_Description text 255; PrLi_Active bool =true
PrLi_DefaultValue bool

Pricing
Pric_PricingId key; Pric_ProductId →NewProduct R F; Pric_PricingListId →PricingList R F; Pric_UOMId →UOM F
Pric_Price money R; Pric_Price_CID →Currency R F; Pric_Active bool =true

Currency
Curr_CurrencyId key; Curr_Symbol text 8 R T; Curr_Rate num R; Curr_Code text 3; Curr_Description text 60
Curr_DecimalPlaces int =2

Users
User_UserId key; User_Logon text 50 R Q; User_FirstName text 20 T Q; User_LastName text 35 R T Q
User_Title text 50; User_Department sel Pers_DepartmentCode; User_Language sel User_Language =US
User_EmailAddress email 255 Q; User_Phone text 20; User_Extension text 20; User_Pager text 20
User_HomePhone text 20 X; User_MobilePhone text 20; User_Fax text 20; User_Location text 40; User_DeskId text 40
User_PrimaryChannelId →Channel; User_PrimaryTerritory →Territories X; User_SecurityProfile int X RO
User_LicenceType text 40 X RO; User_Disabled bool; User_Resource bool; User_IsTemplate bool
User_ExternalLogonAllowed bool X; User_WebServiceEnabled bool X; User_AccountLockedOut bool X
User_MustChangePassword bool X; User_CannotChangePassword bool X; User_PasswordNeverExpires bool X
User_IsTerritoryManager bool X; User_LastLogin dt X RO; User_TemplateName text 60 X

Channel
Chan_ChannelId key; Chan_Description text 60 R T Q; Chan_Active bool =true

Territories
Terr_TerritoryId key; Terr_Caption text 80 R T; Terr_ParentId →Territories as Parent; Terr_Depth int RO
Terr_ChildCount int RO

Custom_Captions
Capt_CaptionId key; Capt_FamilyType text 20 RO; Capt_Family text 30 RO T; Capt_Code text 40 RO T
Capt_US text 255 RO; Capt_UK text 255 RO; Capt_DE text 255 RO; Capt_DU text 255 RO; Capt_ES text 255 RO
Capt_FR text 255 RO; Capt_Order int RO

PhoneLink
PLink_LinkId key; PLink_PhoneId int RO; PLink_EntityId int R < Phone.PLink_EntityId
PLink_RecordId int R < Phone.PLink_RecordId; PLink_Type sel PLink_Type T =Business < Phone.PLink_Type

EmailLink
ELink_LinkId key; ELink_EmailId int RO; ELink_EntityId int R < Email.ELink_EntityId
ELink_RecordId int R < Email.ELink_RecordId; ELink_Type sel ELink_Type T =Business < Email.ELink_Type
"""

# Views (§8). A line names the kind whose fields are shown and, for other records, the way to them: the view's own
# field that refers to them, or ``first`` and a type. ``name=field`` spells a field otherwise; ``*`` stands for all.
_VIEWS = """
vAddressCompany
Address_Link: AdLi_AddressLinkId AdLi_CompanyId AdLi_PersonId AdLi_Type Addr_AddressId=AdLi_AddressId
Address via Addr_AddressId: Addr_Address1 Addr_Address2 Addr_Address3 Addr_Address4
Address via Addr_AddressId: Addr_City Addr_State Addr_PostCode Addr_Country
Company via AdLi_CompanyId: Comp_Name

vAddressPerson
Address_Link: AdLi_AddressLinkId AdLi_CompanyId AdLi_PersonId AdLi_Type Addr_AddressId=AdLi_AddressId
Address via Addr_AddressId: Addr_Address1 Addr_Address2 Addr_Address3 Addr_Address4
Address via Addr_AddressId: Addr_City Addr_State Addr_PostCode Addr_Country
Person via AdLi_PersonId: Pers_FirstName Pers_LastName

vCompanySummary
Company: *
self: Addr_AddressId=Comp_PrimaryAddressId
Person via Comp_PrimaryPersonId: Pers_FirstName Pers_LastName
Address via Comp_PrimaryAddressId: Addr_Address1 Addr_Address2 Addr_Address3 Addr_Address4
Address via Comp_PrimaryAddressId: Addr_City Addr_State Addr_PostCode Addr_Country
Phone first Business: Comp_PhoneFullNumber=Phon_FullNumber Comp_PhoneCountryCode=Phon_CountryCode
Phone first Business: Comp_PhoneAreaCode=Phon_AreaCode Comp_PhoneNumber=Phon_Number
Phone first Fax: Comp_FaxCountryCode=Phon_CountryCode Comp_FaxAreaCode=Phon_AreaCode Comp_FaxNumber=Phon_Number
Email first Business: Comp_EmailAddress=Emai_EmailAddress

vPersonSummary
Person: *
self: Addr_AddressId=Pers_PrimaryAddressId
Company via Pers_CompanyId: Comp_Name
Phone first Business: Pers_PhoneCountryCode=Phon_CountryCode Pers_PhoneAreaCode=Phon_AreaCode
Phone first Business: Pers_PhoneNumber=Phon_Number
Phone first Fax: Pers_FaxCountryCode=Phon_CountryCode Pers_FaxAreaCode=Phon_AreaCode Pers_FaxNumber=Phon_Number
Email first Business: Pers_EmailAddress=Emai_EmailAddress
Phone first Mobile: Phon_MobileFullNumber=Phon_FullNumber
Address via Pers_PrimaryAddressId: Addr_Address1 Addr_Address2 Addr_Address3 Addr_Address4
Address via Pers_PrimaryAddressId: Addr_City Addr_State Addr_PostCode Addr_Country

vNewProductPriceList
Pricing: Pric_PricingId Prod_ProductId=Pric_ProductId PrLi_PricingListId=Pric_PricingListId
Pricing: Curr_CurrencyId=Pric_Price_CID Pric_UOMId Pric_Price Pric_Active
NewProduct via Prod_ProductId: Prod_Code Prod_Name Prod_ProductFamilyId Prod_Active
PricingList via PrLi_PricingListId: PrLi_Name
Currency via Curr_CurrencyId: Curr_Symbol
"""

_STAMPS = "_CreatedBy →Users as CreatedBy RO; _CreatedDate dt RO; _UpdatedBy →Users as UpdatedBy RO; _UpdatedDate dt RO"

# The kinds that show another kind's rows, as far as its fields are readable.
_SHOWN = {"PhoneLink": "Phone.Phon", "EmailLink": "Email.Emai"}


def _column(text: str) -> Column:
    head, _, made_from = text.partition(" < ")
    wire, kind, *words = head.split()
    length, list_name, target, relation = 0, "", "", ""
    if kind in ("text", "email", "url"):
        length = int(words.pop(0))
    elif kind in ("sel", "msel"):
        list_name = words.pop(0)
    elif kind.startswith("→"):
        kind, target = "ref", kind[1:]
        relation = target
        if words[:1] == ["as"]:
            relation = "" if words[1] == "-" else words[1]
            words = words[2:]
    defaults = [word[1:].replace("_", " ") for word in words if word.startswith("=")]
    flags = frozenset(word for word in words if not word.startswith("="))
    default = defaults[0] if defaults else None
    return Column(wire, kind, length, list_name, target, relation, flags, default, tuple(made_from.split()))


def _security(prefix: str, words: list[str]) -> tuple[str, str, str]:
    territory, assigned, team = words if words[0] == "SecTerr" else ("", "", "")
    return (f"{prefix}_{territory}", f"{prefix}_{assigned}", f"{prefix}_{team}") if team else ("", "", "")


@cache
def catalogue() -> dict[str, Kind]:
    """Return every kind that is served now, by name."""
    fields: dict[str, list[str]] = {}
    for block in _FIELDS.strip().split("\n\n"):
        name, *lines = block.splitlines()
        fields[name] = [text.strip() for line in lines for text in line.split(";") if text.strip()]
    found: dict[str, Kind] = {}
    for line in _INDEX.strip().splitlines():
        name, number, prefix, aliases, title, security, delete = (part.strip() for part in line.split("|"))
        words = security.split()
        stamps = [f"{prefix}{stamp.strip()}" for stamp in _STAMPS.split(";") if name != "Custom_Captions"]
        if name in _SHOWN:
            stamps = [f"{stamp} < {_SHOWN[name]}{stamp.split()[0].removeprefix(prefix)}" for stamp in stamps]
        found[name] = Kind(
            name=name,
            number=int(number),
            prefix=prefix,
            aliases=tuple(aliases.split()),
            title=tuple(title.split()),
            joiner=", " if name.startswith(("Address", "vAddress")) and name != "Address_Link" else " ",
            security=_security(prefix, words),
            reference="ref" in words,
            read_only="served-only" in words,
            delete=delete,
            columns=tuple(_column(text) for text in [*fields.get(name, []), *stamps]),
        )
    for block in _VIEWS.strip().split("\n\n"):
        name, *lines = block.splitlines()
        found[name] = replace(found[name], columns=tuple(_shown_columns(lines, found)))
    return found


def _shown_columns(lines: list[str], kinds: dict[str, Kind]) -> Iterator[Column]:
    own: dict[str, Column] = {}
    for line in lines:
        head, _, names = line.partition(": ")
        kind, *way = head.split()
        if names == "*":
            names = " ".join(column.wire for column in kinds[kind].columns[: -len(_STAMPS.split(";"))])
        for text in names.split():
            wire, _, source = text.partition("=")
            own[wire] = _shown_column(wire, source or wire, kind, way, own, kinds)
            yield own[wire]


def _shown_column(
    wire: str, source: str, kind: str, way: list[str], own: dict[str, Column], kinds: dict[str, Kind]
) -> Column:
    """Return a view's column: as its source and what leads there are readable, and never to be written."""
    column = own[source] if kind == "self" else kinds[kind].by_wire[source]
    sources: tuple[str, ...] = (source,) if kind == "self" else (f"{kind}.{source}",)
    if way[:1] == ["via"]:
        sources = (way[1], *sources)
    elif way:
        link = "PLink" if kind == "Phone" else "ELink"
        sources += tuple(f"{kind}.{link}_{name}" for name in ("Type", "EntityId", "RecordId"))
    relation = "" if way or kind == "self" else column.relation
    if column.type == "key":
        sources = ()
    if wire == "Curr_CurrencyId":
        relation = "Currency"
    flags = frozenset({"RO", *({"D"} & column.flags)})
    shown = kind if way else ""
    return Column(
        wire, column.type, column.length, column.list_name, column.target, relation, flags, None, sources, shown
    )
