"""Holds, and what is deleted and not erased yet. New tables, and a column that may be null."""

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0017_deletion'),
        ('chat', '0031_budgets_beside'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='chat',
            name='deleted_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.CreateModel(
            name='Kept',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('person', models.UUIDField(blank=True, db_index=True, null=True)),
                ('data', models.JSONField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('message', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='chat.message')),
            ],
            options={
                'verbose_name': 'kept text',
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='KeptFile',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('attachment', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='kept', to='chat.attachment')),
                ('kept', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='files', to='chat.kept')),
            ],
        ),
        migrations.CreateModel(
            name='Hold',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('scope', models.CharField(choices=[('organization', 'Organization'), ('user', 'User'), ('project', 'Project'), ('chat', 'Chat')], max_length=12)),
                ('subject', models.UUIDField()),
                ('name', models.CharField(blank=True, max_length=300)),
                ('reason', models.TextField(max_length=1000)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('released_at', models.DateTimeField(blank=True, null=True)),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
                ('released_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'retention hold',
                'ordering': ['-created_at', '-id'],
                'indexes': [models.Index(condition=models.Q(('released_at__isnull', True)), fields=['subject'], name='hold_live'), models.Index(fields=['-created_at', '-id'], name='hold_newest')],
            },
        ),
    ]
