from django.db import migrations

from accounts.db.parting import PartByDay


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('chat_sent', '0001_initial'),
    ]

    operations = [
        PartByDay('sentrequest', by='sent_at'),
    ]
