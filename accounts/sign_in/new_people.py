"""What an address and a password must be, for what makes people: commands, identity providers."""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, validate_email

from accounts.errors import Invalid

MOST_CHARS = 254  # of an address, as the column holds


def checked_email(email: str) -> str:
    """The address in lower case. Raises Invalid if it is none."""
    try:
        validate_email(email)
        MaxLengthValidator(MOST_CHARS)(email)
    except ValidationError as error:
        raise Invalid(f"{email!r} is no e-mail address.", fields={"email": error.messages}) from error
    return email.lower()


def weakness(password: str) -> str:
    """What is wrong with a password, in sentences; empty for a good one."""
    try:
        validate_password(password)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""
