"""What finds the corrections of a usage record."""

from django.db import migrations, models

from accounts.db.migrating import AddIndexBeside


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("chat", "0028_ledger")]

    operations = [
        AddIndexBeside(
            model_name="usagerecord",
            index=models.Index(
                condition=models.Q(("corrects__isnull", False)), fields=["corrects"], name="usage_record_corrections"
            ),
        ),
    ]
