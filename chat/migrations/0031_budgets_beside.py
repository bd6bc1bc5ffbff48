from django.db import migrations, models

from accounts.db.migrating import AddIndexBeside


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('chat', '0030_budgets'),
    ]

    operations = [
        AddIndexBeside(
            model_name='budget',
            index=models.Index(condition=models.Q(('inside__isnull', False)), fields=['inside'], name='budget_inside'),
        ),
    ]
