from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0012_chore_error'),
    ]

    operations = [
        migrations.AddField(
            model_name='chat',
            name='title_folded',
            field=models.TextField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='task',
            name='title_folded',
            field=models.TextField(editable=False, null=True),
        ),
    ]
