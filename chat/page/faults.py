"""What the server finds wrong with what a person sent, for pages in another language than English.

The API says these in English, whatever is asked. A page knows them by that English, with their open places, and says
them in the reader's language; tests/chat/test_words.py holds this list against the modules that say them.
"""

from typing import Any

from django.utils.translation import gettext_lazy as _

# What people call the fields; the number of a file is put behind its name.
FIELDS: dict[str, Any] = {
    "content": _("Message"),
    "attachments": _("File"),
    "title": _("Title"),
    "model": _("Model"),
    "archetype": _("Agent"),
    "project": _("Project"),
    "organization": _("Organization"),
    "user": _("Person"),
    "sharing": _("Who sees this chat"),
    "reason": _("Reason"),
    "decision": _("Decision"),
    "scope": _("Scope"),
    "digest": _("Digest"),
    "input": _("Answer"),
    "parent": _("Earlier message"),
    "prompt": _("Message to send"),
    "cron": _("Cron expression"),
    "time_zone": _("Time zone"),
}
# What was expected of a field. Of two that fit a sentence the first counts, so the longer one stands first.
EXPECTED: tuple[Any, ...] = (
    _("Expected a text of 1 to %(most)s characters."),
    _("Expected a text of at most %(most)s characters."),
    _("Expected at most %(most)s characters; these are %(count)s."),
    _("Expected at most %(most)s characters as JSON."),
    _("Expected at most %(most)s; these are %(count)s."),
    _("Expected no NUL characters."),
    _("Expected a level of at most %(most)s, which is as far as your role reads."),
    _("Expected a language such as de or pt-BR."),
    _("Expected no line breaks and no control characters."),
    _("Expected a file of at most %(most)s bytes."),
    _("Expected a text of at most %(most)s bytes. Divide it."),
    _(
        "Only a part of the file can be read: its text is too long, or pages take too long or are damaged. "
        "Divide the file."
    ),
    _("Expected a text in UTF-8. Save it as UTF-8."),
    _("Expected a text with something in it."),
    _("A project keeps at most %(most)s documents. Delete some."),
    _("Choose a file."),
    _("It was stopped."),
    _("Expected no lone surrogates: send well-formed Unicode."),
    _("Expected none: a command reads no files. Begin with // to send it as a text."),
    _("Expected /%(name)s with nothing behind it. Begin with // to send it as a text."),
    _("Expected /%(name)s %(what)s, of %(least)s to %(most)s characters."),
    _("Expected no line breaks, control characters or marks that turn the direction of writing."),
    _(
        "The chat's model %(name)s is not offered any more. "
        "Choose another one for the chat: its successor is %(successor)s."
    ),
    _("The model %(name)s is not offered any more. Choose another one: its successor is %(successor)s."),
    _(
        "The chat's model %(name)s is not offered any more. Choose another one for the chat; "
        "expected one of: %(names)s."
    ),
    _("Expected other names than the agent's own: %(names)s."),
    _("Expected one of: %(names)s."),
    _("Expected null, or a list of at most %(most)s names of models, each once."),
    _("Expected a number from 0 to 2."),
    _("Expected a JSON object."),
    _("Expected a list of {type, id}, {type, name, content} or {type, name, url}."),
    _("Expected an object {type, id}, {type, name, content} or {type, name, url}."),
    _("Unknown field. Expected type, name and content or url."),
    _("Expected one of id, content and url."),
    _("Expected true or false."),
    _("An image comes by url: https: or a data: URL."),
    _("A sound comes by url: a base64 data: URL."),
    _("Expected an https: address, or a base64 data: URL: of an image (%(kinds)s), a PDF, a WAV or an MP3."),
    _("Expected a base64 data: URL (WAV or MP3): sounds are not fetched."),
    _("Expected a list of texts, or nothing: it is told, not asked."),
    _("Unknown field. Expected type and id, and no content or url."),
    _("Expected the id that POST /api/attachments/ gave."),
    _("Expected %(type)s: that is what it is."),
    # of files whose text is read: tools/parsing
    _("The file is empty."),
    _("The file has %(count)s bytes, and at most %(most)s are read."),
    _("The file takes too long to be read."),
    _("The file cannot be read: it is damaged, or needs more than may be used for it."),
    _("The file cannot be read: nothing sound came of it."),
    _("There is no text in it."),
    _("There is no text in this PDF: its pages are pictures. Recognize their text (OCR) first."),
    _("This PDF is damaged: it cannot be read."),
    _("This PDF has a password: save it without one."),
    _("This PDF takes too long to be read: divide it."),
    _("This PDF has %(count)s pages, and at most %(most)s are read: divide it."),
    _("This is a ZIP file and no Word file (.docx)."),
    _("This Word file is damaged: it cannot be read."),
    _("This Word file unpacks to more than the %(most)s bytes that are taken."),
    _("This file has a password: save it without one."),
    _("This is an old Office file, or one with a password: save it as .docx without one."),
    _("Its first bytes say that it is in %(charset)s, and it is not."),
    _("This is no text. Expected a PDF, a Word file (.docx), a web page, Markdown or plain text."),
    _(
        "This is %(kind)s: there is no text in it. "
        "Expected a PDF, a Word file (.docx), a web page, Markdown or plain text."
    ),
    _("The image cannot be read: it is damaged or cut off."),
    _("The image cannot be read: it is damaged, or its header is cut off."),
    _("The image takes too long to be read. Save it anew, or make it smaller."),
    _("The image cannot be read: it is damaged, or needs more than may be used for it."),
    _("This is %(kind)s. Expected %(kinds)s: convert it first."),
    _("%(name)s: this is %(kind)s. Expected %(kinds)s: convert it first."),
    _("This is %(kind)s. Expected %(kinds)s."),
    _("%(name)s: this is %(kind)s. Expected %(kinds)s."),
    _("Expected somebody else: the chat is this person's own."),
    _("Expected private: the chat is in no project."),
    _("Expected the id of a message of this chat, or null for its beginning."),
    _("The name %(name)s may not be used: scripts would take it for something else."),
    _("Expected once: a denial holds for this very call."),
    _("Expected once: what is answered holds for this very call."),
    _("Expected none: a denial has none, and neither has a call that asks for nothing."),
    _("Expected at most %(most)s bytes of JSON."),
    _("Expected once: a call that deletes something, or sends something out, is allowed one at a time."),
    _("Expected the digest of the approval.requested event, or none."),
    _("Expected a tool's name, such as write_file, or the beginning of names and a star, such as github_*."),
    _("Expected ask or deny: a project's rule only makes what holds in its organization stricter."),
    _("Expected five fields of cron, such as 30 9 * * 1-5: minute, hour, day, month, day of the week."),
    _("Expected an expression that comes due: this one never does."),
    _("Expected at least %(most)s seconds from one time to the next."),
    _("Expected the name of a time zone, such as Europe/Berlin."),
    _("Expected one of chat, project and organization."),
    _("Expected a title: each time begins a chat that is called so."),
    # Django REST framework's own
    _("This field is required."),
    _("This field may not be blank."),
    _("This field may not be null."),
    _("Not a valid string."),
    _("Must be a valid UUID."),
    _("Ensure this field has no more than %(most)s characters."),
)
# Which files are taken, and what one is instead: tools/pictures.py, chat/services/attachments.py.
KINDS: tuple[Any, ...] = (
    _("PNG, JPEG, GIF or WebP"),
    _("WAV or MP3"),
    _("a PDF, or a text in content"),
    _("a picture"),
    _("nothing that is known here"),
    _("a HEIC picture"),
    _("an AVIF picture"),
    _("a BMP picture"),
    _("a TIFF picture"),
    _("an icon (ICO)"),
    _("a JPEG XL picture"),
    _("a Photoshop file"),
    _("a PDF"),
    _("a ZIP file or an office document"),
    _("a packed file"),
    _("a sound (WAV)"),
    _("a sound (MP3)"),
    _("a sound (FLAC)"),
    _("a sound (Ogg)"),
    _("a film (AVI)"),
    _("a film (WebM)"),
    _("a film (MP4)"),
    _("an SVG drawing"),
    _("a web page"),
    _("no picture that is known here"),
    _("not in base64"),
    _("no valid base64"),
    _("empty"),
    _("a picture of %(width)s × %(height)s pixels, and at most %(most)s a side are taken"),
)
# What a page of its own says, as when a form is too old.
PAGES: tuple[Any, ...] = (
    _("The request is not valid."),
    _("The request is malformed."),
    _("Sign in first: send a bearer token or a session."),
    _("Your role does not include this."),
    _("There is no such thing, or you may not see it."),
    _("That cannot be done now."),
    _("That is not kept any more."),
    _("Too many at once. Try again later."),
    _("Too many tries. Wait, then try again."),
    _("Too many uploads are under way. Try again in a moment."),
    _("Another upload to the project is under way. Try again in a moment."),
    _("Another upload is replacing the repository. Look at what is there when it has ended."),
    _("The service cannot reach its database. Try again in a moment."),
    _("This form is too old or came from elsewhere. Reload the page and try again."),
    _("This address does not take this method; the Allow header says which it takes."),
    _("The body is too large."),
    _("Passwords are closed for your address: sign in with your organization's identity provider."),
    _("Something went wrong on our side. If it stays so, tell us this id: %(id)s"),
    _(
        "This server is not set up to be opened by this name or address. Whoever runs it can add it to ALLOWED_HOSTS, "
        "or make it PARLEY_PUBLIC_URL."
    ),
)
