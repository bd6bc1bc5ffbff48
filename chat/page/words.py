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
from chat.page.faults import EXPECTED, FIELDS, KINDS, PAGES

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
    "asksOther": _("%(model)s did not answer. Asking %(next)s"),
    "resetting": _("Starting this part again"),
    "reconnecting": _("Connection lost. Reconnecting"),
    "offline": _("You are offline. What you send waits here."),
    "tooMany": _("Too many at once. Sends in %(seconds)s s."),
    "tooManyNow": _("Too many at once. Try again in %(seconds)s s."),
    "tooOften": _("That was a lot in a short time. Sends in %(seconds)s s."),
    "tooOftenNow": _("That was a lot in a short time. Try again in %(seconds)s s."),
    "unreachable": _("The server does not answer. Your message waits here and is sent again."),
    "signedOut": _("You are signed out. Your text is kept here."),
    "signInAtPage": _("To write here, sign in on this page."),
    # Above it
    "step": _("Step %(index)s of %(total)s: %(name)s"),
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
    # Under a message that is not sent yet
    "waits": _("Waits"),
    "waitsForNetwork": _("Waits for the network"),
    "waitsUntil": _("Waits. Next try in %(seconds)s s"),
    "triesAgain": _("Trying again"),
    "cancelling": _("Cancelling"),
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
    "source": _("Source %(n)s: %(title)s"),
    "sourcePage": _("page %(page)s"),
    "sourceUntitled": _("A document"),
    "result": _("Result"),
    "error": _("Error"),
    "stoppedByYou": _("Stopped by you"),
    "about": _("about %(tokens)s"),
    "atLeast": _("at least %(amount)s"),
    "workWaits": _("What it began waits for its turn."),
    "workGoesOn": _("What it began is being worked on."),
    "workFailed": _("What it began has failed."),
    "workStopped": _("What it began was stopped."),
    "buildWaits": _("%(name)s waits for its turn to be built."),
    "buildGoesOn": _("%(name)s is being built."),
    "buildTries": _("%(name)s is being built: attempt %(attempt)s of %(most)s."),
    "buildDone": _("%(name)s is built."),
    "buildFailed": _("%(name)s was not built."),
    "buildStopped": _("Building %(name)s was stopped. Nothing was written."),
    "showCode": _("Show code"),
    "hideCode": _("Hide code"),
    "notReadable": _("could not be read, and is not shown to the model"),
    "notShownTo": _("not shown to %(models)s, which cannot take it"),
    "demoFor": _("demo for %(model)s"),
    "inPlaceOf": _("%(model)s in place of %(asked)s"),
    "newFrom": _("New message from %(name)s"),
    "copied": _("Copied"),
    "notCopied": _("This browser does not let the page copy: select the text and copy it by hand."),
    "allowedBy": _("Allowed by %(who)s"),
    "deniedBy": _("Denied by %(who)s"),
    "nobodyDecided": _("Nobody answered; it counts as denied."),
    "somebody": _("somebody else"),
    "wantsToRun": _("%(name)s wants to run"),
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
    "cost": _("Cost"),
    "backToLatest": _("Back to the latest"),
    "jumpToLatest": _("Jump to latest"),
    "passageNotFound": _("These words are not in the message, one after the other."),
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
    "compact": _("/compact Sum up older messages for the model"),
    "compacting": _("The older messages are being summed up."),
    "share": _("Who sees this chat"),
    "settings": _("Settings"),
    "agentIs": _("Agent: %(name)s"),
    "modelIs": _("Model: %(name)s"),
    "remove": _("Remove %(name)s"),
    "notAttached": _("%(name)s was not attached: %(why)s"),
    "emptyFile": _("it is empty."),
    "fileTooBig": _("it has %(megabytes)s MB, and at most %(most)s MB fit."),
    "heic": _("this browser does not show HEIC pictures. Save it as JPEG; a phone's camera has a setting for that."),
    "uploading": _("Uploading %(name)s"),
    "stopUploading": _("Stop uploading %(name)s"),
    "notUploaded": _("%(name)s is not uploaded yet. Try it again, or remove it."),
    "notFinished": _("%(name)s was not uploaded yet when the page was left. Attach it again."),
    "notKept": _("%(name)s is not kept any more. Attach it again."),
    "notYet": _("Do not send yet"),
    "fileGone": _("not kept any more"),
    "textPending": _("its text is being read"),
    "textFailed": _("Text could not be read: %(why)s"),
    "noText": _("There are no words in it."),
    "recordingOf": _("Recording of %(when)s"),
    "recordingFull": _("The recording has ended: it may last %(minutes)s minutes."),
    "noMicrophone": _("There is no microphone here, or this page may not use it. The browser's settings say."),
    "asFile": _("Attach as a file"),
    "picture": _("Picture"),
    "notOffered": _("%(name)s, not offered any more"),
    "notInPlan": _("not in the plan %(plan)s"),
    "modelOutside": _("%(name)s is not in the organization's plan. Choose another model for this chat."),
    "modelGone": _("%(name)s is not offered any more. Choose another model for this chat."),
    "leftOut": _("%(name)s does not take this, so it was left out: %(names)s."),
    "goOnWith": _("Go on with %(name)s"),
    "noPictures": _("%(name)s does not see pictures. Choose a model that does."),
    "picturesInWords": _("%(name)s does not see pictures: it is told in words that there are some."),
    # A project's document
    "documentVersion": _("Version %(version)s"),
    "documentAbout": _("Version %(version)s, by %(who)s, %(when)s"),
    "documentNew": _("Nobody has changed it yet."),
    "documentBy": _("%(who)s, %(when)s"),
    "documentByAgent": _("an agent for %(who)s, %(when)s"),
    "documentAs": _("as version %(version)s"),
    "documentBroken": _("This is no JSON yet: see line %(line)s, column %(column)s."),
    "documentChanged": _("%(who)s has changed it: this is version %(version)s."),
    "documentConflict": _(
        "%(who)s has changed the document: version %(version)s, %(when)s. Your text was begun at version %(base)s."
    ),
    "documentBoth": _("If you save now, your text takes the place of version %(version)s."),
    "documentSaved": _("Saved as version %(version)s."),
    "documentBack": _("It is as version %(to)s was; that makes version %(version)s."),
    "documentUnsaved": _("Your text is not saved yet: save it, or drop your changes."),
    "changedDocument": _("Changed the document: %(places)s, version %(version)s"),
    "openedPull": _("Opened pull request #%(number)s"),
    "renewedPull": _("Renewed pull request #%(number)s"),
    # People
    "private": _("Private"),
    "forProject": _("Project: %(name)s"),
    "you": _("%(name)s (you)"),
    "mayRead": _("may read"),
    "mayWrite": _("may write"),
    "takeBack": _("Stop sharing with %(name)s"),
    # The list of chats
    "nothingFound": _("Nothing was found."),
    "searchedInPart": _("That takes too long, and not all was looked through. Ask for more words."),
    "noTasks": _("There are no tasks in your projects."),
    "noChatsOfTask": _("No chat was about this task."),
}
COUNTED: dict[str, Any] = {
    "waitingFor": ngettext_lazy(
        "Waiting: %(count)s answer before yours", "Waiting: %(count)s answers before yours", "count"
    ),
    "annotations": ngettext_lazy("%(count)s annotation", "%(count)s annotations", "count"),
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
    "sendsWhen": ngettext_lazy(
        "Sends when %(count)s file is uploaded.", "Sends when %(count)s files are uploaded.", "count"
    ),
    "uploaded": ngettext_lazy("%(count)s file uploaded", "%(count)s files uploaded", "count"),
    "tooManyFiles": ngettext_lazy("at most %(count)s file fits.", "at most %(count)s files fit.", "count"),
    "pasted": ngettext_lazy("You pasted %(count)s character.", "You pasted %(count)s characters.", "count"),
    "documentMore": ngettext_lazy("Show %(count)s more", "Show %(count)s more", "count"),
    "places": ngettext_lazy("%(count)s place", "%(count)s places", "count"),
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
    "budget": _("Ended: what may be used here did not cover another step."),
    "timeout_s": _("Ended: it took as long as an answer may."),
    "max_text_bytes": _("Ended: it grew as long as an answer may."),
    "max_argument_bytes": _("Ended: it asked for a tool with more than a tool may be given."),
}

# Why an answer failed: the sentences of agents.errors, by their code.
FAILURES: dict[str, Any] = {
    "upstream_auth": _("The model provider refused our credentials. An operator must check its key."),
    "upstream_credit": _("The account at the model provider has no credit left. An operator must add some."),
    "upstream_invalid": _("The model provider refused the request."),
    "upstream_context": _(
        "The conversation is longer than the model can read. Begin a new chat, or choose a model that reads more."
    ),
    "upstream_tools": _("This model cannot use tools. Choose another model."),
    "upstream_moderation": _("The model provider's content filter refused the request. Say it in other words."),
    "upstream_not_found": _("The model provider does not know this model. Choose another model."),
    "upstream_rate_limited": _("The model provider is receiving too many requests. Try again later."),
    "upstream_overloaded": _("The model provider has too much to do. Try again later, or choose another model."),
    "upstream_unavailable": _("The model provider is not available. Try again later."),
    "upstream_timeout": _("The model provider did not answer in time."),
    "upstream_interrupted": _("The connection to the model provider broke off."),
    "upstream_incomplete": _("The model provider ended its answer before it was complete."),
    "upstream_malformed": _("The model provider sent something that could not be understood."),
    "upstream_error": _("The model provider reported an error."),
    "output_invalid": _("The model's answer does not fit the schema that was asked for."),
    "no_rights": _("Whom the run acts for may not do this here any more."),
    "plan_model": _("The organization's plan does not include this model."),
    "remote_auth": _("The git server asks for a token, or does not take this one."),
    "remote_not_found": _("There is no such repository or branch at the git server."),
    "remote_refused": _("This repository may not be fetched."),
    "remote_unavailable": _("The git server cannot be reached, or broke off. Try again later."),
    "remote_too_large": _("The repository is larger than is taken."),
    "remote_invalid": _("What the git server sent is no history that can be taken."),
    "diverged": _("The branch has commits here that it has not there, and the other way round."),
    "tool_missing": _("The step of the workflow needs a tool that its agent does not have here."),
    "quota_exceeded": _("The budget does not cover the next turn."),
    "document_gone": _("The document was deleted meanwhile."),
    "document_unreadable": _("The document cannot be read."),
    "document_too_large": _("The document is longer than is taken. Divide it."),
    "knowledge_full": _("The project has as many documents or passages as it may."),
    "mcp_sign_in": _("Sign in at the MCP server first, or again."),
    "mcp_auth": _("The MCP server asks for a token, or does not take this one."),
    "mcp_refused": _("This MCP server may not be asked."),
    "mcp_unavailable": _("The MCP server cannot be reached, or broke off. Try again later."),
    "mcp_invalid": _("What the MCP server answered cannot be taken."),
    "embeddings_failed": _("The server of the embeddings did not do its part. Try again later."),
    "build_failed": _("The component was not built, and nothing was written."),
    "limit": _("The run met one of its limits."),
    "poison": _("The run ended its process three times and is not tried again."),
    "storage": _("The run's events could not be stored."),
    "internal": _("Something went wrong on our side."),
}
# What may be chosen of an answer, by its name in the API.
CHOICES: dict[str, Any] = {
    "temperature": _("temperature"),
    "effort": _("how much it reasons"),
    "tools": _("tools"),
    "output": _("the form of the answer"),
}
# What one can do about it, where the sentence itself does not say it.
ADVICE: dict[str, Any] = {
    "upstream_invalid": _("Ask in another way, or choose another model."),
    "upstream_timeout": _("Try again, or choose another model."),
    "upstream_interrupted": _("What had come is kept. Try again."),
    "upstream_incomplete": _("What had come is kept. Try again."),
    "upstream_malformed": _("Try again, or choose another model."),
    "upstream_error": _("Try again, or choose another model."),
    "no_rights": _("Ask whoever owns the chat."),
    "plan_model": _("Choose another model. Whoever runs this installation can give the organization another plan."),
    "quota_exceeded": _("Who administers the organization can raise it."),
    "limit": _("Ask for less at once."),
    "poison": _("Ask in another way. An operator sees on the run's page how it ended."),
    "storage": _("Try again in a moment."),
    "internal": _("Try again. An operator finds it in the server's log."),
}
# What failures say where more is known: the sentences of agents/providers and chat/runner, with their open places.
SENTENCES: tuple[Any, ...] = (
    _("What was built may not be written: a policy does not allow it, or who allowed it may not do so any more."),
    _("A person has to allow what is written to the project now, and nobody has allowed this build."),
    _("The file %(path)s was changed meanwhile."),
    _("The model provider has nothing at this address. An operator must check it."),
    _("The request is larger than the model provider takes at once."),
    _("The model provider could not read a picture: %(names)s. Later requests leave it out."),
    _("The model provider could not read a file: %(names)s. Later requests leave it out."),
    _("The model provider answered with a redirect, which is not followed."),
    _("The model provider answered with a web page. An operator must check its address."),
    _("The model provider does not know the Responses API. An operator must choose the chat API for this model."),
    _("The model provider's certificate is not valid."),
    _("The model provider compressed its answer, which was not asked for."),
    _("The model provider sent a line that is too long."),
    _("The model provider sent an event that is too long."),
    _("The model provider cannot be reached with these settings: %(names)s"),
    _("The model provider sent a reply that is too long."),
    _("The model provider sent tool arguments that are too long."),
    _("The model's server is at an address that may not be asked. An operator can allow it by OUTWARD_ALLOW."),
    _("The model %(name)s is not offered any more; its successor is %(successor)s."),
    _("The plan %(plan)s does not include %(model)s. It includes: %(names)s."),
    _("The plan %(plan)s does not include %(name)s. Ask whoever runs this installation for another plan."),
    _("The result is longer than %(most)s bytes."),
    _("The server that writes down recordings took too long."),
    _("The server that writes down recordings sent no text."),
    _("The server that writes down recordings could not read this one."),
    _("The server that writes down recordings takes none as large as this one."),
    _("The server that writes down recordings has too much to do now."),
    _("The server that writes down recordings refused it (status %(status)s)."),
    _("Unknown archetype %(name)s; there are: %(names)s."),
    _("Switched off: whose schedule it is may not write there any more."),
    _("Switched off: it is never due again."),
    _("Switched off: its times or its time zone cannot be read any more."),
    _("Switched off by an operator."),
    # Said by earlier versions, and in their logs:
    _("The account at the model provider has no quota left."),
    _("The conversation is longer than the model can read."),
    _("The model provider does not know this model."),
    _("The model provider's content filter refused the request."),
)
# Why the server did not do what the page asked, by the code of its answer. `invalid` is also of the codes that are not
# here: it leads to what the server says, which is English, so in English nothing leads to it.
REFUSALS: dict[str, Any] = {
    "invalid": _("%(message)s"),
    "bad_request": _("The request did not arrive as it was sent. Load the page again."),
    "too_slow": _("It took too long to arrive. Try again, or send fewer files."),
    "which_organization": _("You belong to several organizations: choose the one it is for."),
    "changed": _("This is not the call that was shown. Look at it again."),
    "changed_meanwhile": _("What this belongs to has just been changed or deleted. Look again."),
    "chat_archived": _("The chat is archived. Make it active to write in it."),
    "command_not_allowed": _("This command may not be used here: /help lists those that may."),
    "conflict": _("That cannot be done now."),
    "holds_confidential": _("This chat holds something more confidential than everybody who would read it may."),
    "holds_character": _("This chat is with a character that not everybody may use: a link would show it to others."),
    "links_off": _("Links to chats are switched off here. An admin of the organization can allow them."),
    "links_members": _(
        "The rules of the organization let links open to its members only. An admin of it can change that."
    ),
    "too_many_links": _("This chat has as many links as it may. End one first."),
    "chat_empty": _("There is nothing in this chat yet."),
    "not_open": _("It is not open any more."),
    "conflicts": _("Both sides changed the same lines."),
    "too_large_to_merge": _("Both sides changed files that are too large to be merged here. Merge it elsewhere."),
    "push_too_large": _("There is more to push than one push may hold."),
    "base_moved": _("The branch that it goes into has moved. Look again, then try again."),
    "head_moved": _("It was renewed since you looked at it. Look again."),
    "at_forge": _("It is at the forge. Merge or close it there."),
    "branch_gone": _("What was put forward is not in the repository any more."),
    "nothing_to_propose": _("The chat's branch has no changes to put forward."),
    "branch_moved": _("The branch at the remote has commits that are not here. Nothing was overwritten."),
    "branch_protected": _("The remote does not let the branch be pushed."),
    "base_missing": _("The remote has no branch of this name to merge into."),
    "forge_auth": _("The remote's server does not know the project's token."),
    "forge_forbidden": _("The remote's server does not let the project's token do this."),
    "forge_not_found": _("The remote's server has no such repository, or the project's token may not see it."),
    "forge_moved": _("The repository has moved at the remote's server."),
    "forge_rate_limited": _("The remote's server takes no more requests for now. Try again later."),
    "forge_invalid": _("The remote's server refused it."),
    "forge_unavailable": _("The remote's server does not answer as it should. Try again later."),
    "document_too_large": _("The document would be too large."),
    "gone": _("That is not kept any more."),
    "idempotency_key_reused": _("It was sent before in another form. Try again."),
    "message_deleted": _("The message was deleted."),
    "not_waiting": _("The run does not wait for a decision any more."),
    "not_by_key": _("Only a person who has signed in may answer this."),
    "nothing_to_compact": _("There is nothing to sum up: the newest messages always stay."),
    "work_under_way": _("That is being done already."),
    "nothing_to_answer": _("There is no message that this answers."),
    "only_theirs": _(
        "Only whoever the answer is written for may allow this: it is done with their rights. You may deny it."
    ),
    "policy_exists": _("There is a rule for these tools and this role here already: change that one."),
    "price_unknown": _(
        "Nobody has said what this model costs, and a budget in money holds here. Choose another model."
    ),
    "quota_exceeded": _("Your organization's budget does not cover another answer."),
    "quota_exceeded.key": _("The API key's budget does not cover another answer."),
    "quota_exceeded.project": _("The project's budget does not cover another answer."),
    "quota_exceeded.user": _("Your budget does not cover another answer."),
    "run_live": _("An answer is still being written. Stop it, or wait for its end."),
    "run_open": _("An answer is still being written. Stop it, or wait for its end."),
    "too_many_schedules": _("You have as many schedules as one person may have. Delete one first."),
    "tool_needs_more": _(
        "To allow this call one needs what its tool needs here, and your role does not include it. You may deny it."
    ),
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
        "choices": {name: str(text) for name, text in CHOICES.items()},
        "advice": {CODES[code]: str(text) for code, text in ADVICE.items()},
        "sentences": _translated(_sentences()),
        "kinds": _translated(_by_english(KINDS)),
        "fields": {name: str(text) for name, text in FIELDS.items()},
        "refusals": {code: str(text) for code, text in REFUSALS.items()},
    }


def failure(code: str, message: str) -> str:
    """Why an answer failed, in the reader's language; static/chat/words.js says the same.

    A sentence that is not known here stays English, behind the one of its code. An unknown code has the message alone.
    """
    if known := _known(message):
        return known
    said = str(FAILURES.get(code, ""))
    return " ".join(filter(None, (said, message))) if said and said != CODES[code] else message


def fault(message: str) -> str:
    """What went wrong, in the reader's language where it is known here, else in English."""
    return _known(message) or message


def advice(message: str) -> str:
    """What one can do about a failure that says this; "" where its sentence says it, or nobody knows."""
    return next((str(text) for code, text in ADVICE.items() if CODES[code] == message), "")


def _known(message: str) -> str:
    """A failure's sentence in the reader's language, with its names filled in; "" for one that is not known."""
    for pattern, text in _patterns():
        if found := pattern.fullmatch(message):
            filled = {name: str(_kinds().get(value, value)) for name, value in found.groupdict().items()}
            return str(text) % filled if filled else str(text)
    return ""


@cache
def _kinds() -> dict[str, Any]:
    """What a file is, by its English: it stands in other sentences."""
    return _by_english(KINDS)


@cache
def _sentences() -> dict[str, Any]:
    """What failures and refusals say, by its English."""
    general = {CODES[code]: text for code, text in FAILURES.items() if code in CODES}
    return general | _by_english((*SENTENCES, *EXPECTED, *PAGES))


def _by_english(texts: tuple[Any, ...]) -> dict[str, Any]:
    with override(None):
        return {str(text): text for text in texts}


def _translated(texts: dict[str, Any]) -> dict[str, str]:
    """Those that the reader's language says in another way."""
    return {english: said for english, text in texts.items() if (said := str(text)) != english}


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Any], ...]:
    """Each of them as it looks with its names filled in."""
    return tuple((re.compile(_filled(english), re.DOTALL), text) for english, text in _sentences().items())


def _filled(text: str) -> str:
    return re.sub(r"%\\\((\w+)\\\)s", r"(?P<\1>.+?)", re.escape(text))


def _forms(text: Any) -> dict[str, str]:
    forms = {kind: str(text % {"count": _Sample(number)}) for kind, number in SAMPLES.items()}
    return {kind: form for kind, form in forms.items() if kind == "other" or form != forms["other"]}
