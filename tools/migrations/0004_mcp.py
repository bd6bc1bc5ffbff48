import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0012_project_secrets'),
        ('tools', '0003_memory'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='McpServer',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=24)),
                ('url', models.CharField(max_length=1000)),
                ('auth', models.CharField(choices=[('none', 'None'), ('bearer', 'Bearer')], default='none', max_length=8)),
                ('token', models.TextField(blank=True, editable=False)),
                ('state', models.CharField(choices=[('new', 'New'), ('ready', 'Ready'), ('failed', 'Failed')], default='new', max_length=8)),
                ('protocol', models.CharField(blank=True, max_length=40)),
                ('discovered', models.JSONField(blank=True, editable=False, null=True)),
                ('left_out', models.CharField(blank=True, max_length=500)),
                ('error', models.JSONField(blank=True, null=True)),
                ('refreshed_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.project')),
            ],
            options={
                'verbose_name': 'MCP server',
                'ordering': ['-created_at', '-id'],
                'constraints': [models.UniqueConstraint(fields=('project', 'name'), name='mcp_server_name_once')],
            },
        ),
        migrations.CreateModel(
            name='McpTool',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=128)),
                ('offered_as', models.CharField(max_length=64)),
                ('state', models.CharField(choices=[('new', 'New'), ('approved', 'Approved'), ('changed', 'Changed'), ('gone', 'Gone')], default='new', max_length=8)),
                ('policy', models.CharField(choices=[('ask', 'Ask'), ('allow', 'Allow'), ('deny', 'Deny')], default='ask', max_length=5)),
                ('read_only_is_believed', models.BooleanField(default=False)),
                ('idempotent_is_believed', models.BooleanField(default=False)),
                ('title', models.CharField(blank=True, max_length=200)),
                ('description', models.TextField(blank=True)),
                ('schema', models.JSONField(default=dict)),
                ('annotations', models.JSONField(default=dict)),
                ('digest', models.CharField(max_length=64)),
                ('approved', models.JSONField(blank=True, null=True)),
                ('approved_digest', models.CharField(blank=True, max_length=64)),
                ('approved_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('approved_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('server', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tools', to='tools.mcpserver')),
            ],
            options={
                'verbose_name': 'MCP tool',
                'ordering': ['server', 'name'],
                'constraints': [models.UniqueConstraint(fields=('server', 'name'), name='mcp_tool_name_once'), models.UniqueConstraint(fields=('server', 'offered_as'), name='mcp_tool_offered_once')],
            },
        ),
    ]
