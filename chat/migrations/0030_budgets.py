"""Budgets of projects, people and keys, in tokens or money. What the table had stays as older processes know it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def key(to, verbose_name=None):
    return models.ForeignKey(
        blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE,
        related_name='+', to=to, verbose_name=verbose_name,
    )


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0013_timezone'),
        ('chat', '0029_ledger_beside'),
    ]

    operations = [
        # Another name here, the same column.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameField('budget', 'tokens', 'amount'),
                migrations.AlterField(
                    'budget', 'amount',
                    models.PositiveBigIntegerField(db_column='tokens', help_text='In tokens, or in billionths of the currency.'),
                ),
            ],
        ),
        migrations.AlterField(
            'budget', 'organization',
            models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization'),
        ),
        migrations.AlterField(
            'budget', 'period',
            models.CharField(choices=[('day', 'Day'), ('week', 'Week'), ('month', 'Month'), ('ever', 'Ever')], default='month', max_length=5),
        ),
        migrations.AlterModelOptions('budget', {'ordering': ['-id']}),
        migrations.AddField('budget', 'inside', key('accounts.organization', 'organization')),
        migrations.AddField('budget', 'project', key('accounts.project')),
        migrations.AddField('budget', 'user', key(settings.AUTH_USER_MODEL)),
        migrations.AddField('budget', 'key', key('accounts.apikey', 'API key')),
        migrations.AddField(
            'budget', 'unit',
            models.CharField(choices=[('tokens', 'Tokens'), ('money', 'Money')], db_default='tokens', default='tokens', max_length=6),
        ),
        migrations.AddField('budget', 'warn_percent', models.PositiveSmallIntegerField(db_default=80, default=80)),
        migrations.AddField(
            'budget', 'at_end',
            models.CharField(choices=[('block', 'Block'), ('warn', 'Warn')], db_default='block', default='block', max_length=5),
        ),
        migrations.AddField('budget', 'told_percent', models.PositiveSmallIntegerField(db_default=0, default=0, editable=False)),
        migrations.CreateModel(
            name='BudgetNotice',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('percent', models.PositiveSmallIntegerField()),
                ('began_on', models.DateField(null=True)),
                ('at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('budget', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='notices', to='chat.budget')),
            ],
            options={'ordering': ['-id']},
        ),
        migrations.AddField('run', 'reserved_nanos', models.PositiveBigIntegerField(db_default=0, default=0)),
    ]
