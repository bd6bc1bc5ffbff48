"""The rows that messages are found by, and each database's index of their terms."""

import django.db.models.deletion
from django.db import migrations, models

import chat.search.models
from chat.search.index import drop_index, make_index


class Migration(migrations.Migration):

    initial = True

    dependencies = [("chat", "0039_search_beside")]

    operations = [
        migrations.CreateModel(
            name="SearchEntry",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("terms", chat.search.models.TermsField()),
                ("is_long", models.BooleanField(default=False)),
                (
                    "chat",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="chat.chat",
                    ),
                ),
                (
                    "message",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="chat.message"
                    ),
                ),
            ],
            options={"verbose_name_plural": "search entries"},
        ),
        migrations.RunPython(make_index, drop_index),
    ]
