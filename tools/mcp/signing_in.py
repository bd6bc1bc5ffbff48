"""What is asked of a person whose run calls a tool of a server at which they are not signed in."""

from tools.base import ToolContext
from tools.errors import ToolError
from tools.forms import Form, NeedsPerson
from tools.mcp.acting import sign_in_url
from tools.mcp.oauth.authority import host_of
from tools.mcp.resumed import SIGN_IN, Resumed
from tools.models import McpServer

FIRST = "Sign in at {host} ({name}) first: this tool acts as you there."
TOLD = (
    "The person you act for has to sign in at the server of this tool first. Tell them to open {url} and to ask again."
)


def asked_first(server: McpServer, ctx: ToolContext, resumed: Resumed) -> NeedsPerson | ToolError:
    """The question, or what the model tells the person where they cannot be asked now."""
    url = sign_in_url(server.pk)
    if not ctx.may_ask or not resumed.may_ask_again:
        return ToolError(TOLD.format(url=url))
    message = FIRST.format(host=host_of(server.url), name=server.name)
    return NeedsPerson([Form(key=SIGN_IN, message=message, url=url)], resumed.asked_once_more(is_sign_in=True))
