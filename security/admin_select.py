"""A select whose options are fetched while one types: for references to kinds with millions of records."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.contrib.admin.widgets import AutocompleteSelect
from django.forms import Select
from django.urls import reverse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Titles = Callable[[set[int]], Mapping[int, str]]


def as_key(text: object) -> int | None:
    """Return ``text`` as the 32-bit key of a record, None where it is none."""
    value = str(text)
    if re.fullmatch(r"-?[0-9]{1,10}", value, re.ASCII) and -(2**31) <= int(value) < 2**31:
        return int(value)
    return None


class RecordSelect(AutocompleteSelect):
    """Choose one record of ``kind``. ``titles`` names the chosen keys that the reader may see; no other is shown."""

    def __init__(self, kind: str, titles: Titles) -> None:
        Select.__init__(self)
        self.kind, self.titles = kind, titles
        self.i18n_name = "en"

    def get_url(self) -> str:
        """Return the address that answers what is typed."""
        return reverse("admin:autocomplete")

    def build_attrs(self, base_attrs: dict[str, Any], extra_attrs: dict[str, Any] | None = None) -> dict[str, Any]:
        """Name the kind where Django's own widget names a model field."""
        attrs = Select.build_attrs(self, base_attrs, extra_attrs)
        return attrs | {
            "data-ajax--cache": "true",
            "data-ajax--delay": 250,
            "data-ajax--type": "GET",
            "data-ajax--url": self.get_url(),
            "data-app-label": "",
            "data-model-name": self.kind,
            "data-field-name": "",
            "data-theme": "admin-autocomplete",
            "data-allow-clear": "false" if self.is_required else "true",
            "data-placeholder": "",
            "lang": self.i18n_name,
            "class": "admin-autocomplete",
        }

    def optgroups(self, name: str, value: Sequence[str], attrs: dict[str, Any] | None = None) -> list[Any]:
        """Offer the empty choice and what is chosen."""
        keys = {key for text in value if (key := as_key(text)) is not None}
        options = [self.create_option(name, "", "", not keys, 0)]
        for index, (key, title) in enumerate(self.titles(keys).items() if keys else (), start=1):
            options.append(self.create_option(name, key, title, True, index))
        return [(None, options, 0)]
