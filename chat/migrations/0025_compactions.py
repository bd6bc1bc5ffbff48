"""Compactions: summaries in the place of the older messages of long chats."""

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0024_workflows")]

    operations = [
        migrations.CreateModel(
            name="Compaction",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("branch_leaf", models.UUIDField()),
                ("whole", models.JSONField(blank=True, default=list)),
                ("run", models.UUIDField()),
                ("summary", models.TextField()),
                ("messages", models.PositiveIntegerField()),
                ("tokens_before", models.PositiveIntegerField()),
                ("tokens_after", models.PositiveIntegerField()),
                ("model", models.CharField(max_length=100)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "chat",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="compactions",
                        to="chat.chat",
                    ),
                ),
                (
                    "upto",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="compacted",
                        to="chat.message",
                    ),
                ),
            ],
            options={"ordering": ["created_at", "id"]},
        ),
    ]
