from django.db import migrations, models

import security.models


class Migration(migrations.Migration):
    dependencies = [
        ("security", "0003_failed_log_ins"),
    ]

    operations = [
        migrations.AddField(
            model_name="profile",
            name="refused",
            field=models.JSONField(
                blank=True, default=security.models._empty_list, help_text="Transitions, such as Cases.close."
            ),
        ),
    ]
