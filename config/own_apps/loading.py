"""Own apps are loaded: first as Django apps, then each one's parley.py and urls.py, as the admin finds admin.py.

An app without a parley.py may be anybody's, there for its models or tags: nothing else of it is used, and its urls.py,
which another project may have meant for other eyes, is not served.
"""

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import django
from django.apps import AppConfig, apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import module_has_submodule

from config.own_apps.faults import Fault, fault_of, missing, place_of

FAULTS: list[Fault] = []  # of apps that are there and cannot be used as they are; a system check tells them


class BadApp(ImproperlyConfigured):
    """An own app that the process cannot start with; the text is for whoever starts it."""


def set_up(**options: Any) -> None:
    """django.setup(). Raises BadApp where an own app is what it fails at."""
    named = [entry for entry in settings.PARLEY_APPS if entry in settings.INSTALLED_APPS]
    folders = {entry: _folder(entry) for entry in named}
    try:
        django.setup(**options)
    except Exception as error:
        for entry, folder in folders.items():
            if place_of(error, folder) != str(folder):
                raise BadApp(str(fault_of(entry, error, folder))) from error
        if named and "aren't unique" in str(error):
            raise BadApp(f"PARLEY_APPS: {error}. An app's label is its own: set it in its AppConfig.") from error
        raise


def load() -> None:
    """Import what each own app registers and which addresses it has. What fails is in FAULTS; the others go on."""
    for config in own():
        for name in ("parley", "urls") if _is_for_us(config) else ():
            try:
                _import(config, name)
            except Exception as error:
                FAULTS.append(fault_of(config.label, error, Path(config.path)))


def require() -> None:
    """Raise BadApp if an own app cannot be used, or lacks its tools: for servers that run no system checks."""
    from tools.openapi.kept import missing  # not before the apps are loaded

    if faults := [*map(str, FAULTS), *(f"{told} {hint}" for told, hint in missing())]:
        raise BadApp(" ".join(faults))


def own() -> Iterator[AppConfig]:
    """The apps that PARLEY_APPS names, in its order."""
    for entry in settings.PARLEY_APPS:
        for config in apps.get_app_configs():
            if entry in (config.name, f"{type(config).__module__}.{type(config).__qualname__}"):
                yield config


def urls() -> Iterator[tuple[str, str]]:
    """The label of each own app that has addresses, and the module that lists them."""
    for config in own():
        is_sound = not any(each.app == config.label for each in FAULTS)
        if is_sound and _is_for_us(config) and module_has_submodule(config.module, "urls"):
            yield config.label, f"{config.name}.urls"


def _is_for_us(config: AppConfig) -> bool:
    return module_has_submodule(config.module, "parley")


def _import(config: AppConfig, name: str) -> None:
    if module_has_submodule(config.module, name):
        import_module(f"{config.name}.{name}")


def _folder(entry: str) -> Path:
    """Where the app lies. Raises BadApp where it is not there or its package and AppConfig cannot be imported."""
    name = entry.partition(".")[0]
    spec = find_spec(name)
    if spec is None or not (spec.submodule_search_locations or spec.origin):
        raise BadApp(str(missing(name, settings.OWN_APPS_FOLDER)))
    folder = Path(next(iter(spec.submodule_search_locations or ()), spec.origin or ""))
    try:
        return Path(AppConfig.create(entry).path)
    except Exception as error:
        raise BadApp(str(fault_of(entry, error, folder))) from error
