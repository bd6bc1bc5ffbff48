"""What finds the messages that are not indexed yet."""

from django.db import migrations, models

from accounts.db.migrating import AddIndexBeside


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("chat", "0038_search")]

    operations = [
        AddIndexBeside(
            model_name="message",
            index=models.Index(
                condition=models.Q(("is_indexed", False)), fields=["-created_at"], name="message_to_index"
            ),
        ),
    ]
