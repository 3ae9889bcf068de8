"""Constructors and classes of model fields, one per type of the catalogue (entities.md §1.2).

They only spare every model the same keyword arguments; the Django field stays the declaration. Plain Django
fields serve an entity equally well.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

MEMO_LENGTH = 100_000
CODE_LENGTH = 40
DIGITS, DECIMALS = 24, 6


class SelectionField(models.CharField[str, str]):
    """One code of a selection list; the list is named as in the catalogue (``Comp_Type``)."""

    def __init__(self, *args: Any, list_name: str = "", **kwargs: Any) -> None:
        self.list_name = list_name
        kwargs.setdefault("max_length", CODE_LENGTH)
        kwargs.setdefault("default", "")
        kwargs.setdefault("blank", True)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        """Keep the list's name in migrations, where an ISV reads it."""
        name, path, args, kwargs = super().deconstruct()
        kwargs["list_name"] = self.list_name
        return name, path, args, kwargs


class MultiSelectionField(ArrayField[Any, Any]):
    """Several codes of a selection list, kept in list order without duplicates."""

    def __init__(self, *args: Any, list_name: str = "", **kwargs: Any) -> None:
        self.list_name = list_name
        kwargs.setdefault("base_field", models.CharField(max_length=CODE_LENGTH))
        kwargs.setdefault("default", list)
        kwargs.setdefault("blank", True)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        """Keep the list's name in migrations."""
        name, path, args, kwargs = super().deconstruct()
        kwargs["list_name"] = self.list_name
        return name, path, args, kwargs


class WebAddressField(models.CharField[str, str]):
    """A web address as people write it: ``www.example.com`` needs no scheme."""

    default_validators = [RegexValidator(r"^[^\s<>\"]+$", "Enter a web address without blanks.")]  # noqa: RUF012  (Django's own attribute)


class PhoneNumberField(models.CharField[str, str]):
    """A telephone number as people write it; ``$format`` is ``phone``."""


def text(
    length: int, title: str | None = None, *, required: bool = False, **options: Any
) -> models.CharField[str, str]:
    """A single line of at most ``length`` characters; empty is ``''``."""
    options.setdefault("default", "")
    return models.CharField(title, max_length=length, blank=not required, **options)


def phone_number(length: int, title: str | None = None, **options: Any) -> PhoneNumberField:
    """A telephone number of at most ``length`` characters."""
    return PhoneNumberField(title, max_length=length, blank=True, default="", **options)


def email(length: int, title: str | None = None, *, required: bool = False) -> models.EmailField[str, str]:
    """An e-mail address."""
    return models.EmailField(title, max_length=length, blank=not required, default="")


def web(length: int, title: str | None = None) -> WebAddressField:
    """A web address of at most ``length`` characters."""
    return WebAddressField(title, max_length=length, blank=True, default="")


def memo(title: str | None = None, *, required: bool = False, **options: Any) -> models.TextField[str, str]:
    """Several lines, 100,000 characters at most."""
    return models.TextField(title, max_length=MEMO_LENGTH, blank=not required, default="", **options)


def selection(
    list_name: str,
    title: str | None = None,
    *,
    default: str = "",
    required: bool = False,
    **options: Any,
) -> SelectionField:
    """One code of the list ``list_name``."""
    return SelectionField(title, list_name=list_name, default=default, blank=not required, **options)


def multi_selection(list_name: str, title: str | None = None) -> MultiSelectionField:
    """Several codes of the list ``list_name``."""
    return MultiSelectionField(verbose_name=title, list_name=list_name)


def integer(
    title: str | None = None, *, low: int | None = None, high: int | None = None, **options: Any
) -> models.IntegerField[int | None, int | None]:
    """A 32-bit integer, empty allowed."""
    validators: list[Any] = []
    if low is not None:
        validators.append(MinValueValidator(low))
    if high is not None:
        validators.append(MaxValueValidator(high))
    options.setdefault("null", True)
    return models.IntegerField(title, blank=True, validators=validators, **options)


def amount(
    title: str | None = None, *, low: int | None = None, required: bool = False, **options: Any
) -> models.DecimalField[Decimal | None, Decimal | None]:
    """A decimal of 24 digits, 6 of them after the point: ``num`` and ``money`` of the catalogue."""
    validators = [MinValueValidator(Decimal(low))] if low is not None else []
    return models.DecimalField(
        title,
        max_digits=DIGITS,
        decimal_places=DECIMALS,
        null=True,
        blank=not required,
        validators=validators,
        **options,
    )


def percent(title: str | None = None, **options: Any) -> models.DecimalField[Decimal | None, Decimal | None]:
    """A percentage with two digits after the point."""
    return models.DecimalField(title, max_digits=5, decimal_places=2, null=True, blank=True, **options)


def flag(title: str | None = None, *, default: bool = False, **options: Any) -> models.BooleanField[bool, bool]:
    """True or false, never empty."""
    return models.BooleanField(title, default=default, **options)


def moment(title: str | None = None, **options: Any) -> models.DateTimeField[Any, Any]:
    """A point in time, whole seconds, UTC."""
    return models.DateTimeField(title, null=True, blank=True, **options)


def reference(
    target: str, title: str | None = None, *, required: bool = False, **options: Any
) -> models.ForeignKey[Any, Any]:
    """A reference to one record of another kind; the database never cascades.

    The column is indexed by the partial indexes of ``Record`` subclasses, not by Django's own.
    """
    options.setdefault("related_name", "+")
    return models.ForeignKey(
        target,
        on_delete=models.PROTECT,
        verbose_name=title,
        null=not required,
        blank=not required,
        db_index=False,
        **options,
    )
