"""The settings of a server with tools of projects."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.engine.toolset.apps.ToolsetConfig"]
