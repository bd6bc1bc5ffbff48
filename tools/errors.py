"""What a tool may tell the model.

ToolFault
+-- ToolError           final: the model is told, and should go on without
|   +-- RepositoryBusy  another write holds the project's repository for too long
+-- RetryTool           the model may try again with other arguments
    +-- PathRefused     no path of a project's file, or not one that may be written
"""


class ToolFault(Exception):
    """Its text is read by the model: one sentence, no internals."""


class ToolError(ToolFault):
    """The call cannot succeed."""


class RetryTool(ToolFault):
    """The call could succeed with other arguments; say which."""


class RepositoryBusy(ToolError):
    """Trying again in a moment may help."""


class PathRefused(RetryTool):
    """Says what is wrong with the path."""
