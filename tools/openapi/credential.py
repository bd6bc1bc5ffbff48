"""By what an API is told who asks: a token of the run's person, or a secret of the run's project."""

from typing import TYPE_CHECKING

from accounts.db import db
from accounts.errors import NotAllowed
from accounts.organizations import secrets
from accounts.secrets import SecretUnreadable
from accounts.sign_in.acting import token_for
from tools.base import ToolContext
from tools.errors import ToolError

if TYPE_CHECKING:
    from tools.openapi.calling import Credential


def of_person(audience: str) -> "Credential":
    """Makes a token of whoever the run acts for, for this audience; a new one for each call."""

    async def credential(ctx: ToolContext) -> str:
        about = {"organization": str(ctx.organization_id), "run": str(ctx.run_id)}
        if ctx.project_id:
            about["project"] = str(ctx.project_id)
        try:
            return await db(token_for, ctx.user_id, audience, about)
        except NotAllowed as error:
            raise ToolError(error.message) from error

    return credential


def of_project(name: str) -> "Credential":
    """Finds the secret of that name in the run's project."""

    async def credential(ctx: ToolContext) -> str:
        told = f"This project has no secret named {name!r}: who administers it can store one."
        try:
            found = await db(secrets.secret_of, ctx.project_id, name) if ctx.project_id else ""
        except SecretUnreadable as error:
            raise ToolError(
                f"The secret {name!r} of this project cannot be read: it has to be stored again."
            ) from error
        if not found:
            raise ToolError(told)
        return found

    return credential
