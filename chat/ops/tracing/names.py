"""What our spans and their attributes are called: OpenTelemetry's conventions for generative AI, as of their 0.1.0.

They are all "development" there and change from one version to the next: this is the one place that has them. What
they have no word for begins with `parley.`. Pure.
"""

OPERATION = "gen_ai.operation.name"
AGENT, CHAT, TOOL = "invoke_agent", "chat", "execute_tool"  # what it may be

AGENT_NAME = "gen_ai.agent.name"
CONVERSATION = "gen_ai.conversation.id"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
TEMPERATURE = "gen_ai.request.temperature"
STREAM = "gen_ai.request.stream"
RESPONSE_MODEL = "gen_ai.response.model"
FINISH_REASONS = "gen_ai.response.finish_reasons"
FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"  # seconds
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHED_TOKENS = "gen_ai.usage.cache_read.input_tokens"
REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"
TOOL_NAME = "gen_ai.tool.name"
TOOL_CALL = "gen_ai.tool.call.id"
TOOL_TYPE = "gen_ai.tool.type"
FUNCTION = "function"
SERVER = "server.address"
ERROR = "error.type"

EVALUATION = "gen_ai.evaluation.result"  # an event
EVALUATION_NAME = "gen_ai.evaluation.name"
SCORE_VALUE = "gen_ai.evaluation.score.value"
SCORE_LABEL = "gen_ai.evaluation.score.label"

RUN = "parley.run.id"
KIND = "parley.run.kind"
STATUS = "parley.run.status"
REASON = "parley.run.end_reason"
DOOR = "parley.door"
ORGANIZATION = "parley.organization.id"
TURN = "parley.turn"
OUTCOME = "parley.tool.outcome"
KEPT = "parley.cache.hit"
ATTEMPT = "parley.attempt"
CODE = "parley.code"
DELAY = "parley.delay"  # seconds

# Vendors whose names there are others than ours.
PROVIDERS = {"xai": "x_ai", "gemini": "gcp.gemini", "mistral": "mistral_ai"}
