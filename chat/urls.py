"""Routes."""

from django.urls import URLPattern, URLResolver, path

from chat import capabilities, openapi
from chat.doors.registry import DOORS
from chat.exports.urls import urls as export_urls
from chat.feedback import rest as feedback
from chat.ops import metrics
from chat.page import account, attaching, builds, embed, figures, mcp_tools, proposing, repository, self_test, views
from chat.page import changes as page_changes
from chat.page import documents as document_page
from chat.page import knowledge as knowledge_pages
from chat.page import mcp_servers as mcp_pages
from chat.page import pulls as pull_pages
from chat.page import schedules as schedules_page
from chat.page import webhooks as webhooks_page
from chat.pulls import views as pulls
from chat.rest import (
    attachments,
    budgets,
    changes,
    characters,
    chats,
    choices,
    commands,
    compactions,
    components,
    deletion,
    documents,
    handing_over,
    holds,
    knowledge,
    mcp_servers,
    memory,
    messages,
    organization_rules,
    plans,
    policies,
    pull_requests,
    repositories,
    runs,
    schedules,
    sent,
    tasks,
    usage,
    workflows,
)
from chat.rest.tickets import TicketView
from chat.search import rest as search
from chat.transfer import audit, branch, files, person
from chat.webhooks import rest as webhooks

urlpatterns: list[URLPattern | URLResolver] = [
    # Doors first, as a route is looked for from the top and they are asked most often. Those at one address name what
    # they share, such as tRPC's batches, each
    *dict.fromkeys(each for door in DOORS for each in door.urls),
    # The page
    path("", views.home, name="page-home"),
    path("chats/", views.chats, name="page-chats"),
    path("chats/<uuid:id>/", views.chat, name="page-chat"),
    path("chats/<uuid:id>/messages/", views.messages, name="page-messages"),
    path("chats/<uuid:id>/changes/", page_changes.changes, name="page-changes"),
    path("chats/<uuid:id>/changes/pull/", proposing.propose, name="page-propose"),
    path("chats/<uuid:id>/schedules/", schedules_page.schedules, name="page-schedules"),
    path("chats/<uuid:id>/files/", page_changes.files, name="page-files"),
    path("chats/<uuid:id>/asked/<uuid:run>/<str:call>/", views.asked, name="page-asked"),
    path("attachments/<uuid:id>/text/", attaching.text, name="page-attachment-text"),
    path("messages/<uuid:id>/pictures/<int:number>/", views.picture, name="page-picture"),
    path("projects/<uuid:id>/repository/", repository.repository, name="page-repository"),
    path("projects/<uuid:id>/document/", document_page.document, name="page-document"),
    path("projects/<uuid:id>/knowledge/", knowledge_pages.knowledge_page, name="page-knowledge"),
    path("projects/<uuid:id>/mcp-servers/", mcp_pages.servers, name="page-mcp-servers"),
    path("projects/<uuid:project>/mcp-servers/<uuid:id>/", mcp_pages.server, name="page-mcp-server"),
    path("projects/<uuid:project>/mcp-servers/<uuid:server>/tools/<uuid:id>/", mcp_tools.tool, name="page-mcp-tool"),
    path("runs/<uuid:id>/component/", builds.component, name="page-component"),
    path("organizations/<uuid:id>/", figures.figures, name="page-figures"),
    path("account/", account.account, name="account"),
    path("organizations/<uuid:id>/webhooks/", webhooks_page.webhooks, name="page-webhooks"),
    path("embed/", embed.frame, name="embed"),
    path("embed/chats/<uuid:id>/messages/", embed.messages, name="embed-messages"),
    path("projects/<uuid:project>/pulls/", pull_pages.pulls, name="page-pulls"),
    path("projects/<uuid:project>/pulls/<int:number>/", pull_pages.pull, name="page-pull"),
    path("embed/chats/<uuid:id>/asked/<uuid:run>/<str:call>/", embed.asked, name="embed-asked"),
    path("self-test/", self_test.self_test, name="self-test"),
    # REST
    path("api/chats/", chats.Chats.as_view(), name="chats"),
    path("api/chats/<uuid:id>/", chats.OneChat.as_view(), name="chat"),
    path("api/chats/<uuid:id>/messages/", messages.ChatMessages.as_view(), name="chat-messages"),
    path("api/chats/<uuid:id>/fork/", chats.ChatFork.as_view(), name="chat-fork"),
    *compactions.urls,
    *export_urls,
    path("api/chats/<uuid:id>/diff/", changes.ChatDiff.as_view(), name="chat-diff"),
    path("api/chats/<uuid:id>/files/", changes.ChatFiles.as_view(), name="chat-files"),
    path("api/chats/<uuid:id>/files/content/", branch.content, name="chat-file"),
    path("api/chats/<uuid:id>/files/archive/", branch.archive, name="chat-archive"),
    path("api/chats/<uuid:id>/shares/", chats.ChatShares.as_view(), name="chat-shares"),
    path("api/chats/<uuid:id>/shares/<uuid:share>/", chats.OneShare.as_view(), name="chat-share"),
    path("api/chats/<uuid:id>/push", pulls.push, name="chat-push"),
    path("api/chats/<uuid:id>/pull-request/", pulls.open_one, name="chat-pull-request"),
    path("api/pulls/", pull_requests.Pulls.as_view(), name="pulls"),
    path("api/pulls/<uuid:id>/", pull_requests.OnePull.as_view(), name="pull"),
    path("api/pulls/<uuid:id>/merge", pulls.merge, name="pull-merge"),
    path("api/pulls/<uuid:id>/close", pull_requests.PullClosing.as_view(), name="pull-close"),
    path("api/organizations/<uuid:organization>/audit/export/", audit.export_audit, name="audit-export"),
    *search.urls,
    path("api/users/me/export/", person.export_person, name="export"),
    path("api/users/me/", deletion.Me.as_view(), name="me"),
    path("api/users/me/deletion/", deletion.Deletion.as_view(), name="deletion"),
    path("api/messages/<uuid:id>/", messages.OneMessage.as_view(), name="message"),
    path("api/messages/<uuid:id>/regenerate/", messages.MessageRegenerate.as_view(), name="message-regenerate"),
    *feedback.urls,
    path("api/runs/", runs.Runs.as_view(), name="runs"),
    path("api/runs/<uuid:id>/", runs.OneRun.as_view(), name="run"),
    *sent.urls,
    path("api/runs/<uuid:id>/component/", components.OneComponent.as_view(), name="component"),
    path("api/models/", choices.Models.as_view(), name="models"),
    path("api/commands/", commands.Commands.as_view(), name="commands"),
    path("api/archetypes/", choices.Archetypes.as_view(), name="archetypes"),
    path("api/usage/", usage.Usage.as_view(), name="usage"),
    path("api/plans/", plans.Plans.as_view(), name="plans"),
    path("api/organizations/<uuid:id>/plan/", plans.OrganizationPlan.as_view(), name="plan"),
    path("api/organizations/<uuid:id>/budget/", budgets.OrganizationBudget.as_view(), name="budget"),
    path("api/organizations/<uuid:id>/budgets/", budgets.OrganizationBudgets.as_view(), name="budgets"),
    path("api/organizations/<uuid:id>/budgets/<int:budget>/", budgets.OneBudget.as_view(), name="budget-one"),
    path("api/organizations/<uuid:organization>/former-members/", handing_over.FormerMembers.as_view()),
    path("api/organizations/<uuid:organization>/hand-over/", handing_over.HandOver.as_view()),
    path("api/organizations/<uuid:id>/rules/", organization_rules.OrganizationRules.as_view(), name="rules"),
    *holds.urls,
    *webhooks.urls,
    *schedules.urls,
    path("api/tasks/", tasks.Tasks.as_view(), name="tasks"),
    path("api/tasks/<uuid:id>/", tasks.OneTask.as_view(), name="task"),
    *repositories.urls,
    *attachments.urls,
    path("api/attachments/<uuid:id>/content", files.content, name="attachment-content"),
    path("api/attachments/<uuid:id>/thumbnail", files.thumbnail, name="attachment-thumbnail"),
    path("api/projects/<uuid:id>/document/", documents.OneDocument.as_view(), name="document"),
    path("api/projects/<uuid:id>/document/versions/", documents.Versions.as_view(), name="document-versions"),
    path("api/projects/<uuid:id>/document/versions/<int:version>/", documents.OneVersion.as_view()),
    path("api/projects/<uuid:id>/document/undo", documents.Undo.as_view(), name="document-undo"),
    *knowledge.urls,
    *memory.urls,
    *mcp_servers.urls,
    path("api/characters/", characters.Characters.as_view(), name="characters"),
    path("api/characters/<int:id>/", characters.OneCharacter.as_view(), name="character"),
    path("api/policies/", policies.ToolPolicies.as_view(), name="tool-policies"),
    path("api/policies/<uuid:id>/", policies.OneToolPolicy.as_view(), name="tool-policy"),
    path("api/chats/<uuid:id>/grants/", policies.ChatGrants.as_view(), name="tool-grants"),
    path("api/chats/<uuid:id>/grants/<uuid:grant>/", policies.OneGrant.as_view(), name="tool-grant"),
    *workflows.urls,
    path("api/metrics", metrics.metrics, name="metrics"),
    path("api/capabilities/", capabilities.capabilities, name="capabilities"),
    path("api/auth/ticket", TicketView.as_view(), name="ticket"),
    path("api/schema/", openapi.schema, name="schema"),
    path("api/docs/", openapi.docs, name="docs"),
]
