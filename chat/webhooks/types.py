"""Which events there are. What each says is in docs/webhooks.md."""

ALL = "*"  # in the place of types: all of them, also those that later versions add
TEST = "webhook.test"  # sent when somebody asks for it, wanted or not
TYPES = (
    "run.completed",
    "run.failed",
    "run.cancelled",
    "approval.requested",
    "chat.created",
    "chat.deleted",
    "feedback.given",
    "member.added",
    "member.removed",
    "budget.warned",
    "budget.exhausted",
    "export.done",
    "audit.sealed",
    "schedule.failed",
)
