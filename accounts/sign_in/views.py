"""The pages for signing in and out."""

from typing import Any

from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext_lazy as _

from accounts.sign_in.cookies import forget_cookie
from accounts.sign_in.ended import end_of_request


class SignInForm(AuthenticationForm):
    """E-mail and password. Its limit on failures is accounts.backends'."""

    error_messages = AuthenticationForm.error_messages | {"invalid_login": _("E-mail or password is wrong.")}

    def __init__(self, request: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields["username"].label = _("E-mail")
        self.fields["username"].widget.input_type = "email"


class SignInView(views.LoginView):
    """GET and POST /login/"""

    form_class = SignInForm
    http_method_names = ("get", "head", "post", "options")  # Django's takes PUT for a POST
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The page. A cookie left from a token sign-in, perhaps somebody else's, would go before the session."""
        response = super().dispatch(request, *args, **kwargs)
        if request.method == "POST" and response.status_code == 302:
            forget_cookie(response)
        return response


class SignOutView(views.LogoutView):
    """POST /logout/"""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Back to the sign-in page, with no credential left in the browser, and none of a copied cookie's use."""
        if request.method == "POST":
            end_of_request(request)
        response = super().dispatch(request, *args, **kwargs)
        forget_cookie(response)
        return response
