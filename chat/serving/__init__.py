"""The server process: where it listens, how it says that it is ready, and how it leaves. docs/deploy.md."""
