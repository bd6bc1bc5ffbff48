#!/usr/bin/env python
"""Django's entry: `python manage.py COMMAND`."""

import os
import sys


def main() -> None:
    """Run one management command with Parley's settings."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
