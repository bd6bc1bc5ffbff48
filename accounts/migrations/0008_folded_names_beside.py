from django.db import migrations, models

from accounts.db.migrating import AddIndexBeside


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("accounts", "0007_folded_names"),
    ]

    operations = [
        AddIndexBeside(
            model_name="user",
            index=models.Index(condition=models.Q(("name_folded__isnull", True)), fields=["id"], name="user_name_to_fold"),
        ),
        AddIndexBeside(
            model_name="organization",
            index=models.Index(condition=models.Q(("name_folded__isnull", True)), fields=["id"], name="organization_name_to_fold"),
        ),
        AddIndexBeside(
            model_name="project",
            index=models.Index(condition=models.Q(("name_folded__isnull", True)), fields=["id"], name="project_name_to_fold"),
        ),
    ]
