"""Administration of the selection lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin

from entities.models import Caption
from entities.registry import registry
from security.admin_pages import PolicyPages

if TYPE_CHECKING:
    from django.http import HttpRequest


class CaptionForm(forms.ModelForm[Caption]):
    """A code of a selection list and its labels."""

    family = forms.ChoiceField(
        label="List",
        choices=lambda: [(name, name) for name in sorted({f.list_name for e in registry() for f in e.fields} - {""})],
    )

    class Meta:
        model = Caption
        fields = ("family", "code", "us", "uk", "de", "du", "es", "fr", "order", "retired")

    def clean(self) -> dict[str, Any] | None:
        """Refuse a code that differs from another of the list in case only: codes are matched without it."""
        cleaned = super().clean() or self.cleaned_data
        same = Caption.objects.filter(family=cleaned.get("family", self.instance.family))
        code = cleaned.get("code", self.instance.code)
        if same.filter(code__iexact=code).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("The list has this code.")
        return cleaned


class CaptionAdmin(PolicyPages, admin.ModelAdmin[Caption]):
    """Selection lists. Codes are added and retired; records may hold them, so none is renamed or removed."""

    form = CaptionForm
    list_display = ("code", "family", "us", "order", "retired")
    list_filter = ("retired", "family")
    list_per_page = 200
    search_fields = ("family", "code", "us")

    def get_readonly_fields(self, request: HttpRequest, obj: Caption | None = None) -> Any:
        """List and code are chosen once."""
        return ("family", "code") if obj is not None else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A code is retired, not deleted."""
        return False
