"""Templates and static files of own apps: found before those of the product, which they may replace."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import AppDirectoriesFinder
from django.template.loaders import filesystem

from config.own_apps.loading import own


class TemplateLoader(filesystem.Loader):
    """Looks in the `templates` of own apps, in the order of PARLEY_APPS."""

    def get_dirs(self) -> list[str | Path]:
        """The folders that are there."""
        return list(_folders("templates"))


class StaticFinder(AppDirectoriesFinder):
    """Looks in the `static` of own apps, in the order of PARLEY_APPS."""

    def __init__(self, app_names: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(app_names, *args, **kwargs)
        self.apps = [config.name for config in own() if config.name in self.storages]
        self.storages = {name: self.storages[name] for name in self.apps}


def _folders(name: str) -> Iterator[Path]:
    for config in own():
        if (found := Path(config.path) / name).is_dir():
            yield found
