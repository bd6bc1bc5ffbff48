"""HTTP tools out of an OpenAPI file, asked as the run's person."""

from tools.openapi.making import from_openapi

__all__ = ["from_openapi"]
