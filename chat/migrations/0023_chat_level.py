"""How confidential what came into a chat is: 0 of all that are there."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0022_attachments")]

    operations = [
        migrations.AddField(
            model_name="chat",
            name="level",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
    ]
