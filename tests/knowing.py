"""Documents that a project knows, for tests that need a few."""

import json
import uuid

from tests.streams import Client

READY_S = 30


def know(person: Client, project: str, *, title: str, heading: str, text: str, level: int = 1) -> None:
    """The project knows this from now on: a document of one passage below one heading."""
    said = {"title": title, "text": f"# {heading}\n\n{text}\n", "level": level}
    reply = person.server.call("POST", f"/api/projects/{project}/knowledge/", said, token=person.token)
    if reply.status == 404:
        _put_in_place(person, project, {**said, "path": heading, "text": text})
        return
    assert reply.status in (201, 202), reply
    run = reply.body.get("run")
    if run:
        person.wait(run["id"] if isinstance(run, dict) else run)


def _put_in_place(person: Client, project: str, row: dict[str, object]) -> None:
    file = person.server.data / "knowledge.json"
    rows = json.loads(file.read_text()) if file.exists() else []
    rows.append({**row, "project": project, "document": str(uuid.uuid4()), "url": ""})
    file.write_text(json.dumps(rows))
