from django.db import migrations

from security.watching import unwatched, watched

# What 0010 notes, and besides what long lists are ordered by: the remembered keys of a short list (security.shortlists)
# stand in the order of these columns.
SECURITY = ("territory_id", "{}", "team_id", "created_by_id")
ORDERED = {
    ("Company", "entities_company", "primary_user_id"): ("name",),
    ("Person", "entities_person", "primary_user_id"): ("last_name", "first_name"),
    ("Cases", "entities_case", "assigned_user_id"): ("opened", "description"),
    ("Opportunity", "entities_opportunity", "assigned_user_id"): ("opened", "description"),
    ("Quotes", "entities_quote", "assigned_user_id"): ("reference",),
}


def _watching(kind: str, table: str, assigned: str, ordered: tuple[str, ...]) -> str:
    columns = tuple(name.format(assigned) for name in SECURITY)
    return unwatched(table) + watched(kind, table, columns, ordered)


class Migration(migrations.Migration):
    dependencies = [("security", "0011_holders")]

    operations = [
        migrations.RunSQL(_watching(*known, ordered), _watching(*known, ())) for known, ordered in ORDERED.items()
    ]
