"""docs/api-keys.md: its commands work as they stand."""

import re
import shlex

import pytest

from tests.environment import ROOT
from tests.live import Server

PAGE = (ROOT / "docs" / "api-keys.md").read_text()


@pytest.mark.live
def test_the_commands_of_the_page_make_a_key_and_revoke_it(server: Server) -> None:
    (make,) = re.findall(r"```sh\npython manage.py (.*)\n```", PAGE)
    make = make.replace("owner@example.com", server.settings["PARLEY_OWNER_EMAIL"])
    token = next(line for line in server.quickly(*shlex.split(make)).splitlines() if line.startswith("pk_"))
    assert server.call("GET", "/v1/models", token=token).status == 200
    (revoke,) = re.findall(r"`python manage.py (revoke_key) pk_12345678`", PAGE)
    server.quickly(revoke, token[:11])
    assert server.call("GET", "/v1/models", token=token).status == 401
    assert token[11:] not in server.log()
