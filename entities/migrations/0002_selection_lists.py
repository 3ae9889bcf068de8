"""Fill the selection lists of a new installation."""

from django.db import migrations

from entities.lists import starting_lists


def fill(apps, schema_editor):  # type: ignore[no-untyped-def]  # historical models have no types
    caption = apps.get_model("entities", "Caption")
    caption.objects.bulk_create(
        caption(family=family, code=code, us=label, order=order)
        for family, codes in starting_lists().items()
        for order, (code, label) in enumerate(codes, start=1)
    )


class Migration(migrations.Migration):
    dependencies = [("entities", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
