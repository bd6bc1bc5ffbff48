"""What providers want to see again with an answer's turns: kept apart from the message, so that nobody is shown it."""

from django.db import models

from chat.models.messages import Message


class MessageState(models.Model):
    """The vendor state of one answer. Gone with its message."""

    # No constraint in the database: a process of an older version deletes messages and knows no such table. What it
    # leaves behind the clean-up removes.
    message = models.OneToOneField(Message, models.CASCADE, primary_key=True, related_name="kept", db_constraint=False)
    turns = models.TextField()  # a JSON array of agents.state.TurnState

    def __str__(self) -> str:
        return f"State of {self.message_id}"
