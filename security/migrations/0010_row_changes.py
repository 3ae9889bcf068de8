from django.db import migrations

from security.watching import TABLE, UNDO, unwatched, watched

# The kinds with rights of their own that there are now, and the column that names whom a record is assigned to. An app
# with kinds of its own watches them in a migration of its own (docs/isv.md); what is not watched is counted each time.
SECURED = {
    ("Company", "entities_company"): ("territory_id", "primary_user_id", "team_id", "created_by_id"),
    ("Person", "entities_person"): ("territory_id", "primary_user_id", "team_id", "created_by_id"),
    ("Cases", "entities_case"): ("territory_id", "assigned_user_id", "team_id", "created_by_id"),
    ("Opportunity", "entities_opportunity"): ("territory_id", "assigned_user_id", "team_id", "created_by_id"),
    ("Quotes", "entities_quote"): ("territory_id", "assigned_user_id", "team_id", "created_by_id"),
}


class Migration(migrations.Migration):
    dependencies = [
        ("security", "0009_policy_history_of_keys"),
        ("entities", "0006_covering_indexes"),
    ]

    operations = [
        migrations.RunSQL(TABLE, UNDO),
        *(
            migrations.RunSQL(watched(kind, table, columns), unwatched(table))
            for (kind, table), columns in SECURED.items()
        ),
    ]
