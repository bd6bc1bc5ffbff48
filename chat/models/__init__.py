"""What was said, and what was done to say it."""

from chat.models.budgets import Budget, Period
from chat.models.characters import Character
from chat.models.chats import Chat, ChatAlias, ChatShare, ChatStatus, Sharing, TitledBy
from chat.models.chores import Chore
from chat.models.messages import Message, MessageKind, MessageRole, MessageStatus
from chat.models.processes import Process
from chat.models.runs import ANSWER, LIVE, OPEN, LogState, Run, RunEvent, RunStatus, ToolCall, UsageRecord
from chat.models.sessions import ChatSession
from chat.models.tasks import Task, TaskStatus
from chat.models.usage import UsageDay

__all__ = [
    "ANSWER",
    "LIVE",
    "OPEN",
    "Budget",
    "Character",
    "Chat",
    "ChatAlias",
    "ChatSession",
    "ChatShare",
    "ChatStatus",
    "Chore",
    "LogState",
    "Message",
    "MessageKind",
    "MessageRole",
    "MessageStatus",
    "Period",
    "Process",
    "Run",
    "RunEvent",
    "RunStatus",
    "Sharing",
    "Task",
    "TaskStatus",
    "TitledBy",
    "ToolCall",
    "UsageDay",
    "UsageRecord",
]
