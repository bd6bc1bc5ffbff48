"""The ledger: prices that somebody accepted, what turns cost and for whom, days that are finer than before.

References of the usage records to what they are of are no constraints any more. The new table of days takes the name of
the old one in the code alone: processes of the versions before go on counting in theirs, and the chore `usage` moves
its rows over.
"""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0013_timezone"),
        ("chat", "0027_rules"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameModel("UsageDay", "UsageDayBefore"),
                migrations.AlterModelTable("UsageDayBefore", "chat_usageday"),
                migrations.AlterModelOptions("UsageDayBefore", {}),
            ]
        ),
        migrations.CreateModel(
            name="UsageDay",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("day", models.DateField()),
                ("door", models.CharField(blank=True, max_length=30)),
                ("purpose", models.CharField(blank=True, max_length=20)),
                ("model", models.CharField(max_length=100)),
                ("runs", models.PositiveIntegerField(default=0)),
                ("failed", models.PositiveIntegerField(default=0)),
                ("input_tokens", models.PositiveBigIntegerField(default=0)),
                ("cached_tokens", models.PositiveBigIntegerField(default=0)),
                ("output_tokens", models.PositiveBigIntegerField(default=0)),
                ("reasoning_tokens", models.PositiveBigIntegerField(default=0)),
                ("cost_nanos", models.BigIntegerField(db_default=0, default=0)),
                ("priced_tokens", models.PositiveBigIntegerField(db_default=0, default=0)),
                ("unknown_cost_runs", models.PositiveIntegerField(default=0)),
                ("cache_hits", models.PositiveIntegerField(default=0)),
                (
                    "api_key",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.apikey",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.project",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "usage by day",
                "verbose_name_plural": "usage by day",
                "db_table": "chat_usage_by_day",
                "ordering": ["-day", "-id"],
                "indexes": [
                    models.Index(fields=["day"], name="usage_by_day"),
                    models.Index(fields=["organization", "day"], name="usage_by_organization"),
                ],
            },
        ),
        migrations.CreateModel(
            name="UsageName",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200)),
                ("gone_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.AddField(
            model_name="chat",
            name="cost_nanos",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="chat",
            name="estimated_tokens",
            field=models.PositiveBigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="chat",
            name="priced_tokens",
            field=models.PositiveBigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="run",
            name="api_key",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="accounts.apikey",
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="cost_nanos",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="run",
            name="priced_tokens",
            field=models.PositiveBigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="usagerecord",
            name="api_key",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="accounts.apikey",
            ),
        ),
        migrations.AddField(
            model_name="usagerecord",
            name="corrects",
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="usagerecord",
            name="day",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="usagerecord",
            name="door",
            field=models.CharField(db_default="", default="", max_length=30),
        ),
        migrations.AddField(
            model_name="usagerecord",
            name="from_cache",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="usagerecord",
            name="purpose",
            field=models.CharField(db_default="", default="", max_length=20),
        ),
        migrations.AlterField(
            model_name="usagerecord",
            name="organization",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="accounts.organization",
            ),
        ),
        migrations.AlterField(
            model_name="usagerecord",
            name="project",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="accounts.project",
            ),
        ),
        migrations.AlterField(
            model_name="usagerecord",
            name="run",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="usage_records",
                to="chat.run",
            ),
        ),
        migrations.AlterField(
            model_name="usagerecord",
            name="user",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.CreateModel(
            name="Price",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("vendor", models.CharField(blank=True, max_length=30)),
                ("model", models.CharField(max_length=100)),
                ("valid_from", models.DateTimeField(default=django.utils.timezone.now)),
                ("above", models.PositiveIntegerField(default=0)),
                ("input", models.BigIntegerField()),
                ("cached_input", models.BigIntegerField(blank=True, null=True)),
                ("cache_write", models.BigIntegerField(blank=True, null=True)),
                ("output", models.BigIntegerField()),
                ("currency", models.CharField(max_length=10)),
                ("source", models.CharField(blank=True, max_length=100)),
                ("accepted_by", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["model", "-valid_from", "above"],
                "constraints": [
                    models.UniqueConstraint(fields=("model", "valid_from", "above"), name="price_once"),
                    models.CheckConstraint(condition=models.Q(("input__gte", 0)), name="price_input"),
                    models.CheckConstraint(condition=models.Q(("cached_input__gte", 0)), name="price_cached_input"),
                    models.CheckConstraint(condition=models.Q(("cache_write__gte", 0)), name="price_cache_write"),
                    models.CheckConstraint(condition=models.Q(("output__gte", 0)), name="price_output"),
                ],
            },
        ),
        migrations.AddField(
            model_name="usagerecord",
            name="price",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="chat.price",
            ),
        ),
    ]
