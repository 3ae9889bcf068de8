"""One row counts the changes of policy; triggers bump it, so that plain SQL and bulk statements count too."""

from django.db import migrations

TABLES = {
    "security_profile": "",
    "security_profileright": "",
    "security_fieldrule": "",
    "auth_group": "",
    "entities_user_groups": "",
    "entities_user_teams": "",
    "entities_team": "",
    "entities_territory": "",
    "entities_caption": "",
    "entities_user": """ OF id, logon, password, first_name, last_name, language, primary_team_id, home_territory_id,
        disabled, resource, is_template, web_service_enabled, is_superuser, is_staff, deleted_at""",
}
# The number is taken from a sequence, which no rollback takes back: a plan compiled inside a transaction that was
# rolled back can never be mistaken for the plan of a later one.
FUNCTION = """
CREATE SEQUENCE security_policy_number;
CREATE FUNCTION security_policy_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO security_policyversion (id, number) VALUES (1, nextval('security_policy_number'))
        ON CONFLICT (id) DO UPDATE SET number = nextval('security_policy_number');
    RETURN NULL;
END $$;
INSERT INTO security_policyversion (id, number) VALUES (1, nextval('security_policy_number'));
"""


def triggers() -> str:
    """Return the statements that watch every policy table."""
    return "".join(
        f"""
CREATE TRIGGER policy_changed AFTER INSERT OR DELETE OR UPDATE{columns} ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION security_policy_changed();
CREATE TRIGGER policy_truncated AFTER TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION security_policy_changed();"""
        for table, columns in TABLES.items()
    )


class Migration(migrations.Migration):
    dependencies = [("security", "0001_initial"), ("entities", "0002_selection_lists")]
    operations = [migrations.RunSQL(FUNCTION + triggers(), migrations.RunSQL.noop)]
