"""AG-UI: CopilotKit and others."""
