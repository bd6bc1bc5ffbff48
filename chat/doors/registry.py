"""All front doors. To add one: its folder, and a line here."""

from chat.doors.agent.door import AGENT
from chat.doors.agui.door import AGUI
from chat.doors.door import Door
from chat.doors.editor_chat.door import EDITOR_CHAT
from chat.doors.mcp.door import MCP
from chat.doors.native.door import NATIVE
from chat.doors.openai.door import LLM
from chat.doors.sessions.door import SESSIONS
from chat.doors.threads.door import THREADS
from chat.doors.trpc.door import EDITOR_CHAT_CALLS, INITIATE_CHAT
from chat.doors.ui_message.door import UI_MESSAGE

DOORS: tuple[Door, ...] = (
    NATIVE,
    EDITOR_CHAT,
    SESSIONS,
    THREADS,
    AGENT,
    LLM,
    EDITOR_CHAT_CALLS,
    INITIATE_CHAT,
    UI_MESSAGE,
    AGUI,
    MCP,
)
