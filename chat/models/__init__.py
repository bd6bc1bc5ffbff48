"""What was said, and what was done to say it."""

from chat.models.attachments import Attachment, AttachmentState, AttachmentType, AttachmentUse, TextState
from chat.models.budgets import Budget, Period
from chat.models.characters import Character
from chat.models.chats import Chat, ChatAlias, ChatShare, ChatStatus, Sharing, TitledBy
from chat.models.chores import Chore
from chat.models.compactions import Compaction
from chat.models.holds import Hold, HoldScope, Kept, KeptFile, held
from chat.models.language_models import LanguageModel
from chat.models.messages import Message, MessageKind, MessageRole, MessageStatus
from chat.models.policies import Decision, ToolGrant, ToolPolicy
from chat.models.processes import Process
from chat.models.pull_requests import PullRequest, PullState
from chat.models.rules import Links, Rules
from chat.models.runs import ANSWER, LIVE, OPEN, SCHEDULED, LogState, Run, RunEvent, RunStatus, ToolCall, UsageRecord
from chat.models.schedules import Schedule
from chat.models.sessions import ChatSession
from chat.models.states import MessageState
from chat.models.tasks import Task, TaskStatus
from chat.models.usage import UsageDay
from chat.models.workflows import Workflow, WorkflowRun, WorkflowStatus, WorkflowVersion

__all__ = [
    "ANSWER",
    "LIVE",
    "OPEN",
    "SCHEDULED",
    "Attachment",
    "AttachmentState",
    "AttachmentType",
    "AttachmentUse",
    "Budget",
    "Character",
    "Chat",
    "ChatAlias",
    "ChatSession",
    "ChatShare",
    "ChatStatus",
    "Chore",
    "Compaction",
    "Decision",
    "Hold",
    "HoldScope",
    "Kept",
    "KeptFile",
    "LanguageModel",
    "Links",
    "LogState",
    "Message",
    "MessageKind",
    "MessageRole",
    "MessageState",
    "MessageStatus",
    "Period",
    "Process",
    "PullRequest",
    "PullState",
    "Rules",
    "Run",
    "RunEvent",
    "RunStatus",
    "Schedule",
    "Sharing",
    "Task",
    "TaskStatus",
    "TextState",
    "TitledBy",
    "ToolCall",
    "ToolGrant",
    "ToolPolicy",
    "UsageDay",
    "UsageRecord",
    "Workflow",
    "WorkflowRun",
    "WorkflowStatus",
    "WorkflowVersion",
    "held",
]
