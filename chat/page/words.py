"""The sentences that the page's scripts say, in the reader's language. The page's templates have their own.

One place for all of them: `for_scripts()` goes into the page as JSON, static/chat/words.js fills in the names. Whole
sentences with named places, so that a translation may order them as it likes; counts as `ngettext` has them.
"""

import re
from functools import cache
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy, override

from agents.errors import CODES

# One number of each of CLDR's classes; a language has those forms in which its own ngettext differs.
SAMPLES = {"other": 100, "zero": 0, "one": 1, "two": 2, "few": 3, "many": 11}

TEXTS: dict[str, Any] = {
    # The state line
    "sending": _("Sending"),
    "waiting": _("Waiting"),
    "thinking": _("Thinking"),
    "writing": _("Writing"),
    "using": _("Using %(name)s"),
    "approval": _("Needs your approval: %(name)s"),
    "retrying": _("The model did not answer. Trying again in %(seconds)s s (%(next)s of %(most)s)"),
    "retryingNow": _("The model did not answer. Trying again (%(next)s of %(most)s)"),
    "resetting": _("Starting this part again"),
    "reconnecting": _("Connection lost. Reconnecting"),
    "offline": _("You are offline. What you send waits here."),
    "tooMany": _("Too many at once. Sends in %(seconds)s s."),
    "unreachable": _("The server does not answer. Your message waits here and is sent again."),
    "signedOut": _("You are signed out. Your text is kept here."),
    "stopping": _("Stopping"),
    "stopped": _("Stopped"),
    "answerFailed": _("The answer failed"),
    "isWriting": _("%(name)s is writing"),
    "areWriting": _("%(first)s and %(second)s are writing"),
    "retry": _("Retry"),
    "stop": _("Stop"),
    "reconnect": _("Reconnect"),
    "signIn": _("Sign in"),
    "startNew": _("New chat"),
    # What went wrong
    "gone": _("This chat is no longer there, or you may no longer see it. What is on this page can still be copied."),
    "deletedBy": _("This chat was deleted by %(name)s. Your text is still below: copy it, or start a new chat."),
    "readOnly": _("You may no longer write in this chat. Your text is still below and can be copied."),
    "mayNot": _("You may not do this here: your role, or what was shared with you, does not include it."),
    "notThere": _("It is no longer there."),
    "notSent": _("Not sent: %(why)s"),
    "notDone": _("Not done: %(why)s"),
    "noServer": _("the server does not answer. Try again."),
    "empty": _("Write something first."),
    "serverFailed": _("The server failed. Nothing is lost: try again."),
    # Messages
    "thoughts": _("Thoughts"),
    "thoughtFor": _("Thought for %(time)s"),
    "running": _("Running"),
    "failed": _("failed"),
    "asked": _("Waits for approval"),
    "allowed": _("Allowed"),
    "denied": _("Denied"),
    "refused": _("not run"),
    "unfinished": _("not finished"),
    "unknown": _("May or may not have run. It was not repeated."),
    "result": _("Result"),
    "error": _("Error"),
    "stoppedByYou": _("Stopped by you"),
    "about": _("about %(tokens)s"),
    "workWaits": _("What it began waits for its turn."),
    "workGoesOn": _("What it began is being worked on."),
    "workFailed": _("What it began has failed."),
    "workStopped": _("What it began was stopped."),
    "notReadable": _("could not be read, and is not shown to the model"),
    "demoFor": _("demo for %(model)s"),
    "newFrom": _("New message from %(name)s"),
    "copied": _("Copied"),
    "notCopied": _("This browser does not let the page copy: select the text and copy it by hand."),
    "allowedBy": _("Allowed by %(who)s"),
    "deniedBy": _("Denied by %(who)s"),
    "nobodyDecided": _("Nobody answered; it counts as denied."),
    "somebody": _("somebody else"),
    "wantsToRun": _("%(name)s wants to run with:"),
    "expires": _("Expires %(when)s"),
    "agentWorks": _("%(name)s is at work"),
    "takenBack": _("taken back"),
    "reallyDelete": _("Delete for good?"),
    "dropChanges": _("Drop your changes?"),
    "of": _("%(what)s: %(message)s"),
    "inputTokens": _("Input"),
    "cachedTokens": _("of which cached"),
    "outputTokens": _("Output"),
    "reasoningTokens": _("of which reasoning"),
    "turns": _("Model requests"),
    "firstToken": _("First word after"),
    "backToLatest": _("Back to the latest"),
    "jumpToLatest": _("Jump to latest"),
    "showMore": _("Show more"),
    "showLess": _("Show less"),
    "code": _("Code"),
    "codeIn": _("Code: %(language)s"),
    "table": _("Table"),
    "unformatted": _("Too long to be formatted, so it is shown as it was written."),
    "notFormatted": _("This could not be formatted, so it is shown as it was written."),
    "notFollowed": _("The answer cannot be loaded now. Nothing of it is lost."),
    # The composer
    "fork": _("Fork from here"),
    "share": _("Who sees this chat"),
    "settings": _("Settings"),
    "agentIs": _("Agent: %(name)s"),
    "modelIs": _("Model: %(name)s"),
    "remove": _("Remove %(name)s"),
    "notAttached": _("%(name)s was not attached: %(why)s"),
    "unreadable": _("it is empty, or neither text nor a picture."),
    "asFile": _("Attach as a file"),
    "picture": _("Picture"),
    "pictureTooBig": _("it is too large: at most %(kilobytes)s kB fit."),
    "tooMuch": _("all files together have at most %(megabytes)s MB."),
    "notOffered": _("%(name)s, not offered any more"),
    # People
    "private": _("Private"),
    "forProject": _("Project: %(name)s"),
    "you": _("%(name)s (you)"),
    "mayRead": _("may read"),
    "mayWrite": _("may write"),
    "takeBack": _("Stop sharing with %(name)s"),
    # The list of chats
    "noChats": _("No chat has this in its title."),
}
COUNTED: dict[str, Any] = {
    "waitingFor": ngettext_lazy(
        "Waiting: %(count)s answer before yours", "Waiting: %(count)s answers before yours", "count"
    ),
    "usingMany": ngettext_lazy("Using %(count)s tool", "Using %(count)s tools", "count"),
    "offlineWaits": ngettext_lazy(
        "You are offline. %(count)s message waits.", "You are offline. %(count)s messages wait.", "count"
    ),
    "manyWriting": ngettext_lazy("%(count)s person is writing", "%(count)s people are writing", "count"),
    "people": ngettext_lazy("%(count)s person", "%(count)s people", "count"),
    "tokens": ngettext_lazy("%(count)s token", "%(count)s tokens", "count"),
    "answerReadyLong": ngettext_lazy("Answer ready, %(count)s word", "Answer ready, %(count)s words", "count"),
    "tooLong": ngettext_lazy(
        "At most %(count)s character fits. Shorten it, or send it in parts.",
        "At most %(count)s characters fit. Shorten it, or send it in parts.",
        "count",
    ),
    "usedMany": ngettext_lazy("Used %(count)s tool", "Used %(count)s tools", "count"),
    "failedMany": ngettext_lazy("%(count)s failed", "%(count)s failed", "count"),
    "tooBig": ngettext_lazy("at most %(count)s character fits.", "at most %(count)s characters fit.", "count"),
    "tooManyFiles": ngettext_lazy("at most %(count)s file fits.", "at most %(count)s files fit.", "count"),
    "pasted": ngettext_lazy("You pasted %(count)s character.", "You pasted %(count)s characters.", "count"),
    "left": ngettext_lazy("%(count)s character left", "%(count)s characters left", "count"),
    "over": ngettext_lazy("%(count)s character too many", "%(count)s characters too many", "count"),
}
# Why an answer that is over is not longer.
ENDS: dict[str, Any] = {
    "length": _("The answer was cut: it reached the model's length limit."),
    "content_filter": _("The provider's content filter ended this answer."),
    "other": _("Ended, for a reason that the model provider did not explain."),
    "max_turns": _("Ended: it asked the model as often as it may in one answer."),
    "max_calls": _("Ended: it used as many tools as it may in one answer."),
    "max_output_tokens": _("Ended: it wrote as much as it may in one answer."),
    "max_identical_calls": _("Ended: it asked for the same tool again and again."),
    "max_invalid_calls": _("Ended: it asked for tools in a way that could not be run."),
    "timeout_s": _("Ended: it took as long as an answer may."),
    "max_text_bytes": _("Ended: it grew as long as an answer may."),
    "max_argument_bytes": _("Ended: it asked for a tool with more than a tool may be given."),
}

# Why an answer failed: the sentences of agents.errors, by their code.
FAILURES: dict[str, Any] = {
    "upstream_auth": _("The model provider refused our credentials. An operator must check its key."),
    "upstream_invalid": _("The model provider refused the request."),
    "upstream_not_found": _("The model provider does not know this model."),
    "upstream_rate_limited": _("The model provider is receiving too many requests. Try again later."),
    "upstream_unavailable": _("The model provider is not available. Try again later."),
    "upstream_timeout": _("The model provider did not answer in time."),
    "upstream_interrupted": _("The connection to the model provider broke off."),
    "upstream_incomplete": _("The model provider ended its answer before it was complete."),
    "upstream_malformed": _("The model provider sent something that could not be understood."),
    "upstream_error": _("The model provider reported an error."),
    "no_rights": _("Whom the run acts for may not do this here any more."),
    "quota_exceeded": _("The organization's token budget does not cover the next turn."),
    "limit": _("The run met one of its limits."),
    "poison": _("The run ended its process three times and is not tried again."),
    "storage": _("The run's events could not be stored."),
    "internal": _("Something went wrong on our side."),
}
# What failures say where more is known: the sentences of agents/providers and chat/runner, with their open places.
SENTENCES: tuple[Any, ...] = (
    _("The account at the model provider has no quota left."),
    _("The conversation is longer than the model can read."),
    _("The model provider could not read a picture: %(names)s. Later requests leave it out."),
    _("The model provider's content filter refused the request."),
    _("The model provider answered with a redirect, which is not followed."),
    _("The model provider answered with a web page. An operator must check its address."),
    _("The model provider's certificate is not valid."),
    _("The model provider compressed its answer, which was not asked for."),
    _("The model provider sent a line that is too long."),
    _("The model provider sent an event that is too long."),
    _("The model provider cannot be reached with these settings: %(names)s"),
    _("The model provider sent a reply that is too long."),
    _("The model provider sent tool arguments that are too long."),
    _("The result is longer than %(most)s bytes."),
    _("Unknown archetype %(name)s; there are: %(names)s."),
)
# Why the server did not do what the page asked, by the code of its answer. `invalid` is also of the codes that are not
# here: it leads to what the server says, which is English, so in English nothing leads to it.
REFUSALS: dict[str, Any] = {
    "invalid": _("%(message)s"),
    "bad_request": _("The request did not arrive as it was sent. Load the page again."),
    "too_slow": _("It took too long to arrive. Try again, or send fewer files."),
    "which_organization": _("You belong to several organizations: choose the one it is for."),
    "changed_meanwhile": _("What this belongs to has just been changed or deleted. Look again."),
    "chat_archived": _("The chat is archived. Make it active to write in it."),
    "conflict": _("That cannot be done now."),
    "gone": _("That is not kept any more."),
    "idempotency_key_reused": _("It was sent before in another form. Try again."),
    "message_deleted": _("The message was deleted."),
    "not_waiting": _("The run does not wait for a decision any more."),
    "nothing_to_answer": _("There is no message that this answers."),
    "quota_exceeded": _("Your organization's token budget does not cover another answer."),
    "run_live": _("An answer is still being written. Stop it, or wait for its end."),
    "run_open": _("An answer is still being written. Stop it, or wait for its end."),
    "too_large": _("It is too large to be sent. Shorten it, or send fewer files."),
}


class Counted(int):
    """A count as people read it: 1,204."""

    def __str__(self) -> str:
        return str(number_format(int(self), force_grouping=True))


class _Sample(int):
    """A count that leaves its place open."""

    def __str__(self) -> str:
        return "%(count)s"


def say(name: str, /, **values: Any) -> str:
    """One of the sentences, with its names filled in; a counted one by its `count`."""
    if name in COUNTED:
        return str(COUNTED[name] % {"count": Counted(values["count"])})
    return str(TEXTS[name]) % values if values else str(TEXTS[name])


def for_scripts() -> dict[str, Any]:
    """All of them as JSON: a text, or a counted one's forms by CLDR's class."""
    return {name: str(text) for name, text in TEXTS.items()} | {
        **{name: _forms(text) for name, text in COUNTED.items()},
        "ends": {name: str(text) for name, text in ENDS.items()},
        "failures": {code: str(text) for code, text in FAILURES.items() if str(text) != CODES[code]},
        "sentences": {english: said for english, text in _sentences().items() if (said := str(text)) != english},
        "refusals": {code: str(text) for code, text in REFUSALS.items()},
    }


def failure(code: str, message: str) -> str:
    """Why an answer failed, in the reader's language; static/chat/words.js says the same.

    A sentence that is not known here stays English, behind the one of its code. An unknown code has the message alone.
    """
    known = _known(message)
    if known:
        return known
    said = str(FAILURES.get(code, ""))
    return " ".join(filter(None, (said, message))) if said and said != CODES[code] else message


def _known(message: str) -> str:
    """A failure's sentence in the reader's language, with its names filled in; "" for one that is not known."""
    for pattern, text in _patterns():
        if found := pattern.fullmatch(message):
            return str(text) % found.groupdict() if found.groupdict() else str(text)
    return ""


@cache
def _sentences() -> dict[str, Any]:
    """What failures say, by its English."""
    with override(None):
        specific = {str(text): text for text in SENTENCES}
    return {CODES[code]: text for code, text in FAILURES.items() if code in CODES} | specific


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Any], ...]:
    """Each of them as it looks with its names filled in."""
    return tuple((re.compile(_filled(english), re.DOTALL), text) for english, text in _sentences().items())


def _filled(text: str) -> str:
    return re.sub(r"%\\\((\w+)\\\)s", r"(?P<\1>.+?)", re.escape(text))


def _forms(text: Any) -> dict[str, str]:
    forms = {kind: str(text % {"count": _Sample(number)}) for kind, number in SAMPLES.items()}
    return {kind: form for kind, form in forms.items() if kind == "other" or form != forms["other"]}
