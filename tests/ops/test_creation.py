"""The first migration makes all tables at once, and nothing in it is lost by that."""

from __future__ import annotations

import pytest
from django.db import connection, migrations, models
from django.db.migrations.state import ProjectState

from entities.creation import CreateTogether

LEFT = migrations.CreateModel("Left", [("id", models.AutoField(primary_key=True))])
RIGHT = migrations.CreateModel(
    "Right",
    [
        ("id", models.AutoField(primary_key=True)),
        ("code", models.CharField(max_length=5)),
        ("left", models.ForeignKey("ops.Left", models.CASCADE)),
    ],
)
CIRCLE = migrations.AddField("Left", "right", models.ForeignKey("ops.Right", models.CASCADE, null=True))
INDEX = migrations.AddIndex("Right", models.Index(fields=["code"], name="ops_right_code"))
PAIR = migrations.AlterUniqueTogether("Right", {("code", "left")})


@pytest.mark.django_db
def test_tables_that_point_to_each_other_get_all_their_columns_indexes_and_keys() -> None:
    operation = CreateTogether([LEFT, RIGHT, CIRCLE, INDEX, PAIR])
    before, after = ProjectState(), ProjectState()
    operation.state_forwards("ops", after)
    with connection.schema_editor() as editor:
        operation.database_forwards("ops", editor, before, after)
    with connection.cursor() as cursor:
        right = connection.introspection.get_constraints(cursor, "ops_right")
        left = connection.introspection.get_constraints(cursor, "ops_left")
    assert "ops_right_code" in right
    assert ["code", "left_id"] in [found["columns"] for found in right.values() if found["unique"]]
    assert ("ops_left", "id") in [found["foreign_key"] for found in right.values()]
    assert ("ops_right", "id") in [found["foreign_key"] for found in left.values()]


@pytest.mark.parametrize("operation", [migrations.RunSQL("SELECT 1"), migrations.DeleteModel("Left")])
def test_what_no_table_shows_is_refused(operation: migrations.RunSQL | migrations.DeleteModel) -> None:
    with pytest.raises(ValueError, match="migration of its own"):
        CreateTogether([LEFT, operation])
