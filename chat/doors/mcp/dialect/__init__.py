"""MCP on the wire. Source: the Model Context Protocol's revision 2026-07-28, its schema.ts, basic/index,
basic/transports/streamable-http and basic/patterns/progress; of the older ones, basic/lifecycle of 2025-11-25. Read
2026-12.

Left out on purpose: sessions, GET streams, batches, subscriptions, prompts, completion, logging, and whatever a server
asks of its client (sampling, elicitation, roots).
"""
