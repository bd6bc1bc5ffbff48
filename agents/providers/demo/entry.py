"""The demo, as an installation has it: there is nothing to configure."""

from agents.providers.demo.provider import DemoProvider
from agents.providers.entry import Entry, ModelInfo

MODELS = (ModelInfo(DemoProvider.name, DemoProvider.name, note="Rules, not a model."),)

ENTRY = Entry(
    name=DemoProvider.name,
    is_configured=lambda settings: True,
    address=lambda settings: "this process",
    models=lambda settings: MODELS,
    make=lambda settings: DemoProvider(),
    faults=lambda settings: iter(()),
)
