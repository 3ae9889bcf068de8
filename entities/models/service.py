"""Customer service: cases."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings

from entities.declaration import Collection, Declaration
from entities.fields import integer, memo, moment, reference, selection, text
from entities.models.base import Record, secured
from entities.workflow import CASES

USER = settings.AUTH_USER_MODEL


class Case(Record):
    """A customer's problem and its way to the solution."""

    entity: ClassVar[Declaration] = Declaration(
        kind="Cases",
        aliases=("case",),
        plural="Cases",
        label="Case",
        prefix="Case",
        table_id=101,
        title=("description",),
        search=("reference_id", "description", "customer_ref", "serial_number"),
        assigned="assigned_user",
        completed=("assigned_user", "team", "territory", "opened"),
        names={
            "product_text": "Case_Product",
            "opened_by": "Case_OpenedBy",
            "closed_by": "Case_ClosedBy",
        },
        relations={"opened_by": "OpenedBy", "closed_by": "ClosedBy"},
        collections=(Collection("Notes", owned=True),),
        workflow=CASES,
    )

    reference_id = text(128, "Reference", editable=False)
    description = text(255, "Description", required=True)
    primary_company = reference("entities.Company", "Company")
    primary_person = reference("entities.Person", "Person")
    assigned_user = reference(USER, "Assigned User")
    team = reference("entities.Team", "Team")
    territory = reference("entities.Territory", "Territory")
    product = reference("entities.Product", "Product")
    sla_severity = selection("Case_SLASeverity", "Severity", default="Normal")
    stage = selection("Case_Stage", "Stage", default="Logged")
    status = selection("Case_Status", "Status", default="In Progress")
    priority = selection("Priority", "Priority", default="Normal")
    source = selection("Case_Source", "Source")
    product_area = selection("Case_ProductArea", "Product Area")
    problem_type = selection("Case_ProblemType", "Problem Type")
    solution_type = selection("Case_SolutionType", "Solution Type")
    found_ver = selection("Case_FoundVer", "Found in Version")
    target_ver = selection("Case_TargetVer", "Target Version")
    customer_ref = text(30, "Customer Reference")
    serial_number = text(30, "Serial Number")
    product_text = text(30, "Product")
    problem_note = memo("Problem")
    solution_note = memo("Solution")
    opened = moment("Opened")
    opened_by = reference(USER, "Opened By", editable=False)
    closed = moment("Closed", editable=False)
    closed_by = reference(USER, "Closed By", editable=False)
    target_close = moment("Target Close")
    notify_time = moment("Reminder")
    workflow_id = integer("Workflow Id", editable=False)

    class Meta:
        indexes = secured(
            "case",
            "assigned_user",
            "status assigned_user",
            "primary_company",
            "primary_person",
            "product",
            "opened_by",
            "closed_by",
            walks=("opened", "~description"),
        )
