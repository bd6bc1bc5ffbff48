"""Busy rows in the database that the environment names: `python -m tests.chat.fill`. Prints the id of the run in which
everything happened. For servers that are looked at."""

import argparse

import django

if __name__ == "__main__":
    django.setup()

from accounts.models import User
from tests.chat.busy import Busy
from tests.chat.crowd import crowd
from tests.live import OWNER


def main() -> None:
    """Fill it; its owner may use the admin from then on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--others", type=int, default=0, help="rows in each of the tables that no run fills")
    chosen = parser.parse_args()
    busy = Busy()
    busy.runs(chosen.runs)
    if chosen.others:
        crowd(chosen.others)
    busy.usage()
    busy.live()
    User.objects.filter(email=OWNER).update(is_staff=True, is_superuser=True)
    print(busy.eventful().pk)


if __name__ == "__main__":
    main()
