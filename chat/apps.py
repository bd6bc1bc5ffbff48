"""Django app: chat."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"

    def ready(self) -> None:
        """Register the system checks, what a process does beside its runs, and what accounts sets off in here."""
        from accounts.audit import recording, sealing
        from accounts.organizations import services as organizations
        from agents import installation
        from chat import audience, checks  # noqa: F401
        from chat.attachments import for_tools, given, taking, texts
        from chat.bus import notices
        from chat.commands import registry as commands
        from chat.metering import budgets, names, zones
        from chat.ops import chores, gauges, tracing
        from chat.runner import ending, older, runner
        from chat.services import erasing, going_through, pull_requests, removing, rules, work
        from chat.webhooks import sending, telling
        from tools.attachments import read_piece
        from tools.documents import telling as documents
        from tools.giving import keep_picture
        from tools.handed_down import begin_work
        from tools.mcp import offering

        gauges.tell()
        runner.also += [chores.run, sending.run]
        tracing.begin()
        recording.ALSO.append(telling.audited)
        sealing.SEALED.append(telling.sealed)
        ending.AT_END.append(going_through.after_answer)
        organizations.AT_BEGINNING.append(budgets.begin)
        organizations.CHECKS["fallbacks"] = rules.check_fallbacks
        organizations.PUT_AWAY.append(removing.put_away)
        erasing.watch()
        names.watch()
        zones.watch()
        pull_requests.hand_down()
        audience.hand_down()
        commands.hand_down()
        audience.are_older_up.fill(older.are_up)
        documents.TOLD.append(notices.tell_document)
        begin_work.fill(work.begin_for_tool)
        taking.TAKEN.append(texts.find)
        read_piece.fill(for_tools.read_piece)
        keep_picture.fill(given.keep_picture)
        installation.TOOLSETS.append(offering.toolset)
