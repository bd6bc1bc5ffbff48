"""The sample of docs/sso.md, run as a backend would: a key in a file, the server's address in the environment; and the
row of such a backend."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.live import Server

ROW = """
from accounts.models import IdentityProvider, Organization
IdentityProvider.objects.filter(slug="shop").delete()
IdentityProvider.objects.create(
    organization=Organization.objects.first(), slug="shop", name="Shop", issuer="shop", accepts_assertions=True,
    public_keys={pem!r}, provision="members", groups={{"people": "editor"}}, default_role={default_role!r},
)
"""


def run(server: Server, code: str, folder: Path) -> dict[str, Any]:
    """What the sample's `issued` is."""
    (folder / "backend.pem").write_text(registered(server))
    asks = [sys.executable, "-c", f"{code}\nimport json; print(json.dumps(issued))"]
    done = subprocess.run(asks, cwd=folder, env={"PARLEY": server.url}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def registered(server: Server, default_role: str = "") -> str:
    """The private key of a backend that the server has a row of."""
    key = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, kind).decode()
    server.quickly("shell", "-c", ROW.format(pem=pem, default_role=default_role))
    return private.decode()
