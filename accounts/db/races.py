"""What the database says where something was deleted in the middle of a request, or where it takes no writes, and what
its sender is told.
"""

import logging

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, IntegrityError

from accounts.db.threads import is_read_only
from accounts.errors import Conflict, NotFound, RequestError, Unavailable

LOST = (DatabaseError, ObjectDoesNotExist)  # what may mean it
log = logging.getLogger(__name__)


def lost_to(error: BaseException) -> RequestError | None:
    """The answer to a request that has met another one, which was quicker; None if that is not what went wrong.

    It is logged with its trace all the same: an error of our own could look like this too.
    """
    told = _told(error)
    if told is not None:
        log.warning("Met another request: %s", error, exc_info=error)
    return told


def _told(error: BaseException) -> RequestError | None:
    match error:
        case IntegrityError() if _is_about_a_key(error):
            return Conflict(
                "What this belongs to has just been changed or deleted. Look again.", code="changed_meanwhile"
            )
        case ObjectDoesNotExist():
            return NotFound()
        case DatabaseError() if "did not affect any rows" in str(error):  # what Django says of a save
            return NotFound()
        case DatabaseError() if is_read_only(error):
            return Unavailable(retry_after_s=2)
    return None


def _is_about_a_key(error: IntegrityError) -> bool:
    """Whether a row points to one that is gone: by PostgreSQL's class of error, or SQLite's words."""
    return type(error.__cause__).__name__ == "ForeignKeyViolation" or "FOREIGN KEY" in str(error)
