"""What the page says of a tool call that waits for a person, in the reader's language. Its scripts do not need it."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

SAID: dict[str, Any] = {
    "writes": _("Writes the file %(path)s:"),
    "writesNew": _("Writes a new file, %(path)s:"),
    "writesSame": _("Writes the file %(path)s, which says this already: nothing changes."),
    "changes": _("Changes the file %(path)s:"),
    "changesPart": _("Changes a place in the file %(path)s:"),
    "changesDocument": _("Changes the document, step by step:"),
    "with": _("With:"),
    "withThese": _("And with:"),
    "withText": _("With this text, which is no JSON object:"),
    "notText": _("What is there now is no text, or too large to be compared: it is replaced."),
    "notYours": _("You do not see the project's files, so this is not compared with what is there."),
    "goesTo": _("It leaves this installation, and goes to %(host)s."),
    "cannotRun": _("It cannot be run: what it is asked with does not fit the tool. Allowed, it fails."),
    "goesOut": _("It leaves this installation."),
    "cannotTakeBack": _("What it sends cannot be taken back."),
    "deletes": _("It deletes something."),
    "onlyRead": _("You may not decide on it: your role here, or what was shared with you, does not include it."),
    "needs": _(
        "You may not allow it: it needs the permission “%(permission)s” here, which your role does not include."
    ),
    "onlyTheirs": _("Only %(who)s may allow it: it is done with their rights. You may deny it."),
    "sends": _("Send"),
    "isDone": _("It is done"),
    "answersGoTo": _(
        "What you send goes to %(host)s, and whoever reads this chat can read it. Send no password and no key."
    ),
    "answersGo": _(
        "What you send leaves this installation, and whoever reads this chat can read it. Send no password."
    ),
    "answersStay": _("Whoever reads this chat can read what you send. Send no password."),
    "answeredBy": _("Answered by %(who)s"),
    "notAnsweredBy": _("Not answered by %(who)s"),
    "allowedIn": _("Allowed in this chat by %(who)s"),
    "allowedUntil": _("Allowed in this chat by %(who)s until %(when)s"),
}
COUNTED: dict[str, Any] = {
    "between": ngettext_lazy("%(count)s character is left out here", "%(count)s characters are left out here", "count"),
    "moreFiles": ngettext_lazy("And %(count)s more file:", "And %(count)s more files:", "count"),
}


def say(name: str, /, **values: Any) -> str:
    """One of the sentences, with its names filled in; a counted one by its `count`."""
    if name in COUNTED:
        return str(COUNTED[name] % values)
    return str(SAID[name]) % values if values else str(SAID[name])
