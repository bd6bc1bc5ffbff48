"""Every archetype that ships is whole, and the system checks notice what is not."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.core.checks import run_checks
from jsonschema import Draft202012Validator

from agents.archetypes import registry
from agents.archetypes.base import PROMPTS, Archetype
from agents.archetypes.content import content
from agents.archetypes.editor import editor
from agents.checks import check_agents
from agents.errors import UnknownArchetype


def every_archetype() -> Iterator[Archetype]:
    """Those of the registry, and their subagents."""
    for archetype in registry.every():
        yield archetype
        yield from archetype.subagents


def test_the_archetypes_that_ship_are_there_in_either_case() -> None:
    assert {"generalist", "project_navigator"} <= set(registry.names())
    assert registry.get("PROJECT_NAVIGATOR").name == "project_navigator"


def test_an_unknown_archetype_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(UnknownArchetype) as caught:
        registry.get("nobody")
    assert "generalist" in caught.value.names


def test_one_more_archetype_is_there_for_as_long_as_its_block_runs() -> None:
    with pytest.raises(ZeroDivisionError), registry.also(replace(registry.get("model"), name="more", is_offered=True)):
        assert (registry.get("MORE").name, "more" in registry.names()) == ("more", True)
        raise ZeroDivisionError
    with pytest.raises(UnknownArchetype):
        registry.get("more")


def test_two_archetypes_of_one_name_are_an_error() -> None:
    with registry.also(replace(registry.get("generalist"), purpose="Another.")):
        assert [message.id for message in check_agents()] == ["agents.E001"]


@pytest.mark.parametrize("archetype", list(every_archetype()), ids=lambda each: each.name)
def test_an_archetype_has_a_purpose_a_prompt_and_whole_tools(archetype: Archetype) -> None:
    assert archetype.purpose.endswith(".")
    assert len(archetype.system_prompt()) > 200 or not archetype.is_offered
    for tool in archetype.tools:
        assert tool.description.strip(), tool.name
        assert tool.schema["type"] == "object", tool.name
        assert tool.schema["additionalProperties"] is False, tool.name
        Draft202012Validator.check_schema(tool.schema)
        for name, argument in tool.schema["properties"].items():
            assert argument.get("description"), f"{tool.name}: {name}"


@pytest.mark.parametrize("name", ["generalist", "project_navigator"])
def test_a_chosen_archetype_offers_three_questions(name: str) -> None:
    assert len(registry.get(name).examples) == 3


def test_the_navigator_asks_the_content_agent_which_only_reads_and_the_editor_which_writes() -> None:
    assert registry.get("project_navigator").subagents == (content, editor)
    assert not {"content", "editor"} & set(registry.names())
    assert (content.only_reads, content.permissions) == (True, {"read"})
    assert (editor.only_reads, editor.permissions) == (False, {"read", "write"})
    assert all("Markdown" in each.system_prompt() for each in (content, editor))


def test_who_has_a_subagent_that_writes_does_not_only_read() -> None:
    assert not replace(content, name="chief", subagents=(editor,)).only_reads
    assert replace(content, name="chief", subagents=(replace(content, name="other"),)).only_reads


def test_every_prompt_belongs_to_an_archetype() -> None:
    assert {path.name for path in PROMPTS.iterdir()} == {each.prompt for each in every_archetype()}


def test_the_shipped_settings_pass_the_checks() -> None:
    assert [message for message in run_checks() if str(message.id).startswith("agents.")] == []


@pytest.mark.parametrize(
    ("name", "value", "id"),
    [
        ("AGENTS_DEFAULT_ARCHETYPE", "nobody", "agents.E004"),
        ("AGENTS_DEFAULT_MODEL", "gpt-nothing", "agents.E005"),
        ("OPENAI_EXTRA_HEADERS", ["Bearer hidden"], "agents.E006"),
        ("OPENAI_EXTRA_HEADERS", {"X-Auth": "hidden\n"}, "agents.E007"),
        ("OPENAI_EXTRA_HEADERS", {"X Auth": "hidden"}, "agents.E007"),
        ("OPENAI_BASE_URL", "hidden.example.com/v1", "agents.E007"),
        ("OPENAI_PRICES", ["gpt-4o=cheap"], "agents.E008"),
    ],
)
def test_a_setting_that_cannot_work_is_an_error_without_its_value(
    name: str, value: Any, id: str, settings: Any
) -> None:
    setattr(settings, name, value)
    found = check_agents()
    assert [message.id for message in found] == [id]
    assert "hidden" not in str(found)
