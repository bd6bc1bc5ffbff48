"""The settings of a server whose projects ask a shop."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.tools.openapi.apps.ShopConfig"]
