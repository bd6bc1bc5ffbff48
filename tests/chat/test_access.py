"""A person's permissions in a chat: their role's, cut down to what the chat gives them; never more."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from accounts.errors import NotAllowed, NotFound
from accounts.models import ApiKey, Membership, Project, ProjectMember, Role, Seer, User
from chat import access
from chat.access import chats_of, get_chat, get_message, get_run, permissions_found, permissions_on
from chat.models import Chat, ChatShare, Sharing
from chat.models.chats import Access, ChatQuerySet
from tests.chat.rows import answer

READ = {"read"}
WRITE = {"read", "write", "deploy"}
ALL = {"read", "write", "deploy", "admin"}


def set_role(user: User, role: Role) -> None:
    Membership.objects.filter(user=user).update(role=role)


def share(chat: Chat, user: User, access: Access) -> None:
    ChatShare.objects.create(chat=chat, user=user, access=access)


def open_to_project(chat: Chat, access: Access) -> None:
    chat.sharing, chat.project_access = Sharing.PROJECT, access
    chat.save()


@pytest.mark.parametrize(
    ("role", "expected"), [(Role.VIEWER, READ), (Role.EDITOR, WRITE), (Role.ADMIN, ALL), (Role.OWNER, ALL)]
)
def test_an_owner_may_do_what_their_role_gives_and_a_viewer_only_reads(chat, alice, role, expected):
    set_role(alice, role)
    assert permissions_on(alice, chat) == expected


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("access", Access)
def test_a_chat_shared_with_its_project_gives_at_most_its_access_and_the_role(chat, bob, role, access):
    set_role(bob, role)
    open_to_project(chat, access)
    assert permissions_on(bob, chat) == (READ if role == Role.VIEWER or access == Access.READ else WRITE)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("access", Access)
def test_a_named_share_gives_at_most_its_access_and_the_role(chat, bob, role, access):
    set_role(bob, role)
    share(chat, bob, access)
    assert permissions_on(bob, chat) == (READ if role == Role.VIEWER or access == Access.READ else WRITE)


def test_of_two_ways_to_a_chat_the_wider_counts(chat, bob):
    open_to_project(chat, Access.READ)
    share(chat, bob, Access.WRITE)
    assert permissions_on(bob, chat) == WRITE


def test_a_role_in_the_project_decides_in_its_chats_both_up_and_down(chat, alice, bob, project):
    ProjectMember.objects.create(project=project, user=alice, role=Role.VIEWER)
    ProjectMember.objects.create(project=project, user=bob, role=Role.ADMIN)
    open_to_project(chat, Access.WRITE)
    assert permissions_on(alice, chat) == READ
    assert permissions_on(bob, chat) == WRITE


def test_a_role_in_another_project_decides_nothing_here(chat, alice, organization):
    other = Project.objects.create(organization=organization, name="Other")
    ProjectMember.objects.create(project=other, user=alice, role=Role.VIEWER)
    assert permissions_on(alice, chat) == ALL


def test_a_private_chat_is_nobody_elses_whatever_their_role(chat, bob):
    set_role(bob, Role.OWNER)
    assert permissions_on(bob, chat) == set()
    assert Chat.objects.filter(pk=chat.pk).exists()


def test_shares_and_roles_left_behind_let_nobody_in(chat, charlie, project):
    open_to_project(chat, Access.WRITE)
    share(chat, charlie, Access.WRITE)
    ProjectMember.objects.create(project=project, user=charlie, role=Role.OWNER)
    assert permissions_on(charlie, chat) == set()


def test_who_left_sees_nothing_not_even_what_they_made(chat, alice):
    Membership.objects.filter(user=alice).delete()
    assert permissions_on(alice, chat) == set()


def test_who_was_deactivated_sees_nothing(chat, alice):
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert permissions_on(alice, chat) == set()


def test_lists_carry_the_same_permissions_without_more_queries(chat, bob, alice, django_assert_num_queries):
    share(chat, bob, Access.READ)
    with django_assert_num_queries(1):
        (found,) = chats_of(bob)
        assert permissions_found(bob, found) == READ


def test_what_is_not_visible_is_not_found_and_what_is_visible_may_be_not_allowed(chat, alice, bob, charlie):
    run = answer(chat, alice)
    share(chat, bob, Access.READ)
    for get, thing in ((get_chat, chat), (get_message, run.message), (get_run, run)):
        assert get(bob, thing.pk) == thing
        with pytest.raises(NotAllowed):
            get(bob, thing.pk, "write")
        with pytest.raises(NotFound):
            get(charlie, thing.pk)
        with pytest.raises(NotFound):
            get(alice, uuid.uuid4())


NOSY: dict[str, Callable[[Any], object]] = {
    "is_guest": lambda user: user.is_guest,
    "email": lambda user: user.email,
    "scopes": lambda user: user.key and user.key.scopes,
}


@pytest.mark.parametrize("name", NOSY)
def test_a_rule_that_asks_for_more_than_id_and_key_is_refused_and_not_kept_for_everybody(
    name: str, chat: Chat, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = ChatQuerySet.visible_to

    def asking(rows: ChatQuerySet, user: Seer) -> ChatQuerySet:
        return rows.none() if NOSY[name](user) else rule(rows, user)

    monkeypatch.setattr(ChatQuerySet, "visible_to", asking)
    alice.key = ApiKey(organization=chat.organization) if name == "scopes" else None
    for seen in (access.Seen(chats_of), access.Seen(lambda user: Chat.objects.visible_to(user))):
        with pytest.raises(AttributeError, match=name):
            seen(alice, chat.pk)
