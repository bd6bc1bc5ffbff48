"""`manage.py migrate`, also while others serve: with PostgreSQL it waits for no table for long, and tries again."""

import random
import time
from typing import Any

from django.conf import settings
from django.core.management import CommandError
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.migrations.executor import MigrationExecutor

from accounts import plans
from chat.metering import catalog
from chat.ops.migrating import HoldTables, impatient, is_in_use, wait_at_most

TRIES = 200
PAUSE_S = 0.4


class Command(migrate.Command):
    def handle(self, *args: Any, database: str, **options: Any) -> None:
        """Migrate; a migration that does not get its tables is undone whole and tried again."""
        if database in settings.DATABASES_EXTRA:
            raise CommandError(f"{database} is another's database (DATABASES_EXTRA): it is never migrated from here.")
        self.database = database
        for left in reversed(range(TRIES)):
            try:
                with impatient(database):
                    super().handle(*args, database=database, **options)
                self._seed(database)
                return
            except OperationalError as error:
                if not left or not is_in_use(error):
                    raise
            self.stdout.write(" a table is in use: this migration was undone and is tried again.")
            time.sleep(random.uniform(0, PAUSE_S))

    def _seed(self, database: str) -> None:
        """Rows for what ships, models and plans, and for models that the settings name: as far as the tables are those
        of this version.
        """
        executor = MigrationExecutor(connections[database])
        if database == DEFAULT_DB_ALIAS and not executor.migration_plan(executor.loader.graph.leaf_nodes()):
            catalog.seed()
            plans.seed()

    def migration_progress_callback(self, action: str, migration: Any = None, fake: bool = False) -> None:
        """Django's; a migration that is one transaction begins with holding its tables. Another one cannot be undone
        and tried again: it waits for as long as it takes, and holds one table at a time."""
        super().migration_progress_callback(action, migration, fake)
        if action == "apply_start":
            wait_at_most(self.database, settings.MIGRATE_LOCK_S if migration.atomic else 0)
        if action == "apply_start" and migration.atomic and not fake:
            migration.operations.insert(0, HoldTables(list(migration.operations)))
