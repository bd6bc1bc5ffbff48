from django.db import migrations, models

from accounts.db.migrating import AddIndexBeside


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('chat', '0015_folded_titles'),
    ]

    operations = [
        AddIndexBeside(
            model_name='chat',
            index=models.Index(condition=models.Q(('title_folded__isnull', True)), fields=['id'], name='chat_title_to_fold'),
        ),
        AddIndexBeside(
            model_name='task',
            index=models.Index(condition=models.Q(('title_folded__isnull', True)), fields=['id'], name='task_title_to_fold'),
        ),
    ]
