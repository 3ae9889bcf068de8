"""A revocation binds the very next request, in every process; nothing is compiled twice for nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest
from django.db import connection, transaction
from django.utils import timezone

from entities.models import Caption, Team, Territory, User
from entities.registry import registry
from security.errors import UnknownActor
from security.models import Profile, ProfileRight
from security.plan import access_for, policy_version
from tests.owner import owning
from tests.security.people import company, profile, right, rule, seen, territory, user

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import DjangoAssertNumQueries

ANSWER_FOREVER = """
import sys
import django
django.setup()
from entities.registry import registry
from security import gate
from security.plan import access_for
for line in sys.stdin:
    who, kind = line.split()
    access = access_for(int(who))
    rows = gate.rows(access, registry()[kind]).order_by("pk").values_list("pk", flat=True)
    print(*rows, "|", *(item.wire for item in access.shape(registry()[kind]).fields), flush=True)
"""


def database_url() -> str:
    """The address of the test database."""
    given = connection.settings_dict
    where = {"host": given["HOST"], "port": given["PORT"]}
    options = {name: value for name, value in (where | given["OPTIONS"]).items() if isinstance(value, str) and value}
    account, known = f"{quote(given['USER'])}:{quote(given['PASSWORD'])}", urlencode(options, quote_via=quote)
    return f"postgresql://{account}@/{given['NAME']}?{known}"


class OtherProcess:
    """A server process of its own with its own plans; asked what a user sees."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", ANSWER_FOREVER],
            cwd=Path(__file__).parent.parent.parent,
            env={**os.environ, "DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "crm.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def sees(self, who: User, kind: str = "Company") -> tuple[set[int], set[str]]:
        """Return the keys and the fields that the user sees there."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{who.pk} {kind}\n")
        self._process.stdin.flush()
        keys, _, fields = self._process.stdout.readline().partition("|")
        return {int(key) for key in keys.split()}, set(fields.split())

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=30)
        assert self._process.returncode == 0


@pytest.fixture
def elsewhere(transactional_db: None) -> Iterator[OtherProcess]:
    """Another process on the same database."""
    process = OtherProcess()
    yield process
    process.close()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_revocation_binds_the_next_request_of_another_process(elsewhere: OtherProcess) -> None:
    sales = profile("Sales")
    given = right(sales, "Company", "view")
    susan, row = user("susan", sales), company()
    assert elsewhere.sees(susan)[0] == {row.pk}

    hidden = rule("Comp_Revenue", profile=sales, read=False)
    assert "Comp_Revenue" not in elsewhere.sees(susan)[1]
    hidden.delete()
    assert "Comp_Revenue" in elsewhere.sees(susan)[1]

    given.delete()
    assert elsewhere.sees(susan)[0] == set()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO security_profileright (profile_id, entity, scope, with_subtree, view, insert, edit, delete)"
            " VALUES (%s, 'Company', 'everywhere', true, true, false, false, false)",
            [sales.pk],
        )
    assert elsewhere.sees(susan)[0] == {row.pk}
    susan.groups.clear()
    assert elsewhere.sees(susan)[0] == set()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_change_that_is_not_committed_binds_nobody_else(elsewhere: OtherProcess) -> None:
    sales = profile("Sales")
    susan, row = user("susan", sales), company()
    with transaction.atomic():
        right(sales, "Company", "view")
        assert seen(susan) == {row.pk}
        assert elsewhere.sees(susan)[0] == set()
        transaction.set_rollback(True)
    assert seen(susan) == set()
    assert elsewhere.sees(susan)[0] == set()


POLICY = {
    "a profile": "UPDATE security_profile SET functions = '[\"share\"]'",
    "a refused transition": "UPDATE security_profile SET refused = '[\"Cases.close\"]'",
    "a right": "UPDATE security_profileright SET edit = true",
    "a lost right": "DELETE FROM security_profileright",
    "all rights at once": "TRUNCATE security_profileright",
    "a field rule": "UPDATE security_fieldrule SET read = false",
    "a new field rule": "INSERT INTO security_fieldrule (entity, field) VALUES ('Company', 'Comp_Name')",
    "the name of a profile": "UPDATE auth_group SET name = name || 'x'",
    "a membership": "DELETE FROM entities_user_groups",
    "a team's members": "DELETE FROM entities_user_teams",
    "a team": "UPDATE entities_team SET description = 'x'",
    "the tree": "UPDATE entities_territory SET parent_id = NULL",
    "a selection list": "UPDATE entities_caption SET us = us",
    "a user's place": "UPDATE entities_user SET home_territory_id = NULL",
    "a user's primary team": "UPDATE entities_user SET primary_team_id = NULL",
    "a disabled user": "UPDATE entities_user SET disabled = true",
    "a resource": "UPDATE entities_user SET resource = true",
    "a password": "UPDATE entities_user SET password = 'x'",
    "an administrator": "UPDATE entities_user SET is_superuser = true",
}


@pytest.fixture
def policy(db: None) -> User:
    """A row in every policy table, and the user they are about."""
    team = Team.objects.create(description="Direct Sales")
    sales = profile("Sales")
    right(sales, "Company", "view")
    rule("Comp_Revenue", profile=sales, read=True)
    return user("susan", sales, teams=(team,), primary_team=team, home_territory=territory("Worldwide", 1, 1))


@pytest.mark.parametrize("statement", POLICY.values(), ids=POLICY.keys())
def test_plain_sql_on_any_policy_table_counts(policy: User, statement: str) -> None:
    before, known = policy_version(), access_for(policy.pk)
    with owning(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else TRUNCATE waits for them
        cursor.execute(statement)
    assert policy_version() > before
    assert access_for(policy.pk) is not known


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (Profile, {"functions": ["share"]}),
        (Profile, {"refused": ["Cases.close"]}),
        (ProfileRight, {"edit": True}),
        (Team, {"active": False}),
        (Territory, {"number_end": 9}),
        (Caption, {"us": "x"}),
        (User, {"is_staff": True}),
    ],
)
def test_bulk_statements_of_the_orm_count(policy: User, model: Any, values: dict[str, Any]) -> None:
    before = policy_version()
    model.objects.update(**values)
    assert policy_version() > before


def test_a_user_who_is_deleted_has_no_plan(policy: User) -> None:
    access_for(policy.pk)
    User.objects.filter(pk=policy.pk).update(deleted_at=timezone.now())
    with pytest.raises(UnknownActor):
        access_for(policy.pk)


def test_a_log_in_or_a_telephone_number_changes_no_policy(policy: User) -> None:
    before, known = policy_version(), access_for(policy.pk)
    User.objects.filter(pk=policy.pk).update(last_login=timezone.now(), phone="1", email_address="s@example.com")
    assert policy_version() == before
    assert access_for(policy.pk) is known


def test_a_plan_made_in_a_transaction_that_was_rolled_back_is_forgotten(policy: User) -> None:
    with transaction.atomic():
        rule("Comp_Name", read=False)
        inside = policy_version()
        assert not access_for(policy.pk).shape(registry()["Company"]).reads("name")
        transaction.set_rollback(True)
    with transaction.atomic():
        rule("Comp_WebSite", read=False)
        assert policy_version() != inside
        assert access_for(policy.pk).shape(registry()["Company"]).reads("name")
        assert not access_for(policy.pk).shape(registry()["Company"]).reads("web_site")


def test_a_warm_plan_costs_one_statement_beside_the_version(
    policy: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    version = policy_version()
    access_for(policy.pk, version)
    with django_assert_num_queries(1):
        access_for(policy.pk, version)


def test_a_plan_is_compiled_in_a_constant_number_of_statements(
    policy: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with connection.execute_wrapper(counter := Counter()):
        access_for(policy.pk)
    few = counter.count
    for number in range(12):
        more = profile(f"More {number}")
        policy.groups.add(more.group)
        policy.teams.add(Team.objects.create(description=f"Team {number}"))
        home = territory(f"Place {number}", 10 + number, 10 + number)
        for kind in ("Company", "Person", "Cases", "Quotes"):
            right(more, kind, "view edit", "territory", territory=home)
            rule(f"{kind[:4]}_CreatedBy", kind, profile=more, read=False)
    with django_assert_num_queries(few):
        access_for(policy.pk)


class Counter:
    """Counts statements."""

    count = 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.count += 1
        return execute(sql, params, many, context)
