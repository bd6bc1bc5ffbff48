from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("chat", "0013_people"),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='provider_error',
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='read_from',
            field=models.UUIDField(blank=True, null=True),
        ),
    ]
