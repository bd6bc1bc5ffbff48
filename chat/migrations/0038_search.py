"""Whether a message is searched by what it says now: see chat.search. Those that are there are indexed by the chore."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("chat", "0037_metrics")]

    operations = [
        migrations.AddField(
            model_name="message",
            name="is_indexed",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
    ]
