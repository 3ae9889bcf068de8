"""A row of policy whose key is changed is recorded, too: as the removal of the one and the making of the other."""

from django.db import migrations

FUNCTION = """
CREATE OR REPLACE FUNCTION security_policy_recorded() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    who integer := nullif(current_setting('parapet.actor', true), '')::integer;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO security_policychange ("table", key, old, new, at, actor, role)
            SELECT TG_TABLE_NAME, (row ->> TG_ARGV[0])::bigint, NULL, security_policy_kept(row, TG_ARGV[1]),
                clock_timestamp(), who, session_user FROM (SELECT to_jsonb(n) AS row FROM new_rows n) AS made;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO security_policychange ("table", key, old, new, at, actor, role)
            SELECT TG_TABLE_NAME, (row ->> TG_ARGV[0])::bigint, security_policy_kept(row, TG_ARGV[1]), NULL,
                clock_timestamp(), who, session_user FROM (SELECT to_jsonb(o) AS row FROM old_rows o) AS gone;
    ELSIF TG_OP = 'TRUNCATE' THEN
        EXECUTE format('INSERT INTO security_policychange ("table", key, old, new, at, actor, role) '
            'SELECT $1, (to_jsonb(t) ->> $2)::bigint, security_policy_kept(to_jsonb(t), $3), NULL, '
            'clock_timestamp(), $4, session_user FROM %I t', TG_TABLE_NAME)
            USING TG_TABLE_NAME, TG_ARGV[0], TG_ARGV[1], who;
    ELSE
        INSERT INTO security_policychange ("table", key, old, new, at, actor, role)
            SELECT TG_TABLE_NAME, (coalesce(after, before) ->> TG_ARGV[0])::bigint, before, after,
                clock_timestamp(), who, session_user
            FROM (SELECT security_policy_kept(to_jsonb(o), TG_ARGV[1]) AS before FROM old_rows o) AS was
            FULL JOIN (SELECT security_policy_kept(to_jsonb(n), TG_ARGV[1]) AS after FROM new_rows n) AS became
                ON before ->> TG_ARGV[0] = after ->> TG_ARGV[0]
            WHERE before IS DISTINCT FROM after;
    END IF;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("security", "0008_log_ins")]
    operations = [migrations.RunSQL(FUNCTION, migrations.RunSQL.noop)]
