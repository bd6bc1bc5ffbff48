"""Mail that goes out, where EMAIL_URL says by what; and a thread for mail that nobody waits for."""

import functools
import logging
from collections.abc import Callable
from email.utils import formataddr, parseaddr
from queue import Full, Queue
from threading import Thread

from django.conf import settings
from django.core.mail import send_mail
from django.db import close_old_connections

from accounts import look

MOST_WAITING = 100  # that the thread has not come to yet; more are dropped, and the log says so
log = logging.getLogger(__name__)


def send(subject: str, paragraphs: tuple[str, ...], address: str) -> bool:
    """Send it. False where no mail reaches the address, or the server takes none: then tell the person otherwise."""
    if not reaches(address):
        return False
    try:
        return bool(send_mail(plain(subject), "\n\n".join(paragraphs), _sender(), [address]))
    except OSError as error:  # smtplib's own are OSErrors too
        log.warning("No mail: the server of EMAIL_URL does not take it (%s)", type(error).__name__)
        return False


def reaches(address: str) -> bool:
    """Whether mail may arrive there: some goes out, and the address is not a made-up one (RFC 2606)."""
    return bool(settings.EMAIL_URL) and not address.lower().endswith(".invalid")


def _sender() -> str:
    """EMAIL_FROM, by the installation's name where it has none of its own."""
    name, address = parseaddr(settings.EMAIL_FROM)
    is_bare = bool(address) and not name and address.isascii()  # formataddr takes no other
    return formataddr((look.name(), address)) if is_bare else str(settings.EMAIL_FROM)


def plain(name: str) -> str:
    """In one line: a line break would end the subject."""
    return " ".join(name.split())


def later(job: Callable[[], object]) -> None:
    """Do it on the mail's own thread. Who asked is answered at once, whatever there is to do."""
    try:
        waiting().put_nowait(job)
    except Full:
        log.warning("No mail: %s wait already", MOST_WAITING)


@functools.cache
def waiting() -> "Queue[Callable[[], object]]":
    """What the thread has not come to yet. It ends with the process and holds nobody up: whoever was to be mailed asks
    again."""
    jobs: Queue[Callable[[], object]] = Queue(MOST_WAITING)
    Thread(target=_work, args=(jobs,), name="mail", daemon=True).start()
    return jobs


def _work(jobs: "Queue[Callable[[], object]]") -> None:
    while True:
        job = jobs.get()
        try:
            _do(job)
        finally:
            jobs.task_done()


def _do(job: Callable[[], object]) -> None:
    close_old_connections()
    try:
        job()
    except Exception:
        log.exception("Mail was not sent")
    finally:
        close_old_connections()
