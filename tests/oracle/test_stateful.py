"""Any sequence of changes of policy, grants, writes and reads over two server processes: the oracle agrees all along.

The servers are processes of their own over one database. After each step both answer the very next request of the user
whom it concerns as the oracle says; PARAPET_DEEP=1 takes more and longer sequences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from entities.models import User
from entities.registry import registry, table_name
from security.changes import Change, apply
from security.grants import GRANTS
from security.models import FieldRule, Profile, ProfileRight
from tests.api.conftest import connected_to, copied, demo_database
from tests.api.serving import Served, serving
from tests.api.wire import Answer
from tests.oracle.oracle import Oracle
from tests.oracle.reading import read
from tests.oracle.runs import DEEP
from tests.oracle.test_served import entries, feed, prototype

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import DjangoDbBlocker

__all__ = ["demo_database"]

STEPS, RUNS = (60, 12) if DEEP else (14, 1)
USERS = ("susan", "olivia", "peter", "nora", "ian")
KINDS = ("Company", "Person", "Cases", "Opportunity")
FIELDS = {
    "Company": "Comp_Revenue",
    "Person": "Pers_LastName",
    "Cases": "Case_Priority",
    "Opportunity": "Oppo_Forecast",
}
WRITTEN = {
    "Company": "Comp_Source",
    "Person": "Pers_Department",
    "Cases": "Case_ProblemNote",
    "Opportunity": "Oppo_Note",
}
SCOPES = ("everywhere", "home", "siblings", "parent", "created_by", "assigned", "team")

users, kinds = st.sampled_from(USERS), st.sampled_from(KINDS)


class Process:
    """One server, asked as one user; what ``tests/oracle/test_served`` needs of a client."""

    def __init__(self, served: Served, logon: str) -> None:
        self.served, self.logon = served, logon

    def send(self, method: str, path: str, body: Any = None) -> Answer:
        """Send a request over a connection of its own."""
        status, headers, content = self.served.send(method, path, body, self.logon)
        return Answer(status, headers, content)

    def get(self, path: str, **parameters: Any) -> Answer:
        """Read."""
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        return self.send("GET", f"{path}?{query}" if query else path)


class Machine(RuleBasedStateMachine):
    """What administrators, users and operators do, in any order."""

    servers: tuple[Served, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.concerned: tuple[str, str] = ("susan", "Company")
        self.turn = 0

    @initialize()
    def begin(self) -> None:
        """Let both processes keep everybody's plan."""
        for logon in USERS:
            for served in self.servers:
                assert Process(served, logon).get("$whoami").status == 200

    def _profile(self, logon: str) -> int:
        found = Profile.objects.filter(group__user__logon=logon).first() or Profile.objects.order_by("pk")[0]
        return int(found.pk)

    @rule(
        logon=users,
        kind=kinds,
        scope=st.sampled_from(SCOPES),
        flags=st.sets(st.sampled_from(("view", "insert", "edit", "delete_right"))),
    )
    def set_a_right(self, logon: str, kind: str, scope: str, flags: set[str]) -> None:
        """Give a profile a right, or change the one that it has."""
        holder = self._profile(logon)
        known = ProfileRight.objects.filter(profile=holder, entity=kind, scope=scope).first()
        given = {name: name in flags for name in ("view", "insert", "edit", "delete_right")}
        values = {"profile": holder, "entity": kind, "scope": scope, **given}
        apply([Change("ProfileRight", known.pk if known else None, values)])
        self.concerned = logon, kind

    @rule(logon=users, kind=kinds)
    def take_the_rights(self, logon: str, kind: str) -> None:
        """Revoke every right of a profile to a kind, by plain SQL."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {table_name(ProfileRight)} WHERE profile_id = %s AND entity = %s",
                [self._profile(logon), kind],
            )
        self.concerned = logon, kind

    @rule(
        logon=users,
        kind=kinds,
        read=st.sampled_from((True, False, None)),
        level=st.sampled_from(("user", "profile", "everyone")),
    )
    def set_a_field_rule(self, logon: str, kind: str, read: bool | None, level: str) -> None:
        """Say something about a field, or nothing more."""
        holders = {"user": {"user": self._user(logon)}, "profile": {"profile": self._profile(logon)}, "everyone": {}}
        holder = holders[level]
        columns = {f"{name}_id": None for name in ("user", "profile", "team")} | {
            f"{n}_id": k for n, k in holder.items()
        }
        known = FieldRule.objects.filter(entity=kind, field=FIELDS[kind], **columns).first()
        values = {"entity": kind, "field": FIELDS[kind], "read": read, **holder}
        apply([Change("FieldRule", known.pk if known else None, values)])
        self.concerned = logon, kind

    @rule(logon=users, of=users, remove=st.booleans())
    def change_a_membership(self, logon: str, of: str, remove: bool) -> None:
        """Put a user into another one's profile, or take it out."""
        values = {"user": self._user(logon), "profile": self._profile(of)}
        apply([Change("Membership", None, values, remove=remove)])
        self.concerned = logon, self.concerned[1]

    @rule(
        logon=users,
        kind=kinds,
        action=st.sampled_from(("view", "edit", "delete")),
        place=st.integers(0, 30),
        remove=st.booleans(),
    )
    def change_a_grant(self, logon: str, kind: str, action: str, place: int, remove: bool) -> None:
        """Share a record, or end that."""
        keys = list(registry()[kind].model._default_manager.order_by("pk").values_list("pk", flat=True))
        values = {"entity": kind, "record": keys[place % len(keys)], "action": action, "user": self._user(logon)}
        apply([Change("Grant", None, values, remove=remove)])
        self.concerned = logon, kind

    @rule(logon=users, kind=kinds)
    def take_the_grants(self, logon: str, kind: str) -> None:
        """End all sharing with a user, by the ORM."""
        GRANTS[kind][0]._default_manager.filter(user=self._user(logon)).delete()
        self.concerned = logon, kind

    @rule(logon=users, place=st.integers(0, 20))
    def move(self, logon: str, place: int) -> None:
        """Give a user another home."""
        homes = list(registry()["Territories"].model._default_manager.order_by("pk").values_list("pk", flat=True))
        apply([Change("User", self._user(logon), {"home_territory": homes[place % len(homes)]})])
        self.concerned = logon, self.concerned[1]

    @rule(
        logon=users,
        kind=kinds,
        place=st.integers(0, 30),
        method=st.sampled_from(("PATCH", "DELETE")),
        number=st.integers(0, 1),
    )
    def write(self, logon: str, kind: str, place: int, method: str, number: int) -> None:
        """Change or delete a record through one process: done, refused or unknown as the oracle says."""
        oracle = Oracle(read())
        (user,) = (one for one in oracle.world.users if one.key == self._user(logon))
        rows = [row for row in oracle.world.of(kind) if not row.deleted]
        row = rows[place % len(rows)]
        action: Any = "edit" if method == "PATCH" else "delete"
        body = {WRITTEN[kind]: "Web"} if method == "PATCH" else None
        status = Process(self.servers[number], logon).send(method, f"{kind}('{row.key}')", body).status
        if not oracle.may(user, "view", row):
            assert status == 404, (method, row, status)
        elif not oracle.may(user, action, row):
            assert status == 403, (method, row, status)
        else:
            assert status in (200, 204, 400, 409), (method, row, status)  # a rule of the business may refuse
        self.concerned = logon, kind

    @invariant()
    def both_processes_serve_what_the_oracle_says(self) -> None:
        """The very next request of the one concerned, in each process; and one of somebody else."""
        if not self.servers:
            return
        oracle = Oracle(read())
        self.turn += 1
        for logon, kind in (self.concerned, (USERS[self.turn % len(USERS)], KINDS[self.turn % len(KINDS)])):
            (user,) = (one for one in oracle.world.users if one.key == self._user(logon))
            for served in self.servers:
                wire: Any = Process(served, logon)
                prototype(oracle, user, wire, kind)
                feed(oracle, user, wire, kind)
                entries(oracle, user, wire, kind)

    def _user(self, logon: str) -> int:
        return int(User.objects.get(logon=logon).pk)


@pytest.fixture(scope="module")
def two_servers(
    demo_database: str, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Served, Served]]:
    """Serve one copy of the demo world by two processes, with the test connected to it."""
    copy, logs = f"{demo_database}_stateful", tmp_path_factory.mktemp("stateful")
    one = {"WEB_CONCURRENCY": "1", "STATEMENT_TIMEOUT": "10s"}
    with (
        django_db_blocker.unblock(),
        copied(demo_database, copy),
        serving(copy, logs / "one", **one) as first,
        serving(copy, logs / "two", **one) as second,
        connected_to(copy),
    ):
        yield first, second


@pytest.mark.timeout(3600 if DEEP else 600)
def test_two_processes_agree_with_the_oracle_after_every_step(two_servers: tuple[Served, Served]) -> None:
    Machine.servers = two_servers
    try:
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=RUNS,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                derandomize=not DEEP,
                phases=[Phase.generate],  # the world goes on from one sequence to the next
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        Machine.servers = ()


def test_a_change_that_the_processes_do_not_hear_of_is_noticed(two_servers: tuple[Served, Served]) -> None:
    """The judgement can fail: without its trigger a field rule binds nobody."""
    machine = Machine()
    machine.servers, machine.concerned = two_servers, ("ian", "Company")
    machine.both_processes_serve_what_the_oracle_says()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # no triggers
        FieldRule(entity="Company", field="Comp_Source", user_id=machine._user("ian"), read=False).save()
        cursor.execute("SET session_replication_role = DEFAULT")
    with pytest.raises(AssertionError, match=r"prototype of Company"):
        machine.both_processes_serve_what_the_oracle_says()
    FieldRule.objects.filter(field="Comp_Source").update(write=False)
    machine.both_processes_serve_what_the_oracle_says()


@pytest.mark.django_db
def test_a_world_without_anybody_is_read_as_one() -> None:
    """The oracle is told what is in the database and nothing else."""
    assert read().users == ()
