"""What can be wrong with a document or with indexing it. Texts are for people, and say nothing of what is in it.

KnowledgeError
+-- FileRefused         a file or text that is not taken, with a code that says why
+-- IndexingFailed      it could not be indexed, with a code; `is_retryable`: it may go better at another time
EmbeddingsFailed        the server of the embeddings did not do it; `is_retryable`: it may at another time
"""

FULL = "The project has no room for more."  # no number: who is told may not see all that is there


class KnowledgeError(Exception):
    """`code` is for programs, the text for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class FileRefused(KnowledgeError):
    """Nothing was stored."""


class IndexingFailed(KnowledgeError):
    """What was found before is found as before."""

    def __init__(self, code: str, message: str, *, is_retryable: bool = False) -> None:
        super().__init__(code, message)
        self.is_retryable = is_retryable


class EmbeddingsFailed(Exception):
    """Its text names no address and nothing that came back."""

    def __init__(self, message: str, *, is_retryable: bool) -> None:
        super().__init__(message)
        self.is_retryable = is_retryable
