"""Who, and whose: people, organizations, projects and what each may do in them."""

import uuid
from typing import Any, ClassVar, Protocol

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac


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


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in by e-mail."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(max_length=254, unique=True)  # in lower case; see UserManager
    name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="May use the admin.")
    # Made for a caller without credentials: nobody can sign in as them. See accounts.sign_in.guests.
    is_guest = models.BooleanField(default=False, editable=False)
    # Where a chat of theirs goes that names no organization: see accounts.organizations.choice.
    organization = models.ForeignKey(
        "Organization", models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    # How many they have ever made: deleting one gives no other. See ORGANIZATIONS_PER_PERSON.
    organizations_made = models.PositiveIntegerField(default=0, db_default=0)
    # Part of every token: raising it makes all tokens given out before worthless at once.
    token_version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    # The API key by which this very object came in, which narrows what they see. Of the request, never stored.
    key: "ApiKey | None" = None
    # The sign-in of the token by which they came in, likewise: see accounts.sign_in.ended.
    sign_in: uuid.UUID | None = None

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = UserManager()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once")]
        indexes = [models.Index(fields=["created_at"], condition=Q(is_guest=True), name="user_guests")]

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
        """Make all tokens and sessions given out before worthless."""
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


class Organization(models.Model):
    """A customer: people, projects and chats belong to exactly one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=150)
    plan = models.CharField(max_length=30, default="free")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [models.Index(fields=["-created_at", "-id"])]

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
        return self.filter(organization__in=Organization.objects.visible_to(user))


class Project(models.Model):
    """What people work on; its repository and other content belong to `tools`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="projects")
    name = models.CharField(max_length=150)
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [models.Index(fields=["-created_at", "-id"])]

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
