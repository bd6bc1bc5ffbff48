"""The settings of a server with the shop."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.tools.acting.shop.apps.ShopConfig"]
