from django.db import migrations, models

from accounts.db.migrating import AddCheckBeside, AddIndexBeside, AddUniqueBeside


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('chat', '0010_work'),
    ]

    operations = [
        AddIndexBeside(
            model_name='message',
            index=models.Index(condition=models.Q(('job__isnull', False)), fields=['job'], name='message_job'),
        ),
        AddIndexBeside(
            model_name='run',
            index=models.Index(condition=models.Q(('organization__isnull', False)), fields=['organization', 'status'], name='run_work'),
        ),
        AddIndexBeside(
            model_name='run',
            index=models.Index(condition=models.Q(('project__isnull', False)), fields=['project'], name='run_project'),
        ),
        AddIndexBeside(
            model_name='run',
            index=models.Index(condition=models.Q(('parent__isnull', False)), fields=['parent'], name='run_parent'),
        ),
        AddUniqueBeside(
            model_name='run',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['queued', 'running', 'waiting']), models.Q(('subject', ''), _negated=True)), fields=('kind', 'subject'), name='run_one_open_a_subject'),
        ),
        AddCheckBeside(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('chat__isnull', False), ('input__isnull', False), ('kind', 'answer'), ('message__isnull', False)), models.Q(models.Q(('kind', 'answer'), _negated=True), ('input__isnull', True), ('message__isnull', True), ('organization__isnull', False)), _connector='OR'), name='run_answers_or_does_not'),
        ),
    ]
