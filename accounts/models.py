"""Who, and whose: people, organizations, projects and what each may do in them."""

import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.audit.models import AuditChain, AuditEntry  # noqa: F401  # Django finds its tables here
from accounts.folding import FoldedField, SavesFolded


class UserManager(BaseUserManager["User"]):
    """Makes users; the e-mail address is stored in lower case, so one address is one person."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a person who signs in with this address. Without a password nobody can sign in as them."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a person who may use the admin."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find by address, whatever case it was typed in."""
        return self.get(email=(username or "").strip().lower())


class User(SavesFolded, AbstractBaseUser, PermissionsMixin):
    """A person who signs in by e-mail."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(max_length=254, unique=True)  # in lower case; see UserManager
    name = models.CharField(max_length=150, blank=True)
    name_folded = FoldedField("name")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="May use the admin.")
    # Made for a caller without credentials: nobody can sign in as them. See accounts.sign_in.guests.
    is_guest = models.BooleanField(default=False, editable=False)
    # That mail to them is in, and their pages where the browser has chosen none; empty: what the browser asks for.
    language = models.CharField(max_length=10, blank=True, default="", db_default="")
    # Where a chat of theirs goes that names no organization: see accounts.organizations.choice.
    organization = models.ForeignKey(
        "Organization", models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    # How many they have ever made: deleting one gives no other. See ORGANIZATIONS_PER_PERSON.
    organizations_made = models.PositiveIntegerField(default=0, db_default=0)
    # Part of every token: raising it makes all tokens given out before worthless at once.
    token_version = models.PositiveIntegerField(default=0)
    # Part of every kept answer's key: raising it makes all that were kept for them unfindable. See chat.runner.kept.
    answers_generation = models.PositiveIntegerField(default=0, db_default=0)
    # Their account is closed, and the row says nothing of them any more: what else is theirs is being erased.
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    # The API key by which this very object came in, which narrows what they see. Of the request, never stored.
    key: "ApiKey | None" = None
    # The sign-in of the token by which they came in, likewise: see accounts.sign_in.ended.
    sign_in: uuid.UUID | None = None
    # How they stand with the limits on rates that their request was looked at for, by name: see chat.metering.rates.
    standings: Mapping[str, Any] = MappingProxyType({})
    # When that sign-in ends whatever is refreshed, in seconds since 1970; None: it does not. See accounts.sso.
    signed_in_until: int | None = None
    # The provider by whose word it began; None: by nobody's but their own.
    signed_in_by: uuid.UUID | None = None
    # What the request says of what was answered before: its Cache-Control.
    cache_control = ""

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = UserManager()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once")]
        indexes = [
            models.Index(fields=["created_at"], condition=Q(is_guest=True), name="user_guests"),
            models.Index(fields=["id"], condition=Q(name_folded__isnull=True), name="user_name_to_fold"),
        ]

    def __str__(self) -> str:
        return self.email

    def set_password(self, raw_password: str | None) -> None:
        """Take another password (the caller saves). All tokens given out before end with the old one."""
        super().set_password(raw_password)
        self.token_version += 1

    def check_password(self, raw_password: str | None) -> bool:
        """Whether it is theirs. An outdated hash is renewed, which is no change of password and ends no token."""

        def renew(raw: str) -> None:
            self.password = make_password(raw)
            self.save(update_fields=["password"])

        return check_password(raw_password, self.password, renew)

    def end_sessions(self) -> None:
        """Make all tokens and sessions given out before worthless, by us and by providers."""
        ExternalIdentity.objects.filter(user=self.pk).update(signed_out_at=timezone.now())
        type(self).objects.filter(pk=self.pk).update(token_version=F("token_version") + 1)
        self.refresh_from_db(fields=["token_version"])

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        # Django ends sessions whose hash has changed: so they end with the tokens.
        return salted_hmac(
            "accounts.models.User.session", f"{self.password} {self.token_version}", secret=secret, algorithm="sha256"
        ).hexdigest()

    def reaches(self, organization_id: uuid.UUID) -> bool:
        """Whether what they came in with reaches into this organization: an API key is for one only."""
        return self.key is None or self.key.organization_id == organization_id

    @property
    def display_name(self) -> str:
        """The name people see: the given one, else the part of the address before the @."""
        return self.name or self.email.partition("@")[0]


class SeersKey(Protocol):
    """Of an API key, what decides which rows are seen."""

    @property
    def organization_id(self) -> uuid.UUID:
        """The only organization it is for."""
        ...


class Seer(Protocol):
    """Whoever looks at rows. A rule of `visible_to` may ask them nothing else: its statement is kept, for everybody."""

    @property
    def pk(self) -> uuid.UUID:
        """The id of their User."""
        ...

    @property
    def key(self) -> SeersKey | None:
        """The API key by which they came in."""
        ...


class Role(models.TextChoices):
    """What a member is; `accounts.permissions` says what each may do."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"
    OWNER = "owner"


class OrganizationQuerySet(models.QuerySet["Organization"]):
    def visible_to(self, user: Seer) -> "OrganizationQuerySet":
        """Organizations the user is a member of; by an API key, only the key's own."""
        theirs = self.filter(memberships__user=user.pk, memberships__user__is_active=True)
        return theirs if user.key is None else theirs.filter(pk=user.key.organization_id)


class Organization(SavesFolded):
    """A customer: people, projects and chats belong to exactly one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=150)
    name_folded = FoldedField("name")
    plan = models.CharField(max_length=30, default="free")  # a Plan's name; of any other see accounts.plans
    # Models that answer where the chosen one cannot, in order; None: each model's own. Its rule stands in chat.
    fallbacks = models.JSONField(null=True, blank=True)
    timezone = models.CharField(max_length=64, default="UTC", db_default="UTC")  # IANA: where its days begin
    # It was deleted and nobody is a member any more, but something in it has to be kept for now.
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [
            models.Index(fields=["-created_at", "-id"]),
            models.Index(fields=["id"], condition=Q(name_folded__isnull=True), name="organization_name_to_fold"),
        ]

    def __str__(self) -> str:
        return self.name


class Plan(models.Model):
    """What organizations of this plan may use, as operators wrote it over what ships: accounts.plans says what that is.

    It is everybody's to read: `Organization.plan` names it.
    """

    name = models.CharField(max_length=30, primary_key=True)
    label = models.CharField(max_length=60)
    features = models.JSONField(default=list, blank=True)
    limits = models.JSONField(default=dict, blank=True)
    updated_at = models.DateTimeField(auto_now=True)
    models = models.JSONField(default=list, blank=True)  # the last: below it the name is this field's

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name


class MembershipQuerySet(models.QuerySet["Membership"]):
    def visible_to(self, user: Seer) -> "MembershipQuerySet":
        """Memberships of the organizations the user is a member of."""
        return self.filter(organization__in=Organization.objects.visible_to(user))


class Membership(models.Model):
    """A person's role in an organization."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.EDITOR)
    # The identity provider whose groups gave it, and may take it; None: a person did. A plain id: it outlives the row.
    source = models.UUIDField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [models.Index(fields=["-created_at", "-id"])]
        constraints = [models.UniqueConstraint(fields=["organization", "user"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.organization}: {self.role}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store it. Where a person's chats go is the first organization that they join, also when they join more."""
        is_new = self._state.adding
        super().save(*args, **kwargs)
        if is_new:
            others = (
                Membership.objects.filter(user=self.user_id).exclude(pk=self.pk).values_list("organization", flat=True)
            )
            known = list(others[:2])
            if len(known) < 2:
                first = known[0] if known else self.organization_id
                User.objects.filter(pk=self.user_id, organization=None, is_guest=False).update(organization=first)


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def visible_to(self, user: Seer) -> "InvitationQuerySet":
        """Invitations to the organizations the user is a member of; who of them may look is the role's affair."""
        return self.filter(organization__in=Organization.objects.visible_to(user))

    def live(self) -> "InvitationQuerySet":
        """Those that can be accepted: neither accepted nor revoked, and not expired."""
        return self.filter(accepted_at=None, revoked_at=None, expires_at__gt=timezone.now())


class Invitation(models.Model):
    """An offer of a role in an organization, to whoever signs in with the address and has the token."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="invitations")
    email = models.EmailField(max_length=254)  # in lower case, as a person's is
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.EDITOR)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)  # SHA-256 hex; the token is never stored
    invited_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    expires_at = models.DateTimeField(db_index=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [models.Index(fields=["-created_at", "-id"])]

    def __str__(self) -> str:
        return f"{self.email} to {self.organization}: {self.role}"


class ProjectQuerySet(models.QuerySet["Project"]):
    def visible_to(self, user: Seer) -> "ProjectQuerySet":
        """Projects of the user's organizations: every role includes read."""
        return self.filter(deleted_at=None, organization__in=Organization.objects.visible_to(user))


class Project(SavesFolded):
    """What people work on; its repository and other content belong to `tools`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="projects")
    name = models.CharField(max_length=150)
    name_folded = FoldedField("name")
    description = models.TextField(blank=True)
    # It was deleted and is out of every answer, but something in it has to be kept for now.
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [
            models.Index(fields=["-created_at", "-id"]),
            models.Index(fields=["id"], condition=Q(name_folded__isnull=True), name="project_name_to_fold"),
        ]

    def __str__(self) -> str:
        return self.name


class ProjectMemberQuerySet(models.QuerySet["ProjectMember"]):
    def visible_to(self, user: Seer) -> "ProjectMemberQuerySet":
        """Members of the projects the user can see."""
        return self.filter(project__in=Project.objects.visible_to(user))


class ProjectMember(models.Model):
    """A person's role in one project, in place of the role their membership gives."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="members")
    user = models.ForeignKey(User, models.CASCADE, related_name="project_memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.EDITOR)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ProjectMemberQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [models.Index(fields=["-created_at", "-id"])]
        constraints = [models.UniqueConstraint(fields=["project", "user"], name="project_member_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.project}: {self.role}"


class ProjectSecretQuerySet(models.QuerySet["ProjectSecret"]):
    def visible_to(self, user: Seer) -> "ProjectSecretQuerySet":
        """Secrets of the projects the user can see; who of them may look is the role's affair."""
        return self.filter(project__in=Project.objects.visible_to(user))


class ProjectSecret(models.Model):
    """A secret that tools of a project send to another API, by the name that they ask for it. Sealed, never shown."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="secrets")
    name = models.CharField(max_length=40)
    value = models.TextField(editable=False)  # by accounts.secrets.seal
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ProjectSecretQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="project_secret_once")]

    def __str__(self) -> str:
        return self.name


class Ticket(models.Model):
    """A short key for clients that can send no header: one use, one minute, for one run or chat."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    token_hash = models.CharField(max_length=64, unique=True)  # SHA-256 hex; the token itself is never stored
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    token_version = models.PositiveIntegerField()  # the user's, when it was made
    sign_in = models.UUIDField(null=True)  # it was made by
    run_id = models.UUIDField(null=True)  # plain ids: accounts knows no chat
    chat_id = models.UUIDField(null=True)
    origin = models.CharField(max_length=300, blank=True)  # the Origin it must come back with; empty: any
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(run_id__isnull=False) | Q(chat_id__isnull=False), name="ticket_is_for_something"
            )
        ]

    def __str__(self) -> str:
        return f"ticket {self.id}"


class SignInQuerySet(models.QuerySet["SignIn"]):
    def visible_to(self, user: Seer) -> "SignInQuerySet":
        """The user's own."""
        return self.filter(user=user.pk, user__is_active=True)

    def live(self) -> "SignInQuerySet":
        """Those that hold: not expired, and not ended with all the others by a change of password."""
        return self.filter(expires_at__gt=timezone.now(), token_version=F("user__token_version"))


class SignIn(models.Model):
    """Where somebody is signed in: one browser's session, or all tokens that came of one password."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)  # as its tokens carry it
    user = models.ForeignKey(User, models.CASCADE, related_name="sign_ins")
    user_agent = models.CharField(max_length=300, blank=True)  # as the program that signed in calls itself
    session_key = models.CharField(max_length=40, blank=True, editable=False)  # of a browser's session; empty: tokens
    token_version = models.PositiveIntegerField()  # the user's, when it began
    created_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField()  # to some minutes
    expires_at = models.DateTimeField(db_index=True)

    objects = SignInQuerySet.as_manager()

    class Meta:
        verbose_name = "sign-in"
        ordering = ["-last_seen_at", "-id"]
        indexes = [models.Index(fields=["session_key"], condition=~Q(session_key=""), name="sign_in_session")]

    def __str__(self) -> str:
        return str(self.id)


class EndedSignIn(models.Model):
    """A sign-in that was ended before its last token expires: that long its id is kept here."""

    id = models.UUIDField(primary_key=True)  # as its tokens carry it
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.id)


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def visible_to(self, user: Seer) -> "ApiKeyQuerySet":
        """The user's own keys."""
        return self.filter(user=user.pk, user__is_active=True)

    def live(self) -> "ApiKeyQuerySet":
        """Keys that hold now: not revoked, not expired, and their user still a member where they are for."""
        unexpired = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        is_member = Q(organization__memberships__user=F("user"), user__is_active=True)
        return self.filter(unexpired, is_member, revoked_at=None)


class ApiKey(models.Model):
    """A long-lived bearer key for programs: one person's rights, in one organization, at the doors of its scopes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)  # SHA-256 hex; the key is never stored
    prefix = models.CharField(max_length=20, editable=False)  # how it begins, for people to tell keys apart
    name = models.CharField(max_length=150)
    user = models.ForeignKey(User, models.CASCADE, related_name="keys")
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    scopes = models.JSONField()  # names in accounts.sign_in.scopes
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: it does not expire.")
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)  # to a minute
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["prefix"]), models.Index(fields=["-created_at", "-id"])]

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"


class IdempotencyKey(models.Model):
    """What was answered to a POST that carried this key, so that the same POST again gets the same answer."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    route = models.CharField(max_length=200)  # method and path
    body_hash = models.CharField(max_length=64)  # SHA-256 hex
    status = models.PositiveSmallIntegerField(default=0)  # of the answer; 0 until the transaction that makes it ends
    answer = models.JSONField(default=dict)
    run_id = models.UUIDField(null=True)  # a streamed answer is read again from its run
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"


class Provision(models.TextChoices):
    """Whom an identity provider may bring."""

    OFF = "off"  # people who have an account
    MEMBERS = "members"  # everybody it names: people are made, and memberships follow its groups


def usual_algorithms() -> list[str]:
    """How providers sign."""
    return ["RS256", "ES256"]


class IdentityProvider(models.Model):
    """Who vouches for people of an organization: a directory (OpenID Connect), or a backend of the customer's own."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="identity_providers")
    slug = models.SlugField(max_length=50, unique=True)  # in its addresses: /sso/SLUG/start
    name = models.CharField(max_length=150)  # on the button of the sign-in page
    is_active = models.BooleanField(default=True)
    is_shown = models.BooleanField(default=True)  # on the sign-in page
    issuer = models.CharField(max_length=500, db_index=True)  # `iss`, letter by letter
    # Of the sign-in by browser; empty: there is none.
    client_id = models.CharField(max_length=255, blank=True)
    secret = models.TextField(blank=True, editable=False)  # sealed; see accounts.secrets
    # Of tokens that its people or its backend bring.
    accepts_bearer = models.BooleanField(default=False)
    accepts_assertions = models.BooleanField(default=False)
    audience = models.CharField(max_length=255, blank=True)  # `aud` of those; empty: PARLEY_PUBLIC_URL
    algorithms = models.JSONField(default=usual_algorithms)
    assertion_secret = models.TextField(blank=True, editable=False)  # sealed; of HS256, where algorithms name it
    # Its public keys: written here as PEM or JWKS, or asked for at jwks_url or where its metadata says.
    public_keys = models.TextField(blank=True)
    jwks_url = models.CharField(max_length=500, blank=True)
    jwks = models.JSONField(default=dict, blank=True, editable=False)  # as fetched
    metadata = models.JSONField(default=dict, blank=True, editable=False)  # of its discovery, as fetched
    keys_fetched_at = models.DateTimeField(null=True, blank=True, editable=False)
    keys_tried_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Whom it brings, and as what.
    domains = models.JSONField(default=list, blank=True)  # of e-mail, in lower case
    trusts_email = models.BooleanField(default=False)  # its addresses are proven though it does not say so
    closes_passwords = models.BooleanField(default=False)  # of people of its domains, but operators
    groups_claim = models.CharField(max_length=255, default="groups")
    groups = models.JSONField(default=dict, blank=True)  # group: role
    default_role = models.CharField(max_length=10, choices=Role.choices, blank=True)  # of who is in none; empty: none
    provision = models.CharField(max_length=10, choices=Provision.choices, default=Provision.OFF)
    session_s = models.PositiveIntegerField(default=28_800)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.slug})"


class ExternalIdentity(models.Model):
    """The person whom a provider knows by this subject."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.ForeignKey(IdentityProvider, models.CASCADE, related_name="identities")
    subject = models.CharField(max_length=255)  # `sub`, letter by letter
    user = models.ForeignKey(User, models.CASCADE, related_name="external_identities")
    last_sign_in_at = models.DateTimeField(null=True, blank=True)
    signed_out_at = models.DateTimeField(null=True, blank=True)  # by whomever: older tokens of theirs are refused
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "external identities"
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["-created_at", "-id"])]
        constraints = [models.UniqueConstraint(fields=["provider", "subject"], name="external_identity_once")]

    def __str__(self) -> str:
        return f"{self.subject} of {self.provider}"


class UsedAssertion(models.Model):
    """What a provider or browser brought and may bring once: that long its hash is kept here."""

    id = models.BigAutoField(primary_key=True)
    provider = models.ForeignKey(IdentityProvider, models.CASCADE, related_name="+", db_index=False)
    assertion_hash = models.CharField(max_length=64)  # SHA-256 hex
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "assertion_hash"], name="used_assertion_once")]

    def __str__(self) -> str:
        return f"{self.assertion_hash[:8]} of {self.provider_id}"
