"""The policy tables: profiles, rights, field rules, tokens, the policy version; log-ins; the trail of changes.

No row of these tables decides anything by itself: ``plan`` compiles them.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q

from entities.models import Team, Territory
from entities.registry import registry
from security import grants

USER = settings.AUTH_USER_MODEL
SCOPES = {
    "everywhere": "everywhere",
    "home": "in the user's home territory or below it",
    "siblings": "in a sibling of the home territory or below one",
    "parent": "in the parent of the home territory",
    "territory": "in one named territory",
    "created_by": "created by the user",
    "assigned": "assigned to the user",
    "team": "of one of the user's teams",
}
FUNCTIONS = ("share", "restore", "export", "explain_others", "preview", "view_as")

grants.build()


def _empty_list() -> list[str]:
    return []


class Profile(models.Model):
    """A security profile. It *is* a Django group, so that guardian's grants and Django's tools apply to it."""

    group = models.OneToOneField(Group, on_delete=models.CASCADE, primary_key=True, related_name="profile")
    functions = models.JSONField(default=_empty_list, blank=True, help_text="Function rights, such as share.")
    refused = models.JSONField(default=_empty_list, blank=True, help_text="Transitions, such as Cases.close.")

    def __str__(self) -> str:
        return self.group.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; a new profile starts with View on the reference kinds (security.md §1), which staff may take away."""
        new = self._state.adding
        super().save(*args, **kwargs)
        if new:
            ProfileRight.objects.bulk_create(
                ProfileRight(profile=self, entity=entity.kind, scope="everywhere", view=True)
                for entity in registry()
                if entity.reference_kind
            )


class ProfileRight(models.Model):
    """What a profile may do with the rows of an entity that lie in a scope."""

    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="rights")
    entity = models.CharField(max_length=40)
    scope = models.CharField(max_length=20, choices=list(SCOPES.items()))
    territory = models.ForeignKey(Territory, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    with_subtree = models.BooleanField(default=True)
    view = models.BooleanField(default=False)
    insert = models.BooleanField(default=False)
    edit = models.BooleanField(default=False)
    delete_right = models.BooleanField("delete", default=False, db_column="delete")

    class Meta:
        verbose_name = "right"
        constraints = [
            models.UniqueConstraint(
                fields=["profile", "entity", "scope", "territory"],
                nulls_distinct=False,
                name="right_once_per_scope",
            ),
            models.CheckConstraint(
                condition=Q(scope="territory", territory__isnull=False)
                | (~Q(scope="territory") & Q(territory__isnull=True)),
                name="right_names_a_territory",
            ),
            models.CheckConstraint(condition=Q(scope__in=list(SCOPES)), name="right_scope_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.entity} {SCOPES[self.scope]}"


class FieldRule(models.Model):
    """Whether a field may be read and written and must be filled, at one of four levels.

    ``None`` says nothing at this level. No profile, team or user = everyone.
    """

    entity = models.CharField(max_length=40)
    field = models.CharField(max_length=60, help_text="The name on the wire, such as Comp_Revenue.")
    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, null=True, blank=True, related_name="field_rules")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    user = models.ForeignKey(USER, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    read = models.BooleanField(null=True, blank=True)
    write = models.BooleanField(null=True, blank=True)
    required = models.BooleanField(null=True, blank=True)

    class Meta:
        verbose_name = "field rule"
        constraints = [
            models.UniqueConstraint(
                fields=["entity", "field", "profile", "team", "user"],
                nulls_distinct=False,
                name="field_rule_once_per_level",
            ),
            models.CheckConstraint(
                condition=Q(profile__isnull=True, team__isnull=True)
                | Q(profile__isnull=True, user__isnull=True)
                | Q(team__isnull=True, user__isnull=True),
                name="field_rule_has_one_level",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.field} ({self.level})"

    @property
    def level(self) -> Literal["user", "team", "profile", "everyone"]:
        """The level of this rule: ``user``, ``team``, ``profile`` or ``everyone``."""
        if self.user_id:
            return "user"
        if self.team_id:
            return "team"
        return "profile" if self.profile_id else "everyone"


class ExternalAccess(models.Model):
    """Whether the API offers a kind at all (contract.md §16). A kind without a row is offered."""

    entity = models.CharField("kind", max_length=40, unique=True)
    offered = models.BooleanField("external access", default=True, help_text="Off: the API does not know the kind.")

    class Meta:
        verbose_name = verbose_name_plural = "external access"

    def __str__(self) -> str:
        return f"{self.entity}: {'on' if self.offered else 'off'}"


class Token(models.Model):
    """A Bearer token of one user; only its hash is kept."""

    user = models.ForeignKey(USER, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=80, help_text="What it is for.")
    hash = models.CharField(max_length=64, unique=True, editable=False)
    read_only = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    def __str__(self) -> str:
        return self.name


class PolicyVersion(models.Model):
    """One row whose number grows with every change of policy; triggers bump it, plain SQL counts too."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    number = models.BigIntegerField(default=1)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="policy_version_is_one_row")]

    def __str__(self) -> str:
        return str(self.number)


class Invariant(models.Model):
    """What the policy must hold, whoever changes it: checked before a change is stored (``invariants``)."""

    mode = models.CharField(max_length=6, choices=[("never", "nobody may ever"), ("always", "everybody may always")])
    profile = models.ForeignKey(
        Profile, on_delete=models.CASCADE, null=True, blank=True, related_name="+", help_text="Empty: whoever it is."
    )
    action = models.CharField(max_length=6, choices=[(name, name) for name in ("view", "insert", "edit", "delete")])
    entity = models.CharField("kind", max_length=40)
    field = models.CharField(max_length=60, blank=True, help_text="Empty: the records. With a field: read or write it.")
    scope = models.CharField(max_length=20, blank=True, choices=list(SCOPES.items()), help_text="Empty: any record.")

    def __str__(self) -> str:
        member = f" in the profile {self.profile}" if self.profile else ""
        who, when = ("Nobody", "ever") if self.mode == "never" else ("Everybody", "always")
        entity = registry().find(self.entity)
        plural = entity.plural if entity else self.entity
        if self.field:
            return f"{who}{member} may {when} {'write' if self.action == 'edit' else 'read'} {self.field} of {plural}"
        return f"{who}{member} may {when} {self.action} {plural} {SCOPES.get(self.scope, '')}".strip()


class PolicyChange(models.Model):
    """One row of policy as it was and as it became; triggers write it, so that plain SQL is recorded, too.

    ``old`` is empty for a row that was made, ``new`` for one that was taken away, both for the moment from which on
    policy is recorded. ``actor`` is the administrator who did it, if known; ``role`` the role of the database.
    """

    table = models.CharField(max_length=63)
    key = models.BigIntegerField()
    old = models.JSONField(null=True)
    new = models.JSONField(null=True)
    at = models.DateTimeField()
    actor = models.IntegerField(null=True)
    role = models.CharField(max_length=63)

    class Meta:
        verbose_name = "change of policy"
        verbose_name_plural = "policy history"
        indexes = [
            models.Index(fields=["table", "key", "id"], name="policy_change_row_ix"),
            models.Index(fields=["-at"], name="policy_change_time_ix"),
        ]

    def __str__(self) -> str:
        return f"{self.table} {self.key}"


class Failure(models.Model):
    """Failed log-ins of one network, or of one account from one network: how long they are remembered.

    ``key`` is a keyed digest, so that nothing that was typed is stored. Only ``throttle`` reads it.
    """

    key = models.CharField(max_length=64, primary_key=True)
    until = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key


class LogIn(models.Model):
    """How often something happened at the door within one hour. Nothing that was typed is kept (``log_ins``)."""

    CHANNELS: ClassVar[dict[str, str]] = {
        "api": "API, password",
        "token": "API, token",
        "administration": "administration",
        "own": "own password or second factor",
    }
    OUTCOMES: ClassVar[dict[str, str]] = {
        "right": "logged in",
        "confirmed": "password confirmed",
        "wrong": "wrong password",
        "unknown": "unknown",
        "barred": "may not log in",
        "ended": "expired or revoked token",
        "code": "right password, wrong code",
        "throttled": "too many failures",
        "enrolled": "second factor set up",
        "removed": "second factor removed",
        "reset": "second factor reset by an administrator",
    }
    GOOD: ClassVar[frozenset[str]] = frozenset({"right", "confirmed", "enrolled", "removed", "reset"})

    user = models.ForeignKey(USER, on_delete=models.PROTECT, null=True, related_name="+")
    network = models.CharField(max_length=50)
    channel = models.CharField(max_length=20, choices=list(CHANNELS.items()))
    outcome = models.CharField(max_length=20, choices=list(OUTCOMES.items()))
    hour = models.DateTimeField()
    first_at = models.DateTimeField("first")
    last_at = models.DateTimeField("last", db_index=True)
    times = models.IntegerField(default=0)

    class Meta:
        verbose_name = "log-in"
        constraints = [
            models.UniqueConstraint(
                fields=["hour", "user", "network", "channel", "outcome"],
                nulls_distinct=False,
                name="log_in_once_an_hour",
            )
        ]

    def __str__(self) -> str:
        return f"{self.network}: {self.OUTCOMES[self.outcome]}"


class SecondFactor(models.Model):
    """What makes the codes of a user's authenticator; ``key`` is sealed. Another one of the user has another ``id``."""

    user = models.OneToOneField(USER, on_delete=models.CASCADE, related_name="+")
    key = models.BinaryField()
    last_step = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"second factor of {self.user}"


class BackupCode(models.Model):
    """A code that replaces the authenticator once; only its keyed digest is kept."""

    factor = models.ForeignKey(SecondFactor, on_delete=models.CASCADE, related_name="+")
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["factor", "hash"], name="backup_code_once")]

    def __str__(self) -> str:
        return "backup code"


class Change(models.Model):
    """One write to one record, through any channel: who, when, and which fields, by attribute.

    It is shown projected with *today's* rights of whoever looks (security.md §6, row 23).
    """

    kind = models.CharField(max_length=40)
    key = models.IntegerField()
    action = models.CharField(max_length=10)
    fields = models.JSONField(default=_empty_list)
    user = models.ForeignKey(USER, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["kind", "key", "-at"], name="change_record_ix")]

    def __str__(self) -> str:
        return f"{self.action} {self.kind} {self.key}"
