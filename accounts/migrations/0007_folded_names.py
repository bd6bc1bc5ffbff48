from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0006_people"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="name_folded",
            field=models.TextField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="organization",
            name="name_folded",
            field=models.TextField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="project",
            name="name_folded",
            field=models.TextField(editable=False, null=True),
        ),
    ]
