"""Companies and people, and how to reach them."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, GeneratedField, Q, Value
from django.db.models.functions import Trim
from django.db.models.lookups import Exact

from entities.declaration import ByLink, ByOwner, ByReference, Collection, Declaration
from entities.fields import (
    PhoneNumberField,
    email,
    flag,
    integer,
    moment,
    multi_selection,
    reference,
    selection,
    text,
    web,
)
from entities.models.base import LIVE, Record, indexes, secured

USER = settings.AUTH_USER_MODEL


def joined(*names: str) -> models.Func:
    """The columns joined by single blanks, empty ones skipped (immutable, so that a column may be generated)."""
    expression: models.Func | F = F(names[0])
    for name in names[1:]:
        expression = Trim(models.Func(expression, Value(" "), F(name), template="(%(expressions)s)", arg_joiner=" || "))
    assert isinstance(expression, models.Func)
    return expression


class Company(Record):
    """An organisation one does business with."""

    entity: ClassVar[Declaration] = Declaration(
        kind="Company",
        aliases=("companies",),
        plural="Companies",
        prefix="Comp",
        table_id=5,
        title=("name",),
        search=("name", "web_site"),
        assigned="primary_user",
        completed=("primary_user", "team", "territory"),
        upsert=("int_foreign_id",),
        names={"sales_region": "Comp_Territory"},
        collections=(
            Collection("Address", "Address_Link.company", owned=True, unless="person"),
            Collection("Phone", owned=True),
            Collection("Email", owned=True),
            Collection("Notes", owned=True),
            Collection("Person", "company", nested=True),
            Collection("Opportunity", "primary_company"),
            Collection("Cases", "primary_company"),
            Collection("Quotes", "company"),
        ),
    )

    name = text(60, "Company Name", required=True)
    type = selection("Comp_Type", "Type", default="Prospect")
    status = selection("Comp_Status", "Status", default="Active")
    source = selection("Comp_Source", "Source")
    revenue = selection("Comp_Revenue", "Revenue")
    employees = selection("Comp_Employees", "Employees")
    sector = selection("Comp_Sector", "Sector")
    ind_code = selection("Comp_IndCode", "Industry")
    sales_region = selection("Comp_Territory", "Sales Region")
    web_site = web(100, "Web Site")
    primary_person = reference("entities.Person", "Primary Person")
    primary_address = reference("entities.Address", "Primary Address")
    primary_user = reference(USER, "Account Manager")
    team = reference("entities.Team", "Team")
    territory = reference("entities.Territory", "Territory")
    mail_restriction = flag("Mail Restriction")
    opt_out = flag("Opted Out")
    promote = flag("Promote")
    segment_id = integer("Segment Id")
    int_id = integer("Integration Id")
    library_dir = text(255, "Library Directory", editable=False)
    integrated_systems = text(255, "Integrated Systems")
    int_foreign_id = text(255, "External Key")
    int_last_sync_date = moment("Last Synchronised")
    upload_date = moment("Upload Date", editable=False)
    workflow_id = integer("Workflow Id", editable=False)

    class Meta:
        verbose_name_plural = "companies"
        indexes = secured(
            "comp", "primary_user", "primary_person", "primary_address", "int_foreign_id", walks=("~name",)
        )


class Person(Record):
    """A human being, usually of a company."""

    entity: ClassVar[Declaration] = Declaration(
        kind="Person",
        aliases=("persons", "people", "contact"),
        plural="People",
        prefix="Pers",
        table_id=13,
        title=("first_name", "last_name"),
        search=("first_name", "last_name", "web_site"),
        assigned="primary_user",
        completed=("primary_user", "team", "territory"),
        upsert=("int_foreign_id",),
        names={"sales_region": "Pers_Territory"},
        collections=(
            Collection("Address", "Address_Link.person", owned=True),
            Collection("Phone", owned=True),
            Collection("Email", owned=True),
            Collection("Notes", owned=True),
            Collection("Opportunity", "primary_person"),
            Collection("Cases", "primary_person"),
            Collection("Quotes", "contact"),
        ),
    )

    company = reference("entities.Company", "Company")
    first_name = text(35, "First Name")
    last_name = text(40, "Last Name", required=True)
    middle_name = text(30, "Middle Name")
    suffix = text(20, "Suffix")
    title = text(50, "Job Title")
    department = text(35, "Department")
    full_name = GeneratedField(
        expression=joined("first_name", "last_name"),
        output_field=models.CharField("Full Name", max_length=80),
        db_persist=True,
        verbose_name="Full Name",
    )
    salutation = selection("Pers_Salutation", "Salutation")
    gender = selection("Pers_Gender", "Gender")
    title_code = selection("Pers_TitleCode", "Function")
    department_code = selection("Pers_DepartmentCode", "Department Code")
    status = selection("Pers_Status", "Status", default="Active")
    source = selection("Comp_Source", "Source")
    sales_region = selection("Comp_Territory", "Sales Region")
    type = multi_selection("Pers_Type", "Type")
    web_site = web(40, "Web Site")
    primary_address = reference("entities.Address", "Primary Address")
    primary_user = reference(USER, "Account Manager")
    team = reference("entities.Team", "Team")
    territory = reference("entities.Territory", "Territory")
    mail_restriction = flag("Mail Restriction")
    opt_out = flag("Opted Out")
    promote = flag("Promote")
    library_dir = text(255, "Library Directory", editable=False)
    integrated_systems = text(255, "Integrated Systems")
    int_foreign_id = text(255, "External Key")
    int_id = integer("Integration Id")
    int_last_sync_date = moment("Last Synchronised")
    conflict_res_date = moment("Conflict Resolved", editable=False)
    upload_date = moment("Upload Date", editable=False)
    workflow_id = integer("Workflow Id", editable=False)

    class Meta:
        verbose_name_plural = "people"
        indexes = secured(
            "pers",
            "primary_user",
            "company",
            "primary_address",
            "int_foreign_id",
            walks=("~last_name ~first_name",),
        )


class Address(Record):
    """A postal address; companies and people are linked to it."""

    entity: ClassVar[Declaration] = Declaration(
        kind="Address",
        aliases=("addresses",),
        plural="Addresses",
        prefix="Addr",
        table_id=110,
        title=("address1", "city"),
        title_joiner=", ",
        search=("address1", "city"),
        parents=(ByLink("Address_Link", "address"),),
        collections=(Collection("Address_Link", "address", owned=True, nested=False),),
        delete="D5",
    )

    address1 = text(40, "Address 1")
    address2 = text(40, "Address 2")
    address3 = text(40, "Address 3")
    address4 = text(40, "Address 4")
    city = text(30, "City")
    state = text(30, "State")
    post_code = text(10, "Post Code")
    country = selection("Addr_Country", "Country")

    class Meta:
        verbose_name_plural = "addresses"
        indexes = indexes("addr", "~city", "created_by")


class AddressLink(Record):
    """That a company or person uses an address, and what for."""

    entity: ClassVar[Declaration] = Declaration(
        kind="Address_Link",
        aliases=("addresslink",),
        plural="Address Links",
        label="Address Link",
        prefix="AdLi",
        table_id=111,
        title=("type",),
        parents=(ByReference("company"), ByReference("person")),
        fixed=("address", "company", "person"),
        delete="D4",
    )

    address = reference("entities.Address", "Address", required=True)
    company = reference("entities.Company", "Company")
    person = reference("entities.Person", "Person")
    type = selection("AdLi_Type", "Type")

    class Meta:
        verbose_name = "address link"
        indexes = indexes("adli", "company person", "person", "address")
        constraints = [
            models.CheckConstraint(
                condition=Q(company__isnull=False) | Q(person__isnull=False),
                name="adli_has_an_owner",
            ),
            models.UniqueConstraint(
                fields=["company", "person", "address", "type"],
                condition=LIVE,
                nulls_distinct=False,
                name="adli_once_per_type",
            ),
        ]


class Phone(Record):
    """A telephone number of one company or person."""

    entity: ClassVar[Declaration] = Declaration(
        kind="Phone",
        aliases=("phones",),
        plural="Phones",
        prefix="Phon",
        table_id=112,
        title=("full_number",),
        search=("number",),
        parents=(ByOwner(("Company", "Person")),),
        names={"owner_table": "PLink_EntityId", "owner_id": "PLink_RecordId", "type": "PLink_Type"},
        fixed=("owner_table", "owner_id"),
        delete="D4",
    )

    country_code = text(5, "Country Code")
    area_code = text(20, "Area Code")
    number = PhoneNumberField("Number", max_length=20)
    full_number = GeneratedField(
        expression=joined("country_code", "area_code", "number"),
        output_field=models.CharField("Full Number", max_length=48),
        db_persist=True,
        verbose_name="Full Number",
    )
    owner_table = models.IntegerField("Owner Kind")
    owner_id = models.IntegerField("Owner")
    type = selection("PLink_Type", "Type", default="Business")

    class Meta:
        indexes = indexes("phon", "owner_table owner_id")
        constraints = [models.CheckConstraint(condition=~Exact(F("number"), Value("")), name="phon_has_a_number")]


class Email(Record):
    """An e-mail address of one company or person."""

    entity: ClassVar[Declaration] = Declaration(
        kind="Email",
        aliases=("emails",),
        plural="E-mail Addresses",
        label="E-mail",
        prefix="Emai",
        table_id=113,
        title=("email_address",),
        search=("email_address",),
        parents=(ByOwner(("Company", "Person")),),
        names={"owner_table": "ELink_EntityId", "owner_id": "ELink_RecordId", "type": "ELink_Type"},
        fixed=("owner_table", "owner_id"),
        delete="D4",
    )

    email_address = email(255, "E-mail Address", required=True)
    owner_table = models.IntegerField("Owner Kind")
    owner_id = models.IntegerField("Owner")
    type = selection("ELink_Type", "Type", default="Business")

    class Meta:
        verbose_name = "e-mail address"
        verbose_name_plural = "e-mail addresses"
        indexes = indexes("emai", "owner_table owner_id")


class PhoneLink(Phone):
    """The rows of Phone under the names that clients join by; read-only."""

    entity: ClassVar[Declaration] = Declaration(
        kind="PhoneLink",
        plural="Phone Links",
        label="Phone Link",
        prefix="PLink",
        table_id=138,
        title=("type",),
        parents=(ByOwner(("Company", "Person")),),
        names={"id": "PLink_LinkId", "owner_table": "PLink_EntityId", "owner_id": "PLink_RecordId"},
        repeats={"PLink_PhoneId": "id"},
        only=(
            "id",
            "owner_table",
            "owner_id",
            "type",
            "created_by",
            "created_at",
            "updated_by",
            "updated_at",
        ),
        read_only=True,
        delete="",
    )

    class Meta:
        proxy = True


class EmailLink(Email):
    """The rows of Email under the names that clients join by; read-only."""

    entity: ClassVar[Declaration] = Declaration(
        kind="EmailLink",
        plural="E-mail Links",
        label="E-mail Link",
        prefix="ELink",
        table_id=139,
        title=("type",),
        parents=(ByOwner(("Company", "Person")),),
        names={"id": "ELink_LinkId", "owner_table": "ELink_EntityId", "owner_id": "ELink_RecordId"},
        repeats={"ELink_EmailId": "id"},
        only=(
            "id",
            "owner_table",
            "owner_id",
            "type",
            "created_by",
            "created_at",
            "updated_by",
            "updated_at",
        ),
        read_only=True,
        delete="",
    )

    class Meta:
        proxy = True
