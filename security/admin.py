"""Administration of the policy: profiles with their rights, and field rules.

It edits the tables that ``plan`` compiles. Kinds and fields are choices from the registry, so that no rule names
what does not exist. The composition root registers these pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpResponseRedirect
from django.urls import reverse

from entities.registry import Entity, registry
from security.admin_pages import PolicyPages
from security.models import FUNCTIONS, ExternalAccess, FieldRule, Profile, ProfileRight

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

_NEEDED = {
    "home": "has_territory",
    "siblings": "has_territory",
    "parent": "has_territory",
    "territory": "has_territory",
    "assigned": "assigned",
    "team": "has_team",
}


class RightForm(forms.ModelForm[ProfileRight]):
    """One right of a profile."""

    entity = forms.ChoiceField(
        choices=lambda: [("", "---------"), *((e.kind, e.plural) for e in registry() if e.has_own_rights)]
    )

    class Meta:
        model = ProfileRight
        fields = ("entity", "scope", "territory", "with_subtree", "view", "insert", "edit", "delete_right")
        widgets = {"scope": forms.Select({"style": "max-width: 14em"})}  # noqa: RUF012  (the same)
        labels = {"with_subtree": "and below", "delete_right": "delete"}  # noqa: RUF012  (Django's own attribute)

    def clean(self) -> dict[str, Any] | None:
        """Refuse scopes that do not exist for the kind, and a territory where none or where one must be named."""
        cleaned = super().clean() or self.cleaned_data
        entity, scope = registry().find(cleaned.get("entity", "")), cleaned.get("scope", "")
        if entity is not None and scope in _NEEDED and not getattr(entity, _NEEDED[scope]):
            self.add_error("scope", f"{entity.plural} have no column that this scope asks for.")
        if scope == "territory" and cleaned.get("territory") is None and "territory" not in self.errors:
            self.add_error("territory", "Name the territory.")
        if scope and scope != "territory" and cleaned.get("territory") is not None:
            self.add_error("territory", "Only the scope of one named territory names one.")
        return cleaned


class RightFormSet(forms.models.BaseInlineFormSet[ProfileRight, Profile, forms.ModelForm[ProfileRight]]):
    """The rights of one profile: each entity, scope and territory once."""

    def clean(self) -> None:
        """Refuse a right given twice, which the database would refuse without a word to the form."""
        super().clean()
        seen: set[tuple[object, ...]] = set()
        for form in self.forms:
            cleaned = getattr(form, "cleaned_data", {})
            if not cleaned.get("entity") or cleaned.get("DELETE"):
                continue
            right = (cleaned["entity"], cleaned.get("scope"), cleaned.get("territory"))
            if right in seen:
                form.add_error("scope", "This right is already in the list.")
            seen.add(right)


class RightInline(PolicyPages, admin.TabularInline[ProfileRight, Profile]):
    """The rights of a profile."""

    model = ProfileRight
    form = RightForm
    formset = RightFormSet
    extra = 1


class ProfileForm(forms.ModelForm[Profile]):
    """A profile and the name of its group."""

    name = forms.CharField(max_length=150)
    functions = forms.MultipleChoiceField(
        choices=[(name, name.replace("_", " ")) for name in FUNCTIONS],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        label="Function rights",
    )

    refused = forms.MultipleChoiceField(
        choices=lambda: [
            (f"{entity.kind}.{step.name}", f"{entity.label}: {step.title}")
            for entity in registry()
            if entity.workflow
            for step in entity.workflow.transitions
        ],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        label="Refused transitions",
        help_text="Who has another profile that does not refuse them may still do them.",
    )

    class Meta:
        model = Profile
        fields = ("functions", "refused")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self.instance.pk is not None:
            self.fields["name"].initial = self.instance.group.name

    def clean_name(self) -> str:
        """Refuse a name that another profile has."""
        name: str = self.cleaned_data["name"]
        if Group.objects.filter(name__iexact=name).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("There is a profile of this name.")
        return name


class ProfileAdmin(PolicyPages, admin.ModelAdmin[Profile]):
    """Profiles; each is a group, made and removed with it."""

    form = ProfileForm
    fields = ("name", "functions", "refused")
    inlines = (RightInline,)
    list_display = ("__str__", "function_rights")
    list_select_related = ("group",)
    ordering = ("group__name",)
    search_fields = ("group__name",)

    @admin.display(description="Function rights")
    def function_rights(self, profile: Profile) -> str:
        """Name them."""
        return ", ".join(profile.functions) or "–"

    def get_inlines(self, request: HttpRequest, obj: Profile | None) -> Any:
        """Rights follow once there is a profile: saved, it brings its first ones along."""
        return self.inlines if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: Profile, form: Any, change: bool) -> None:
        """Make or rename the group."""
        group = obj.group if change else Group()
        group.name = form.cleaned_data["name"]
        group.save()
        obj.group = group
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: Profile, post_url_continue: str | None = None) -> HttpResponse:
        """Go on to the rights."""
        messages.success(request, "The profile was added. Its rights can be given now.")
        return HttpResponseRedirect(reverse("admin:security_profile_change", args=[obj.pk]))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Name the profiles; their memberships, rights, rules and grants, perhaps many, go with them."""
        names = [str(profile) for profile in objs]
        return names, {"profiles with all their rights, rules, members and grants": len(names)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Profile) -> None:
        """Delete the group, and the profile with it."""
        obj.group.delete()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Profile]) -> None:
        """Delete the groups."""
        with transaction.atomic():
            Group.objects.filter(profile__in=queryset).delete()


class VerdictField(forms.NullBooleanField):
    """Allow, deny, or nothing said at this level."""

    def __init__(self, yes: str, no: str) -> None:
        super().__init__(required=False)
        self.widget = forms.NullBooleanSelect()
        self.widget.choices = [("unknown", "says nothing"), ("true", yes), ("false", no)]


def _field_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    def of(entity: Entity) -> list[tuple[str, str]]:
        fields = (field for field in entity.fields if field.type != "key")
        return [(field.wire, f"{field.title} ({field.wire})") for field in fields]

    return [("", [("", "---------")]), *((entity.plural, of(entity)) for entity in registry())]


class FieldRuleForm(forms.ModelForm[FieldRule]):
    """One field rule."""

    entity = forms.ChoiceField(
        label="Kind", choices=lambda: [("", "---------"), *((entity.kind, entity.plural) for entity in registry())]
    )
    field = forms.ChoiceField(choices=_field_choices)
    read = VerdictField("allow", "deny")
    write = VerdictField("allow", "deny")
    required = VerdictField("must be filled", "need not be filled")

    class Meta:
        model = FieldRule
        fields = ("entity", "field", "profile", "team", "user", "read", "write", "required")

    def clean(self) -> dict[str, Any] | None:
        """Refuse a field of another kind, two levels at once, and a rule that says nothing."""
        cleaned = super().clean() or self.cleaned_data
        entity, wire = registry().find(cleaned.get("entity", "")), cleaned.get("field", "")
        if entity is not None and wire and entity.field(wire) is None:
            self.add_error("field", f"{entity.plural} have no such field.")
        if len([name for name in ("profile", "team", "user") if cleaned.get(name) is not None]) > 1:
            raise forms.ValidationError("Choose one profile, one team or one user; none of them means everyone.")
        if all(cleaned.get(name) is None for name in ("read", "write", "required")):
            raise forms.ValidationError("The rule says nothing.")
        return cleaned


class FieldRuleAdmin(PolicyPages, admin.ModelAdmin[FieldRule]):
    """Field rules at all four levels."""

    form = FieldRuleForm
    list_display = ("field", "entity", "level", "holder", "read", "write", "required")
    list_filter = ("entity", "profile")
    list_select_related = ("profile__group", "team", "user")
    ordering = ("entity", "field")
    search_fields = ("entity", "field")

    @admin.display(description="for")
    def holder(self, rule: FieldRule) -> str:
        """Name the profile, team or user."""
        return str(rule.profile or rule.team or rule.user or "everyone")


class ExternalAccessForm(forms.ModelForm[ExternalAccess]):
    """The switch of one kind."""

    entity = forms.ChoiceField(
        label="Kind", choices=lambda: [("", "---------"), *((entity.kind, entity.plural) for entity in registry())]
    )

    class Meta:
        model = ExternalAccess
        fields = ("entity", "offered")


class ExternalAccessAdmin(PolicyPages, admin.ModelAdmin[ExternalAccess]):
    """Which kinds the API offers; those that are not listed are offered."""

    form = ExternalAccessForm
    list_display = ("entity", "offered")
    ordering = ("entity",)
