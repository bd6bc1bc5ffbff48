"""The pages for signing in and out."""

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.errors import NotAllowed
from accounts.sign_in.cookies import forget_cookie, keep_language
from accounts.sign_in.ended import end_of_request


class SignInForm(AuthenticationForm):
    """E-mail and password. Its limit on failures is accounts.backends'."""

    error_messages = AuthenticationForm.error_messages | {"invalid_login": _("E-mail or password is wrong.")}

    def __init__(self, request: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields["username"].label = _("E-mail")
        self.fields["username"].widget.input_type = "email"

    def clean(self) -> dict[str, Any]:
        """What was sent. A closed password is said in the form, beside the way in that there is."""
        try:
            return super().clean()
        except NotAllowed as error:
            raise ValidationError(gettext(error.message), code=error.code) from error


class SignInView(views.LoginView):
    """GET and POST /login/"""

    form_class = SignInForm
    http_method_names = ("get", "head", "post", "options")  # Django's takes PUT for a POST
    redirect_authenticated_user = True
    providers_for: Callable[[str], Sequence[Any]] = staticmethod(lambda email: ())  # see accounts.urls

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The page. A cookie left from a token sign-in, perhaps somebody else's, would go before the session."""
        response = super().dispatch(request, *args, **kwargs)
        if request.method == "POST" and response.status_code == 302:
            forget_cookie(response)
            speak(request, response)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """What the page shows: the providers with a button; to whom a password is closed, those of their address."""
        context = super().get_context_data(**kwargs)
        form = context["form"]
        if form.has_error(NON_FIELD_ERRORS, "password_closed"):
            context["providers"] = self.providers_for(form.cleaned_data["username"])
        return context


def speak(request: HttpRequest, response: HttpResponseBase) -> None:
    """The browser speaks the language of who has signed in, unless one was chosen in it."""
    language = getattr(request.user, "language", "")
    if language and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
        keep_language(response, language)


class SignOutView(views.LogoutView):
    """POST /logout/"""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Back to the sign-in page, with no credential left in the browser, and none of a copied cookie's use."""
        if request.method == "POST":
            end_of_request(request)
        response = super().dispatch(request, *args, **kwargs)
        forget_cookie(response)
        return response
