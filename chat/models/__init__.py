"""What was said, and what was done to say it."""

from chat.models.attachments import Attachment, AttachmentState, AttachmentType, AttachmentUse, TextState
from chat.models.budgets import AtEnd, Budget, BudgetNotice, Period, Scope, Unit
from chat.models.characters import Character
from chat.models.chats import Chat, ChatAlias, ChatShare, ChatStatus, Sharing, TitledBy
from chat.models.chores import Chore
from chat.models.compactions import Compaction
from chat.models.feedback import Feedback
from chat.models.holds import HandedOver, Hold, HoldScope, Kept, KeptFile, chat_is_held, held
from chat.models.language_models import LanguageModel
from chat.models.messages import Message, MessageKind, MessageRole, MessageStatus
from chat.models.policies import Decision, ToolGrant, ToolPolicy
from chat.models.prices import Price
from chat.models.processes import Process
from chat.models.pull_requests import PullRequest, PullState
from chat.models.rules import Links, Rules
from chat.models.runs import (
    ANSWER,
    IMPORTED,
    LIVE,
    OPEN,
    REPLAY,
    SCHEDULED,
    LogState,
    Run,
    RunEvent,
    RunStatus,
    ToolCall,
    UsageRecord,
)
from chat.models.schedules import Schedule
from chat.models.sessions import ChatSession
from chat.models.states import MessageState
from chat.models.tasks import Task, TaskStatus
from chat.models.totals import Total
from chat.models.usage import UsageDay, UsageDayBefore, UsageName
from chat.models.workflows import Workflow, WorkflowRun, WorkflowStatus, WorkflowVersion

__all__ = [
    "ANSWER",
    "IMPORTED",
    "LIVE",
    "OPEN",
    "REPLAY",
    "SCHEDULED",
    "AtEnd",
    "Attachment",
    "AttachmentState",
    "AttachmentType",
    "AttachmentUse",
    "Budget",
    "BudgetNotice",
    "Character",
    "Chat",
    "ChatAlias",
    "ChatSession",
    "ChatShare",
    "ChatStatus",
    "Chore",
    "Compaction",
    "Decision",
    "Feedback",
    "HandedOver",
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
    "Price",
    "Process",
    "PullRequest",
    "PullState",
    "Rules",
    "Run",
    "RunEvent",
    "RunStatus",
    "Schedule",
    "Scope",
    "Sharing",
    "Task",
    "TaskStatus",
    "TextState",
    "TitledBy",
    "ToolCall",
    "ToolGrant",
    "ToolPolicy",
    "Total",
    "Unit",
    "UsageDay",
    "UsageDayBefore",
    "UsageName",
    "UsageRecord",
    "Workflow",
    "WorkflowRun",
    "WorkflowStatus",
    "WorkflowVersion",
    "chat_is_held",
    "held",
]
