from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0014_provider_errors_and_reading'),
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
