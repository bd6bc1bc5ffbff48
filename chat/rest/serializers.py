"""The JSON of chats, shares, messages and runs: what goes out, and the shape of what may come in.

Shapes only: what a value may be is said in chat.services.rules, for every door alike.
"""

from typing import Any, cast

from drf_spectacular.utils import extend_schema_field
from msgspec import structs
from rest_framework import serializers

from accounts.http.fields import Closed, Id, ModelNames, PageQuery, Text
from accounts.models import User
from agents.archetypes.base import Archetype
from agents.installation import default_model
from agents.model_info import ABILITIES, ModelInfo
from agents.options import EFFORTS
from chat import gate
from chat.access import get_chat, may_see_provider_errors, permissions_found
from chat.eventlog.drafts import attach_drafts
from chat.feedback import shown as said
from chat.markdown.blocks import of_message
from chat.metering import costs
from chat.models import Chat, ChatShare, ChatStatus, Message, MessageRole, MessageStatus, Run, RunStatus, Sharing
from chat.models.chats import Access
from chat.models.feedback import REASONS, Rating
from chat.services.components import result_of

# --- Out --------------------------------------------------------------------------------------------------------------


class TokenCountsSerializer(serializers.Serializer[Any]):
    """Tokens of a chat or run. `input` has `cached` in it, `output` has `reasoning`; `total` is their sum."""

    input = serializers.IntegerField(source="input_tokens")
    cached = serializers.IntegerField(source="cached_tokens")
    output = serializers.IntegerField(source="output_tokens")
    reasoning = serializers.IntegerField(source="reasoning_tokens")
    total = serializers.IntegerField(source="total_tokens")


class CostSerializer(serializers.Serializer[Any]):
    """What was paid. `unknown`: some of it has no known price or was not counted, and the amount is what the rest cost.

    The amount is a text with nine places; null where nothing of it is known, which is not nothing.
    """

    amount = serializers.CharField(allow_null=True)
    currency = serializers.CharField()
    status = serializers.ChoiceField(["exact", "estimated", "unknown"])


class Key(serializers.PrimaryKeyRelatedField[Any]):
    """A reference: the id as text, so that answers can be kept as JSON."""

    def to_representation(self, value: Any) -> str:
        """The UUID as text."""
        return str(value.pk)


class Effort(serializers.CharField):
    """How much the model is to reason: null where nobody has chosen."""

    def to_representation(self, value: Any) -> Any:
        """Null for none."""
        return value or None


class ChatSerializer(serializers.ModelSerializer[Chat]):
    """A chat. `permissions` are the caller's in it; `live_run` is the run that is at work, or will be next."""

    effort = Effort(read_only=True, allow_null=True)
    fallbacks = ModelNames(read_only=True, allow_null=True)
    permissions = serializers.SerializerMethodField()
    tokens = TokenCountsSerializer(source="*", read_only=True)
    cost = serializers.SerializerMethodField()
    live_run = serializers.UUIDField(read_only=True, allow_null=True)

    serializer_related_field = Key

    class Meta:
        model = Chat
        fields = (
            *("id", "organization", "project", "user", "title", "summary", "model", "temperature", "effort"),
            *(
                "fallbacks",
                "archetype",
                "branch",
                "metadata",
                "status",
                "sharing",
                "project_access",
                "permissions",
                "tokens",
                "cost",
                "live_run",
            ),
            *("leaf", "created_at", "updated_at", "last_activity_at"),
        )
        read_only_fields = fields

    def to_representation(self, instance: Chat) -> dict[str, Any]:
        """Reads the chat again where it does not come from `chats_of`, as lists do."""
        is_whole = hasattr(instance, "live_run")
        return super().to_representation(instance if is_whole else get_chat(self._user(), instance.pk))

    @extend_schema_field(CostSerializer)
    def get_cost(self, chat: Chat) -> dict[str, Any]:
        """Of its runs that have ended."""
        return structs.asdict(costs.of_chat(chat))

    def get_permissions(self, chat: Chat) -> list[str]:
        """In the order they grow."""
        has = permissions_found(self._user(), chat)
        return [each for each in ("read", "write", "deploy", "admin") if each in has]

    def _user(self) -> User:
        user: User = self.context["request"].user
        return user


def cost_of(run: Run | None) -> dict[str, Any] | None:
    """What a run that is over cost, as JSON."""
    return structs.asdict(costs.of_run(run)) if run is not None and run.ended_at else None


class AuthorSerializer(serializers.Serializer[User]):
    """Somebody, as others in the chat see them."""

    id = serializers.UUIDField()
    name = serializers.CharField(source="display_name")


class ShareSerializer(serializers.ModelSerializer[ChatShare]):
    """One person, besides the owner, who may see a chat."""

    user = AuthorSerializer(read_only=True)

    class Meta:
        model = ChatShare
        fields = ("id", "user", "access", "created_at")
        read_only_fields = fields


class UsageSerializer(serializers.Serializer[Any]):
    """Tokens as the provider counted them, or as we estimate them where it did not."""

    input_tokens = serializers.IntegerField()
    cached_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    reasoning_tokens = serializers.IntegerField()
    total_tokens = serializers.IntegerField()
    status = serializers.CharField(source="usage_status")


class AttachmentSerializer(serializers.Serializer[Any]):
    """A file, image or sound that came with a message.

    One that was uploaded (`POST /api/attachments/`) has its `id`; what else is said of it is told, not asked. Others
    have text in `content`, or in `url` an https: address or their bytes as data:. One that has none of the three was
    left out where the chat was exported.
    `unreadable`: the model provider could not read it, and is not sent it any more. `unseen`: models that were not
    shown it, since they cannot take such.
    """

    type = serializers.ChoiceField(["file", "image", "audio"])
    id = serializers.UUIDField(required=False)
    name = serializers.CharField(required=False)
    content = serializers.CharField(required=False)
    url = serializers.CharField(required=False)
    media_type = serializers.CharField(required=False)
    bytes = serializers.IntegerField(required=False)
    width = serializers.IntegerField(required=False)
    height = serializers.IntegerField(required=False)
    seconds = serializers.FloatField(required=False)
    unreadable = serializers.BooleanField(required=False)
    why = serializers.CharField(required=False, help_text="Why it is unreadable, in a sentence, where that is known.")
    linked = serializers.BooleanField(required=False, help_text="It came by an address, and was fetched from there.")
    unseen = serializers.ListField(child=serializers.CharField(), required=False)


class WorkSerializer(serializers.Serializer[Any]):
    """Work that an answer began and did not wait for, such as a build: its run, and how that stands."""

    run = serializers.UUIDField(source="pk")
    status = serializers.ChoiceField(RunStatus.choices)


class OwnFeedbackSerializer(serializers.Serializer[Any]):
    """What the caller has said of an answer; `rating` is null where they have only commented on it."""

    rating = serializers.ChoiceField(Rating.choices, allow_null=True)
    reasons = serializers.ListField(child=serializers.ChoiceField(REASONS))
    comment = serializers.CharField(allow_blank=True)


class FeedbackSerializer(serializers.Serializer[Any]):
    """How many people found an answer good and bad, and the caller's own feedback."""

    up = serializers.IntegerField()
    down = serializers.IntegerField()
    mine = OwnFeedbackSerializer(allow_null=True)


class ReactionSerializer(serializers.Serializer[Any]):
    """How many people have put an emoji on a message, and whether the caller has."""

    emoji = serializers.CharField()
    count = serializers.IntegerField()
    mine = serializers.BooleanField()


class MessageSerializer(serializers.ModelSerializer[Message]):
    """A message. One that is `in_progress` shows what its run has written so far."""

    author = AuthorSerializer(read_only=True, allow_null=True)
    attachments = AttachmentSerializer(many=True, read_only=True)
    run = serializers.SerializerMethodField()
    cost = serializers.SerializerMethodField()
    read_from = serializers.SerializerMethodField()
    work = WorkSerializer(source="job", read_only=True, allow_null=True)
    feedback = serializers.SerializerMethodField()
    reactions = serializers.SerializerMethodField()
    annotations = serializers.SerializerMethodField()

    serializer_related_field = Key

    class Meta:
        model = Message
        fields = (
            *("id", "chat", "parent", "position", "role", "author", "content", "parts", "attachments", "status"),
            *(
                "kind",
                "model",
                "usage",
                "cost",
                "error",
                "run",
                "read_from",
                "work",
                "task",
                "feedback",
                "reactions",
                "annotations",
                "created_at",
                "updated_at",
            ),
        )
        read_only_fields = fields

    def to_representation(self, instance: Message) -> dict[str, Any]:
        """Lists attach their drafts and what was said of them beforehand; a single message does it here.

        With `?blocks=html` there are `blocks`, as the native door sends them.
        """
        if instance.status == MessageStatus.IN_PROGRESS and not hasattr(instance, "is_drafted"):
            attach_drafts([instance])
        request = self.context.get("request")
        if request is not None and not said.is_attached(instance):
            said.attach([instance], request.user.pk)
        has_blocks = request is not None and request.query_params.get("blocks") == "html"
        shown = super().to_representation(instance)
        return {**shown, "blocks": of_message(instance)} if has_blocks else shown

    def get_run(self, message: Message) -> str | None:
        """The id of the run that writes or wrote it; null for what people wrote."""
        if message.role != MessageRole.ASSISTANT:
            return None
        run = getattr(message, "run", None)
        return str(run.pk) if run else None

    @extend_schema_field(CostSerializer(allow_null=True))
    def get_cost(self, message: Message) -> dict[str, Any] | None:
        """Of the run that wrote it; null before its end, and for what people wrote."""
        run = getattr(message, "run", None) if message.role == MessageRole.ASSISTANT else None
        return cost_of(run)

    @extend_schema_field(FeedbackSerializer)
    def get_feedback(self, message: Message) -> dict[str, Any]:
        """Of people; of what has just been made there is none."""
        return said.of(message).feedback

    @extend_schema_field(ReactionSerializer(many=True))
    def get_reactions(self, message: Message) -> list[dict[str, Any]]:
        """Those that there are."""
        return said.of(message).reactions

    def get_annotations(self, message: Message) -> int:
        """How many there are."""
        return said.of(message).annotations

    def get_read_from(self, message: Message) -> str | None:
        """The first message that the model was given to read for this answer; null where that was all of the chat."""
        run = getattr(message, "run", None) if message.role == MessageRole.ASSISTANT else None
        return str(run.read_from) if run and run.read_from else None


class ProblemSerializer(serializers.Serializer[Any]):
    """Why a run failed."""

    code = serializers.CharField(source="error_code")
    message = serializers.CharField(source="error_message")


class ProviderErrorSerializer(serializers.Serializer[Any]):
    """Why the model provider refused, in its own words, without credentials."""

    status = serializers.IntegerField(required=False)
    code = serializers.CharField(required=False)
    type = serializers.CharField(required=False)
    param = serializers.CharField(required=False)
    message = serializers.CharField(required=False)


class RunSerializer(serializers.ModelSerializer[Run]):
    """The work that answers one message; or, of another `kind`, work that answers none.

    Such work is in a chat, or in a project; `parent` is the run that began it, `subject` the id of what it works on.
    """

    effort = Effort(source="options.effort", read_only=True, default=None, allow_null=True)
    error = serializers.SerializerMethodField()
    provider_error = serializers.SerializerMethodField()
    read_from = serializers.UUIDField(read_only=True, allow_null=True)
    result = serializers.SerializerMethodField()
    usage = UsageSerializer(source="*", read_only=True)
    cost = serializers.SerializerMethodField()

    serializer_related_field = Key

    class Meta:
        model = Run
        fields = (
            *("id", "chat", "input", "message", "status", "kind", "archetype", "model", "temperature", "effort"),
            "attempt",
            *("project", "parent", "subject"),
            *(
                "turns",
                "end_reason",
                "error",
                "provider_error",
                "read_from",
                "result",
                "usage",
                "cost",
                "created_at",
                "started_at",
                "first_token_ms",
                "ended_at",
            ),
        )
        read_only_fields = fields

    @extend_schema_field(CostSerializer(allow_null=True))
    def get_cost(self, run: Run) -> dict[str, Any] | None:
        """Null before its end."""
        return cost_of(run)

    def get_error(self, run: Run) -> dict[str, str] | None:
        """Code and sentence of a failure, else null."""
        return dict(ProblemSerializer(run).data) if run.error_code else None

    @extend_schema_field(serializers.DictField(allow_null=True))
    def get_result(self, run: Run) -> dict[str, Any] | None:
        """What work that answers nothing has come to, where its kind keeps that; null of an answer."""
        return result_of(run)

    @extend_schema_field(ProviderErrorSerializer(allow_null=True))
    def get_provider_error(self, run: Run) -> dict[str, Any] | None:
        """What the model provider said of a failure, for admins of the organization and staff; null for others."""
        if run.provider_error is None or not self._sees_them(run):
            return None
        return dict(run.provider_error)

    def _sees_them(self, run: Run) -> bool:
        """Asked once for each place of a list. Where nobody is said to read it (`row_json`), nobody does."""
        if "request" not in self.context:
            return False
        known: dict[Any, bool] = cast(dict[str, Any], self.context).setdefault("sees_provider_errors", {})
        place = run.chat_id or run.project_id
        if place not in known:
            known[place] = may_see_provider_errors(self.context["request"].user, run)
        return known[place]


class PriceSerializer(serializers.Serializer[Any]):
    """Of a million tokens each."""

    input = serializers.FloatField()
    cached = serializers.FloatField(help_text="Of input that is read from the provider's cache.")
    cache_write = serializers.FloatField(allow_null=True, help_text="Of input that is written to it; null: as input.")
    output = serializers.FloatField()
    currency = serializers.CharField()


class ModelNameSerializer(serializers.Serializer[Any]):
    """A model that may be chosen. `provider` answers for it: `demo` where nothing real is configured."""

    id = serializers.CharField()
    provider = serializers.CharField()
    context_tokens = serializers.IntegerField()
    is_context_known = serializers.BooleanField(help_text="Whether `context_tokens` is known, and no guess.")
    max_output_tokens = serializers.IntegerField(allow_null=True, help_text="Null where nobody knows.")
    abilities = serializers.SerializerMethodField(help_text=f"Some of {', '.join(ABILITIES)}.")
    efforts = serializers.ListField(
        child=serializers.CharField(), help_text=f"Some of {', '.join(EFFORTS)}; none where it has no choice."
    )
    tier = serializers.CharField(help_text="free, pro or max; empty: for everybody.")
    price = PriceSerializer(allow_null=True, help_text="Null where nobody knows: that is not nothing.")
    deprecated = serializers.SerializerMethodField(help_text="Whether its end is announced.")
    ends_at = serializers.SerializerMethodField()
    successor = serializers.CharField(help_text="The model to choose in its place; empty where there is none.")
    note = serializers.CharField()
    is_default = serializers.SerializerMethodField()
    available = serializers.SerializerMethodField(help_text="Whether the organization's plan has it.")
    plan = serializers.SerializerMethodField(help_text="The least plan that has it; empty where none does.")

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_abilities(self, model: ModelInfo) -> list[str]:
        """In one order."""
        return [each for each in ABILITIES if model.has(each)]

    def get_deprecated(self, model: ModelInfo) -> bool:
        """Whether its end is announced."""
        return bool(model.ends_at)

    @extend_schema_field(serializers.DateField(allow_null=True))
    def get_ends_at(self, model: ModelInfo) -> str | None:
        """The day from which its vendor answers for it no more; null where none is announced."""
        return model.ends_at or None

    def get_is_default(self, model: ModelInfo) -> bool:
        """Whether a new chat has it."""
        return bool(model.id == default_model())

    def get_available(self, model: ModelInfo) -> bool:
        """Whether it may be used."""
        return bool(self.context["available"][model.id])

    def get_plan(self, model: ModelInfo) -> str:
        """The name of a plan."""
        return gate.least_plan(model.id)


class ArchetypeSerializer(serializers.Serializer[Archetype]):
    """A kind of agent that may be chosen."""

    name = serializers.CharField()
    purpose = serializers.CharField()
    examples = serializers.ListField(child=serializers.CharField())
    model = serializers.SerializerMethodField()
    tools = serializers.SerializerMethodField()
    subagents = serializers.SerializerMethodField()

    def get_model(self, archetype: Archetype) -> str | None:
        """Its own model; null when the chat's is used."""
        return archetype.model or None

    def get_tools(self, archetype: Archetype) -> list[str]:
        """Names."""
        return [each.name for each in archetype.tools]

    def get_subagents(self, archetype: Archetype) -> list[str]:
        """Names."""
        return [each.name for each in archetype.subagents]


# --- In ---------------------------------------------------------------------------------------------------------------


class Number(serializers.FloatField):
    """A number: neither a string nor true is taken for one."""

    def to_internal_value(self, data: Any) -> float:
        """As a float."""
        if isinstance(data, str | bool):
            self.fail("invalid")
        try:
            return super().to_internal_value(data)
        except OverflowError:  # an integer of 400 digits
            self.fail("invalid")


@extend_schema_field(AttachmentSerializer(many=True))
class Attachments(serializers.JSONField):
    """A list that chat.services.rules looks at: it says what was expected in the same words at every door."""


class ChatChoices(Closed):
    """What may be chosen for a chat."""

    title = Text(required=False, allow_blank=True, max_length=200)
    model = Text(required=False, max_length=100, trim_whitespace=False)
    temperature = Number(required=False, allow_null=True, min_value=0, max_value=2)
    effort = Text(required=False, allow_null=True, allow_blank=True, max_length=10, help_text="of reasoning")
    fallbacks = ModelNames(
        required=False, allow_null=True, help_text="models that answer where the chosen one cannot, in order"
    )
    archetype = Text(required=False, max_length=40, trim_whitespace=False)
    metadata = serializers.DictField(required=False)
    sharing = serializers.ChoiceField(Sharing.choices, required=False)
    project_access = serializers.ChoiceField(Access.choices, required=False)


class NewChat(ChatChoices):
    """A chat to be made."""

    organization = Id()
    project = Id(required=False, allow_null=True)
    workflow = Id(required=False, allow_null=True, help_text="that the chat goes through; else its project's default")


class ChatChanges(ChatChoices):
    """What may be changed of a chat; sharing and project_access by its owner only."""

    status = serializers.ChoiceField(ChatStatus.choices, required=False)


class NewFork(Closed):
    """Where to fork: the last message that the new chat shall hold."""

    message = Id()
    title = Text(required=False, allow_blank=True, max_length=200)


class NewShare(Closed):
    """Whom to share a chat with."""

    user = Id()
    access = serializers.ChoiceField(Access.choices, default=Access.READ)


class NewMessage(Closed):
    """A message to be stored. Without `parent` it comes under the newest one; null makes a new root."""

    content = Text(
        trim_whitespace=False, allow_blank=True, default="", help_text="May be empty where files come with it."
    )
    attachments = Attachments(required=False)
    # DRF takes declared fields off the class, so this does not hide a field's own `parent`.
    parent = Id(required=False, allow_null=True)  # type: ignore[assignment]


class MessageChanges(Closed):
    """What may be changed of one's own message."""

    content = Text(trim_whitespace=False, allow_blank=True, help_text="May be empty where files come with it.")
    attachments = Attachments(required=False)


class Nothing(Closed):
    """An empty body, or {}."""


# --- Queries ----------------------------------------------------------------------------------------------------------


class ChatQuery(PageQuery):
    """Which chats, and in which order."""

    status = serializers.ChoiceField(ChatStatus.choices, required=False)
    organization = serializers.UUIDField(required=False)
    project = serializers.UUIDField(required=False)
    task = serializers.UUIDField(required=False, help_text="Those that were about this task.")
    search = serializers.CharField(required=False, max_length=100, help_text="Part of the title.")
    ordering = serializers.ChoiceField(
        ["-last_activity_at", "last_activity_at", "-created_at", "created_at"], default="-last_activity_at"
    )


class BlocksQuery(Closed):
    """Whether Markdown comes as HTML too."""

    blocks = serializers.ChoiceField(
        ["html"], required=False, help_text="Also give each answer's Markdown as sanitized HTML, block by block."
    )


class MessageQuery(PageQuery):
    """Which messages of a chat."""

    role = serializers.ChoiceField(MessageRole.choices, required=False)
    status = serializers.ChoiceField(MessageStatus.choices, required=False)
    search = serializers.CharField(required=False, max_length=100, help_text="Part of the text.")
    ordering = serializers.ChoiceField(["position", "-position"], default="position")
    blocks = serializers.ChoiceField(
        ["html"], required=False, help_text="Also give each answer's Markdown as sanitized HTML, block by block."
    )


class RunQuery(PageQuery):
    """Which runs."""

    chat = serializers.UUIDField(required=False)
    project = serializers.UUIDField(required=False, help_text="Work of this project that is for no chat.")
    kind = serializers.CharField(required=False, max_length=20, help_text="Such as answer or title.")
    status = serializers.ChoiceField(RunStatus.choices, required=False)
    created_after = serializers.DateTimeField(required=False)
    created_before = serializers.DateTimeField(required=False)
    ordering = serializers.ChoiceField(["-created_at", "created_at"], default="-created_at")
