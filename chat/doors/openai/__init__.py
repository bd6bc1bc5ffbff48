"""What OpenAI's clients find under their base URL: /v1 and /api/llm."""
