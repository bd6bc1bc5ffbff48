"""The Vercel AI SDK's useChat, with its defaults."""
