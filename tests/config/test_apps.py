"""What a process loads: its start is most of what a short command takes."""

import subprocess
import sys

import pytest

from tests.environment import ROOT

LOADED = """
import os, sys
sys.argv = ["manage.py", sys.argv[1]]
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
print("daphne" in sys.modules, "twisted" in sys.modules)
"""


@pytest.mark.parametrize(("command", "expected"), [("runserver", "True True"), ("serve", "False False")])
def test_daphne_and_its_twisted_are_loaded_for_runserver_alone(command: str, expected: str) -> None:
    done = subprocess.run([sys.executable, "-c", LOADED, command], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == expected, done.stderr


SHORT = """
import os, sys
os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}
import django
django.setup()
from django.core.management import call_command
call_command("check", stdout=sys.stderr)
import config.asgi, agents.installation
print("openai" in sys.modules, "anthropic" in sys.modules)
agents.installation.load_providers()
print("openai" in sys.modules, "anthropic" in sys.modules)
"""


def test_a_short_command_loads_no_sdk_of_a_vendor() -> None:
    done = subprocess.run([sys.executable, "-c", SHORT], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False", "True", "True"], done.stderr
