"""The wire format of Responses. Pure."""
