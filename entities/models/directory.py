"""Who works here: users, teams (Sage: channels) and the territory tree."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.contrib.auth import get_backends
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, Group, PermissionsMixin
from django.contrib.auth.password_validation import validate_password
from django.db import models
from django.db.models import Min, OuterRef, Subquery
from django.db.models.functions import Lower

from entities.declaration import Declaration, Derived
from entities.fields import email, flag, phone_number, reference, selection, text
from entities.models.base import Record, indexes

ROOT_TERRITORY = -2147483640


class Territory(Record):
    """A node of the one territory tree. ``number``..``number_end`` is the interval of its subtree."""

    entity: ClassVar[Declaration] = Declaration(
        kind="Territories",
        aliases=("territory",),
        plural="Territories",
        label="Territory",
        prefix="Terr",
        table_id=135,
        title=("caption",),
        order=("number",),
        reference_kind=True,
        read_only=True,
        relations={"parent": "Parent"},
        internal=("number", "number_end"),
        delete="D6",
    )

    caption = text(80, "Territory", required=True)
    parent = reference("entities.Territory", "Parent")
    depth = models.IntegerField("Depth", default=0, editable=False)
    child_count = models.IntegerField("Child Count", default=0, editable=False)
    number = models.IntegerField(default=0, editable=False)
    number_end = models.IntegerField(default=0, editable=False)

    class Meta:
        verbose_name = "territory"
        verbose_name_plural = "territories"
        indexes = indexes("terr", "parent", "number")


class Team(Record):
    """A set of users; a record may belong to one. Sage calls it a channel."""

    entity: ClassVar[Declaration] = Declaration(
        kind="Channel",
        aliases=("channels", "team", "teams"),
        plural="Teams",
        label="Team",
        prefix="Chan",
        table_id=134,
        title=("description",),
        search=("description",),
        order=("description",),
        names={"id": "Chan_ChannelId"},
        reference_kind=True,
        read_only=True,
        delete="D6",
    )

    description = text(60, "Description", required=True)
    active = flag("Active", default=True)

    class Meta:
        verbose_name = "team"
        indexes = indexes("chan", "~description")


class UserManager(BaseUserManager["User"]):
    """Log-in looks users up by logon, without regard to case."""

    def get_by_natural_key(self, username: str | None) -> User:
        """Return the user who logs in as ``username``; raises ``User.DoesNotExist``."""
        return self.get(logon__iexact=username, deleted_at__isnull=True)

    def create_superuser(self, logon: str, password: str | None = None, **values: Any) -> User:
        """Create the first administrator; used by ``manage.py createsuperuser``.

        Raises ``ValidationError`` for a password that the rules refuse: without a terminal, Django does not ask them.
        """
        values.setdefault("last_name", logon)
        user = self.model(logon=logon, is_staff=True, is_superuser=True, **values)
        if password is not None:
            validate_password(password, user)
        user.set_password(password)
        user.save(using=self._db)
        return user


def _first_profile() -> Subquery:
    """The key of the user's first profile; a profile's key is its group's."""
    memberships = Group.objects.filter(user=OuterRef("pk")).order_by().values("user")
    return Subquery(memberships.annotate(first=Min("pk")).values("first"))


class User(Record, AbstractBaseUser, PermissionsMixin):
    """Who calls, and whom records are assigned to. Its profiles are the groups it is in."""

    entity: ClassVar[Declaration] = Declaration(
        kind="Users",
        aliases=("user",),
        plural="Users",
        label="User",
        prefix="User",
        table_id=133,
        title=("first_name", "last_name"),
        search=("logon", "first_name", "last_name", "email_address"),
        order=("last_name", "first_name"),
        reference_kind=True,
        read_only=True,
        names={"home_territory": "User_PrimaryTerritory", "primary_team": "User_PrimaryChannelId"},
        internal=("password", "is_staff", "is_superuser", "groups", "user_permissions", "teams"),
        derived={
            "security_profile": Derived(
                _first_profile,
                models.IntegerField("Security Profile"),
                (),
            )
        },
        administrators=(
            "home_phone",
            "home_territory",
            "security_profile",
            "licence_type",
            "external_logon_allowed",
            "web_service_enabled",
            "account_locked_out",
            "must_change_password",
            "cannot_change_password",
            "password_never_expires",
            "is_territory_manager",
            "last_login",
            "template_name",
        ),
        delete="D7",
    )

    logon = text(50, "Logon", required=True)
    first_name = text(20, "First Name")
    last_name = text(35, "Last Name", required=True)
    title = text(50, "Title")
    department = selection("Pers_DepartmentCode", "Department")
    language = selection("User_Language", "Language", default="US")
    email_address = email(255, "E-mail")
    phone = phone_number(20, "Phone")
    extension = phone_number(20, "Extension")
    pager = phone_number(20, "Pager")
    home_phone = phone_number(20, "Home Phone")
    mobile_phone = phone_number(20, "Mobile Phone")
    fax = phone_number(20, "Fax")
    location = text(40, "Location")
    desk_id = text(40, "Desk Id")
    primary_team = reference("entities.Team", "Primary Team")
    home_territory = reference("entities.Territory", "Home Territory")
    teams = models.ManyToManyField(Team, verbose_name="teams", blank=True, related_name="+")
    licence_type = text(40, "Licence Type", editable=False)
    disabled = flag("Disabled")
    resource = flag("Resource")
    is_template = flag("Template")
    external_logon_allowed = flag("External Logon Allowed")
    web_service_enabled = flag("Web Service Enabled")
    account_locked_out = flag("Account Locked Out")
    must_change_password = flag("Must Change Password")
    cannot_change_password = flag("Cannot Change Password")
    password_never_expires = flag("Password Never Expires")
    is_territory_manager = flag("Territory Manager")
    last_login = models.DateTimeField("Last Login", null=True, blank=True, editable=False)
    template_name = text(60, "Template Name")
    is_staff = flag("Staff: may open the administration")

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "logon"
    EMAIL_FIELD = "email_address"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = "user"
        constraints = [models.UniqueConstraint(Lower("logon"), name="user_logon_unique")]
        indexes = indexes("user", "~last_name ~first_name", "home_territory", "primary_team")

    @property
    def is_active(self) -> bool:  # type: ignore[override]  # Django declares a plain attribute
        """May log in: neither disabled, nor a resource, nor a template, nor deleted."""
        return not (self.disabled or self.resource or self.is_template or self.deleted_at)

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Ask the authentication backend; Django itself would answer True for a superuser before asking."""
        return any(backend.has_perm(self, perm, obj) for backend in get_backends())

    def has_module_perms(self, app_label: str) -> bool:
        """Ask the authentication backend whether anything of the app may be used."""
        return any(cast("Any", backend).has_module_perms(self, app_label) for backend in get_backends())
