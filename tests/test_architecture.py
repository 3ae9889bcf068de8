"""The house rules that no linter knows (design.md §2), each exemption with its reason.

An exemption that nothing uses any more fails, too.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command

from entities.registry import Entity, registry

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PACKAGES = ("api", "crm", "entities", "security")
MANAGERS = {"objects", "_default_manager", "_base_manager"}
POLICY_TABLES = {
    "BackupCode",
    "Caption",
    "Change",
    "ExternalAccess",
    "Failure",
    "FieldRule",
    "Group",
    "Invariant",
    "LogIn",
    "Permission",
    "PolicyChange",
    "PolicyVersion",
    "Profile",
    "ProfileRight",
    "SecondFactor",
    "Token",
}
MOST_LINES = 320
MOST_LINES_OF_A_FUNCTION = 60

MANAGER_USERS = {
    ("api/idempotency.py", "Remembered"): "the contract's own table of answered requests, no entity",
    ("security/gate.py", "model"): "the door itself",
    ("security/changes.py", "model"): "rows of the policy tables, named by a change of policy",
    ("security/preview.py", "table"): "the tables of grants, as they are with and without a change",
    ("security/predicates.py", "table"): "the tables of grants, as sub-queries of the predicate",
    ("security/sharing.py", "table"): "the tables of grants, listed for whoever may share",
    ("crm/admin_users.py", "Group"): "the profiles that an account may be put into: a policy table, not an entity",
    ("crm/admin_policy.py", "Permission"): "what a recorded grant gave, by name",
    ("crm/admin_sharing.py", "Group"): "the profiles that a row may be shared with: a policy table, not an entity",
    ("crm/admin_captions.py", "Caption"): "whether a code is in its list already: a policy table, not an entity",
    ("entities/captions.py", "CaptionFamily"): "the families of captions, filled from the registry when it migrates",
    ("entities/models/directory.py", "Group"): "the key of a user's first profile, computed on reading",
}
UNFILTERED = {
    "crm/demo/policy.py": "the seed, before anybody has rights",
    "crm/proof/changing.py": "what a user may not see is changed, in a transaction that is rolled back",
    "crm/proof/conditions.py": "what a user may not know is asked for",
    "crm/proof/hidden.py": "which rows a user does not see",
    "crm/proof/worlds.py": "the user about whom something is proved",
    "security/accounts.py": "accounts are the administrator's, who is asked first",
    "security/backends.py": "who is logged in is read before there is a plan",
    "security/changes.py": "the user whose policy is changed",
    "security/credentials.py": "who calls is found before there is a plan",
    "security/gate.py": "the exit itself, and the rows that predicates are about",
    "security/explain_actions.py": "the state of one record that the reader sees",
    "security/explain.py": "which rules reach one record that the reader sees",
    "security/facts.py": "the plan is compiled from users and territories",
    "security/invariants.py": "whom an invariant is about, and a record that shows a breach",
    "security/preview.py": "whom a change of policy is about, and how many rows it opens or closes",
    "security/second_factor.py": "who has lost a second factor, and the lock while one is set up",
    "security/selectivity.py": "how many rows a right reaches, about: it decides how the database goes about a list",
    "security/sharing.py": "whether the user that a row is shared with exists",
    "security/surroundings.py": "business rules get it as an argument",
}
SUPERUSER = {
    "crm/demo/directory.py": "the demo administrator",
    "crm/demo/load.py": "the columns of the table that the demo world is copied into",
    "entities/models/directory.py": "createsuperuser, and the column hidden from every channel",
    "security/accounts.py": "what the administrator's form of an account shows and stores",
    "security/backends.py": "the columns that a session loads",
    "security/changes.py": "a column of the user that a change of policy may set",
    "security/explain.py": "the full plan of whoever sits at the command line",
    "security/flips.py": "what would let somebody write reference data",
    "security/invariants.py": "administrators are beyond what profiles may",
    "security/plan.py": "the compiler: the full plan",
}
ADMINISTRATOR = {
    "api/discovery.py": "$whoami says it",
    "crm/admin_policy.py": "what rules about policy say of others is told to administrators",
    "crm/admin_sharing.py": "grants are a policy table",
    "crm/admin_users.py": "accounts are policy: profiles, teams, staff",
    "crm/proof/changing.py": "policy is not hidden from an administrator",
    "security/accounts.py": "accounts are policy: profiles, teams, staff",
    "security/admin_pages.py": "the pages of the policy tables",
    "security/admin_tokens.py": "tokens are a policy table",
    "security/backends.py": "Django's permissions on the policy tables",
    "security/explain.py": "an administrator is told that this is the reason",
    "security/explain_fields.py": "an administrator is told that this is the reason",
    "security/plan.py": "the compiler: the full plan",
    "security/second_factor.py": "an administrator resets those of others",
    "security/sharing.py": "grants are a policy table",
}
LONG_MODULES = {
    "security/models.py": "the tables of policy, of log-ins and of their history: a list of columns, one line each",
    "entities/models/parties.py": "companies, people and how to reach them: a list of fields, one line each",
    "entities/registry.py": "the one reader of Django's models and what it finds, kept in one place",
}


@cache
def modules() -> dict[str, ast.Module]:
    """The product's own modules, by path; migrations are written by Django."""
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts]
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text()) for path in sorted(paths)}


def nodes() -> Iterator[tuple[str, ast.AST]]:
    """Every node of every module."""
    for path, module in modules().items():
        for node in ast.walk(module):
            yield path, node


def mentions(name: str) -> set[str]:
    """The modules that use ``name``: as a variable, attribute, argument or text."""
    return {
        path
        for path, node in nodes()
        if (isinstance(node, ast.Name) and node.id == name)
        or (isinstance(node, ast.Attribute) and node.attr == name)
        or (isinstance(node, ast.keyword) and node.arg == name)
        or (isinstance(node, ast.Constant) and node.value == name)
    }


def test_only_the_registry_reads_what_django_knows_of_models() -> None:
    readers = {path for path, node in nodes() if isinstance(node, ast.Attribute) and node.attr == "_meta"}
    readers |= {path for path, node in nodes() if isinstance(node, ast.Constant) and node.value == "_meta"}
    assert readers == {"entities/registry.py"}


def test_only_the_gate_uses_the_managers_of_entities() -> None:
    used = set()
    for path, node in nodes():
        if isinstance(node, ast.Attribute) and node.attr in MANAGERS:
            owner = ast.unparse(node.value)
            if not (path.startswith("security/") and owner in POLICY_TABLES):
                used.add((path, owner))
    assert used == set(MANAGER_USERS)


def test_rows_are_listed_unfiltered_where_the_reason_is_known() -> None:
    assert mentions("system_rows") == set(UNFILTERED)


def test_a_superuser_is_a_plan_and_no_bypass() -> None:
    assert mentions("is_superuser") == set(SUPERUSER)
    readers = {path for path, node in nodes() if isinstance(node, ast.Attribute) and node.attr == "administrator"}
    assert readers - {"crm/demo/world.py"} == set(ADMINISTRATOR)


def test_the_api_speaks_of_entities_through_the_registry() -> None:
    imported = set()
    for path, node in nodes():
        if path.startswith("api/"):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    assert not {name for name in imported if name.startswith("entities.models")}


def test_every_module_says_what_it_is_about() -> None:
    silent = [path for path, module in modules().items() if module.body and not ast.get_docstring(module)]
    assert not silent


def test_modules_are_short() -> None:
    lengths = {path: len((ROOT / path).read_text().splitlines()) for path in modules()}
    assert {path for path, length in lengths.items() if length > MOST_LINES} == set(LONG_MODULES)


def test_functions_fit_a_screen() -> None:
    long = [
        f"{path}: {node.name}"
        for path, node in nodes()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= MOST_LINES_OF_A_FUNCTION
    ]
    assert not long


@pytest.mark.parametrize("entity", list(registry()), ids=lambda entity: str(entity.kind))
def test_names_on_the_wire_and_attributes_map_one_to_one(entity: Entity) -> None:
    assert len({field.wire.lower() for field in entity.fields}) == len(entity.fields)
    assert len({field.name for field in entity.fields}) == len(entity.fields)
    for field in entity.fields:
        assert entity.field(field.wire.upper()) is field is entity.by_name[field.name]


@pytest.mark.django_db
def test_the_system_checks_and_the_migrations_are_complete() -> None:
    call_command("check", fail_level="WARNING")
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
