"""Documents that a project knows, for tests that need a few."""

from tests.streams import Client

READY_S = 30


def know(
    person: Client, project: str, *, title: str, heading: str, text: str, level: int = 1, source: str = ""
) -> None:
    """The project knows this from now on: a document of one passage below one heading."""
    said = {"title": title, "text": f"# {heading}\n\n{text}\n", "level": level, "source": source}
    reply = person.server.call("POST", f"/api/projects/{project}/knowledge/", said, token=person.token)
    assert reply.status in (201, 202), reply
    run = reply.body.get("run")
    if run:
        person.wait(run["id"] if isinstance(run, dict) else run)
