"""Workflows: tables of their own, and whether a chat is going through one: no, of all that are there."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

USER = {"blank": True, "null": True, "on_delete": django.db.models.deletion.SET_NULL, "related_name": "+"}
CASCADE = django.db.models.deletion.CASCADE


def user() -> models.Field:
    return models.ForeignKey(to=settings.AUTH_USER_MODEL, **USER)


def id_() -> models.Field:
    return models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("chat", "0023_chat_level"),
    ]

    operations = [
        migrations.AddField("chat", "has_workflow", models.BooleanField(db_default=False, default=False)),
        migrations.CreateModel(
            name="Workflow",
            fields=[
                ("id", id_()),
                ("name", models.CharField(max_length=100)),
                ("is_default", models.BooleanField(default=False)),
                ("is_archived", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("created_by", user()),
                ("organization", models.ForeignKey("accounts.organization", CASCADE, related_name="workflows")),
                (
                    "project",
                    models.ForeignKey("accounts.project", CASCADE, blank=True, null=True, related_name="workflows"),
                ),
            ],
            options={"ordering": ["-created_at", "-id"]},
        ),
        migrations.CreateModel(
            name="WorkflowVersion",
            fields=[
                ("id", id_()),
                ("number", models.PositiveIntegerField()),
                ("definition", models.JSONField(default=dict)),
                ("published_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("created_by", user()),
                ("workflow", models.ForeignKey("chat.workflow", CASCADE, related_name="versions")),
            ],
            options={"ordering": ["-number"]},
        ),
        migrations.CreateModel(
            name="WorkflowRun",
            fields=[
                ("id", id_()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("waiting", "Waiting"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="running",
                        max_length=10,
                    ),
                ),
                ("step", models.CharField(max_length=40)),
                ("seq", models.PositiveIntegerField(default=1)),
                ("failures", models.PositiveSmallIntegerField(default=0)),
                ("answers", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("moved_at", models.DateTimeField(auto_now_add=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("chat", models.ForeignKey("chat.chat", CASCADE, related_name="workflow_runs")),
                ("version", models.ForeignKey("chat.workflowversion", CASCADE, related_name="runs")),
            ],
            options={"ordering": ["-created_at", "-id"]},
        ),
        migrations.AddConstraint(
            "workflow",
            models.UniqueConstraint(
                condition=models.Q(project__isnull=True, is_default=True, is_archived=False),
                fields=["organization"],
                name="workflow_one_default_in_organization",
            ),
        ),
        migrations.AddConstraint(
            "workflow",
            models.UniqueConstraint(
                condition=models.Q(project__isnull=False, is_default=True, is_archived=False),
                fields=["project"],
                name="workflow_one_default_in_project",
            ),
        ),
        migrations.AddConstraint(
            "workflowversion",
            models.UniqueConstraint(fields=["workflow", "number"], name="workflow_version_once"),
        ),
        migrations.AddConstraint(
            "workflowversion",
            models.UniqueConstraint(
                condition=models.Q(published_at__isnull=True), fields=["workflow"], name="workflow_one_draft"
            ),
        ),
        migrations.AddConstraint(
            "workflowrun",
            models.UniqueConstraint(
                condition=models.Q(status__in=["running", "waiting"]),
                fields=["chat"],
                name="workflow_run_one_a_chat",
            ),
        ),
        migrations.AddIndex(
            "workflowrun", models.Index(fields=["-created_at", "-id"], name="workflow_run_newest")
        ),
    ]
