#!/usr/bin/env python
"""Django's entry: `python manage.py COMMAND`."""

import sys

from config.command_line import run

if __name__ == "__main__":
    run(sys.argv)
