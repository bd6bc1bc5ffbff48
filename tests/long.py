"""What `make test` leaves to `make long`: the tests of files that take longer than LONG_S, but for one of each file.

So `make test` stays under a quarter of an hour on two cores: docs/decisions/0116-two-lengths.md. The table is made anew
by `python -m tests.long A.xml B.xml`, from what `--junitxml` wrote of whole runs on either database.
"""

import sys
from collections import defaultdict
from xml.etree import ElementTree

LONG_S = 10.0
SMOKE_S = 2.0  # a file's longest test under that is the one that stays; where there is none, its shortest
STAYS_S = 20.0  # of a file without one under that, none does
WHOLE = {"engine/test_chaos.py"}  # what `make test` runs all the same: it is the short form of something long
# The longest first, as they are best begun.
LONG = {
    "test_scale_bench.py": "",
    "soak/test_soak.py": "test_a_time_that_cannot_be_meant_is_refused",
    "test_routes.py": "test_the_lists_that_hide_things_from_strangers_do_hold_them_for_members",
    "test_bad_input.py": "test_a_parameter_that_no_list_has_is_refused_by_name",
    "chat/test_chores.py": "test_one_that_fails_and_one_that_is_long_stop_no_other",
    "browser/test_page.py": "test_on_a_phone_the_list_opens_over_the_chat",
    "deploy/test_rates.py": "test_what_is_wrong_or_not_seen_takes_nothing_and_reading_is_not_limited",
    "engine/test_takeover.py": "test_told_to_go_it_lets_runs_end_within_the_drain_time",
    "chat/test_attachments_stored.py": "test_what_cannot_be_read_or_is_gone_is_named",
    "test_operating_docs.py": "test_what_a_page_points_to_and_names_is_there",
    "engine/test_work.py": "test_stopping_one_leaves_the_other",
    "chat/test_attachments_away.py": "test_a_text_that_is_gone_is_not_there",
    "engine/test_rights_again.py": "test_a_revoked_key_stops_nothing_that_it_began",
    "engine/test_knowledge_live.py": "test_a_document_is_indexed_found_and_deleted",
    "chat/test_markdown_cost.py": "test_tables_in_a_long_list_are_read_once_each",
    "engine/test_attachments_live.py": "test_more_than_any_other_body_may_have_is_taken_and_given_back",
    "config/test_first_week.py": "test_what_can_be_meant_is_taken",
    "engine/test_mcp_sign_in.py": "test_a_sign_in_that_is_over_is_asked_for_again",
    "doors/test_plans.py": "test_a_plan_is_its_organizations_alone",
    "clients/test_schemathesis.py": "",
    "engine/test_kept.py": "test_a_kept_answer_can_be_stopped_in_its_middle",
    "engine/test_replay.py": "test_what_cannot_be_meant_asks_nothing",
    "security/test_credentials.py": "test_there_are_enough_routes_for_this_to_mean_something",
    "engine/test_servers_away.py": "test_a_database_that_takes_no_writes_is_one_that_is_away",
    "chat/test_quickstart.py": "test_it_makes_an_owner_who_can_begin_at_once",
    "browser/test_modules.py": "test_each_call_is_one_card_with_its_outcome",
    "engine/test_granting.py": "test_the_ai_sdk_answers_by_the_parts_of_its_message",
    "chat/test_admin.py": "test_rows_are_found_by_the_id_of_their_run_or_chat",
    "chat/test_erased_people.py": "test_deleting_oneself_by_rest",
    "deploy/test_metrics_live.py": "test_what_happens_is_told_at_once",
    "engine/test_knowledge_leaks.py": "test_a_chat_that_holds_something_stays_with_those_who_may_read_it",
    "engine/test_mcp_live.py": "test_a_model_that_obeys_foreign_words_does_nothing_that_nobody_allowed",
    "traces/test_live.py": "test_a_run_s_spans_come_to_the_collector",
    "upgrade/test_upgrade.py": "",
    "engine/test_resume.py": "test_what_editor_chat_streams_is_what_it_replays_and_what_is_stored",
    "security/test_answers.py": "test_the_chat_page_shows_fewer_messages_at_once",
    "engine/test_webhooks_live.py": "test_a_run_is_told_of_at_once_and_signed",
    "doors/test_responses_socket.py": "test_a_cookie_opens_no_socket_for_another_sites_page",
    "config/test_errors.py": "test_every_kind_of_view_answers_errors_alike",
    "chat/test_openapi.py": "test_it_is_served_to_anybody_as_json",
    "tools/test_documents_text.py": "test_a_thread_may_wait_for_it",
    "doors/test_commands.py": "test_older_messages_are_summed_up_for_the_model",
    "engine/test_messages_live.py": "test_a_stop_reaches_the_upstream_and_the_text_stays",
    "chat/test_holds.py": "test_what_a_held_person_said_in_others_chats_is_kept",
    "accounts/audit/test_actions.py": "test_the_chain_of_an_erased_person_holds_and_names_nobody",
    "doors/test_mcp_clients.py": "test_the_typescript_sdk_lists_asks_and_reads",
    "engine/test_result_pictures.py": "test_a_model_that_sees_no_pictures_is_told_that_there_was_one",
    "chat/test_deletion.py": "test_however_a_chat_is_deleted_its_branch_goes_with_it",
    "engine/test_long_chats.py": "test_by_hand_it_is_a_run_that_charlie_does_not_see",
    "doors/test_native_socket.py": "test_what_services_do_is_told",
    "engine/test_chat_live.py": "test_a_temperature_that_is_refused_is_left_out_and_told",
    "deploy/test_limits.py": "test_no_door_starts_one_run_more_for_the_organization",
    "accounts/audit/test_chain.py": "test_twenty_writers_at_once_leave_contiguous_chains",
    "engine/test_forge_journey.py": "",
    "engine/test_responses_live.py": "test_no_state_is_shown_to_anybody",
    "doors/test_agent.py": "test_a_session_is_found_by_its_own_user_only",
    "chat/test_serve.py": "test_a_port_in_use_is_said_in_words",
    "apps/test_own_app.py": "test_its_addresses_answer_by_its_own_rule",
    "engine/test_builds.py": "test_a_build_keeps_nobody_waiting_and_is_stopped",
    "doors/test_files_by_id.py": "test_a_document_s_text_comes_inline_too",
    "chat/search/test_searching.py": "test_an_overlong_message_is_found_by_its_beginning",
    "doors/test_responses.py": "test_a_chat_of_another_door_is_a_conversation_here_and_the_other_way_round",
    "engine/test_quota.py": "test_a_cap_that_is_none_is_refused",
    "chat/test_pull_requests_live.py": "test_who_ask_at_once_get_one_for_each_chat",
    "config/test_bodies.py": "test_what_comes_beside_a_body_is_so_long_at_most",
    "chat/test_attachment_texts.py": "test_piece_by_piece_it_is_the_whole_text",
    "accounts/test_extra_databases.py": "test_what_cannot_be_meant_stops_the_start",
    "engine/test_subagents.py": "test_two_that_read_take_about_the_time_of_one",
    "engine/test_schedules_live.py": "",
    "chat/test_work.py": "test_the_page_says_under_an_answer_how_the_work_stands_that_it_began",
    "engine/test_workflows.py": "test_a_model_decides_once_and_only_by_a_name_of_the_list",
    "engine/test_clone_live.py": "test_a_zip_may_be_larger_than_other_bodies",
    "chat/test_compactions.py": "test_they_are_listed_and_the_page_has_a_line_for_each",
    "tools/test_knowledge_found.py": "",
    "chat/test_export_pdf.py": "test_it_is_read_by_a_reader_of_its_own",
    "config/test_own_files.py": "test_a_folder_that_is_not_for_the_database_alone_is_left_alone",
    "engine/test_approvals.py": "test_a_bad_decision_is_refused_by_name",
    "chat/test_knowledge.py": "test_what_is_refused_names_its_field_and_leaves_nothing",
    "config/test_language.py": "test_it_depends_on_header_and_cookie_and_ends_with_the_answer",
    "clients/test_openai_responses.py": "test_errors_are_the_sdks_own_before_any_stream",
    "chat/test_usage_rest.py": "test_what_is_not_right_is_refused_by_its_field",
    "clients/test_trpc_killed.py": "test_a_patch_ends_right_whenever_the_process_dies",
    "engine/test_fallback.py": "test_a_tool_that_ran_is_not_run_again_and_state_goes_to_its_maker_alone",
    "chat/test_pull_requests.py": "test_at_a_remote_without_a_forge_the_merge_is_pushed_first",
    "engine/test_readers.py": "test_a_reader_that_resets_its_connection_hurts_nobody",
    "doors/test_mcp_live.py": "test_a_body_that_is_too_large_is_refused_in_the_protocol_s_words",
    "engine/test_upstream_faults.py": "test_a_subagent_whose_provider_takes_nothing_costs_nothing",
    "engine/test_spent.py": "test_the_log_has_why_and_nothing_of_the_key",
    "security/test_hostile_requests.py": "test_no_message_holds_up_the_loop_at_any_socket",
    "engine/test_linked_images.py": "test_nothing_connects_to",
    "apps/test_bad_apps.py": "test_what_an_app_registers_badly_is_told_of_each_by_the_system_check",
    "tools/test_push.py": "test_a_branch_is_pushed_and_pushed_again",
    "chat/test_webhooks.py": "test_a_receiver_that_hangs_holds_up_no_other",
    "tools/acting/test_run.py": "test_what_a_person_denies_is_not_done",
    "config/test_apps.py": "test_daphne_and_its_twisted_are_loaded_for_runserver_alone",
    "security/test_cursors.py": "test_a_cursor_is_for_its_list_and_order_and_may_not_be_changed",
    "tools/test_mcp_client.py": "test_the_tools_of_a_server_and_the_protocol_it_speaks",
    "tools/test_images.py": "test_each_format_is_read_by_a_user_who_may_start_nothing",
    "chat/search/test_live.py": "test_what_a_run_said_is_found_within_seconds_and_what_is_erased_at_once_no_more",
    "accounts/audit/test_live.py": "test_a_tool_that_writes_leaves_an_entry_and_one_that_reads_leaves_none",
    "browser/test_people_and_queue.py": "test_what_is_sent_while_offline_waits_survives_a_reload_and_is_stored_once",
    "tools/test_remote.py": "test_branches_without_end_and_silence_have_an_end",
    "agents/test_anthropic.py": "test_a_fault_is_typed_told_once_and_gives_nothing_away",
    "doors/test_docs.py": "test_what_a_page_points_to_is_there",
    "chat/test_builds.py": "test_whoever_takes_it_over_behind_its_commit_finds_that",
    "agents/test_server_quirks.py": "test_it_is_the_same_wherever_the_network_cuts_it",
    "tools/test_component_code.py": "test_a_right_style_is_right",
    "agents/test_openai_provider.py": "test_quirks_of_servers_are_understood",
    "chat/test_audience.py": "test_what_is_taken_from_a_chat_brings_its_level",
    "engine/test_wires.py": "test_a_stop_reaches_the_upstream_within_a_second",
    "doors/test_documents.py": "test_an_item_comes_back_as_it_was_sent",
    "engine/test_run_agents.py": "test_with_sqlite_it_refuses_and_says_why",
    "test_docs.py": "test_system_5_s_commands_work_without_a_token_where_guests_are_allowed",
    "chat/test_admin_operating.py": "test_costs_are_shown_where_prices_are_known_and_nowhere_else",
    "engine/test_reading.py": "test_calls_that_write_one_after_the_other_are_of_one_reply_and_turns_stay_apart",
    "engine/test_toolset.py": "test_the_first_attempt_fixes_them_and_later_ones_keep_them",
    "engine/test_navigator.py": "test_it_lists_searches_reads_and_answers_and_what_it_writes_is_one_commit_on_the_chats_branch",
    "chat/test_repositories.py": "test_a_token_stays_with_its_repository_and_goes_to_no_other",
    "engine/test_log_credentials.py": "test_every_credential_at_every_door_and_none_in_the_log",
    "chat/test_workflows.py": "test_what_an_end_does",
    "doors/test_completions.py": "test_nobody_else_reaches_what_a_request_has_left",
    "tools/test_parsing.py": "test_a_child_whose_server_is_gone_ends_by_itself",
    "engine/test_cancel.py": "test_a_queued_run_is_cancelled_without_ever_running",
    "chat/test_message_rest.py": "test_runs_are_found_by_chat_status_and_time",
    "test_ways_out.py": "test_nobody_else_has_the_means_to_connect",
    "accounts/test_members.py": "test_who_may_make_organizations",
    "chat/test_mcp_page.py": "test_one_is_told_whom_one_is_sent_to_in_ones_own_language",
    "engine/test_compaction.py": "test_many_events_are_few_rows_which_follow_each_other",
    "accounts/test_cookie_and_session.py": "test_pages_of_others_may_not",
    "apps/test_startparley.py": "test_a_name_that_cannot_be_one_is_refused_and_nothing_is_made",
    "browser/test_event_source.py": "test_an_event_source_is_told_why_a_session_cannot_be_read",
    "doors/test_names.py": "test_a_clients_tool_has_no_name_of_ours",
    "doors/test_sessions.py": "test_the_history_of_all_chats_comes_in_pages_newest_first_and_oldest_first_inside",
    "accounts/sso/test_open_streams.py": "test_the_sample_works_and_an_open_stream_ends_with_the_sessions",
    "tools/test_files.py": "test_a_wrong_argument_is_told_with_what_was_expected",
    "chat/test_page_views.py": "test_a_long_chat_shows_its_newest_messages_and_a_way_to_the_others",
    "chat/test_documents.py": "test_any_json_value_is_a_document",
    "accounts/sso/test_browser.py": "test_a_provider_that_fails_is_said_so",
}


Times = dict[str, dict[str, float]]  # by file and test: seconds, those of its parameters together


def times(report: str) -> Times:
    """What the tests of a run took."""
    found: Times = defaultdict(lambda: defaultdict(float))
    for case in ElementTree.parse(report).iter("testcase"):
        parts = case.attrib["classname"].removeprefix("tests.").split(".")
        file = next(number for number, part in enumerate(parts, 1) if part.startswith("test_"))
        found["/".join(parts[:file]) + ".py"][case.attrib["name"].split("[")[0]] += float(case.attrib["time"])
    return found


def longest(runs: list[Times]) -> dict[str, str]:
    """The table of these runs."""
    cost: Times = defaultdict(dict)
    total: dict[str, float] = {}
    for file in {file for run in runs for file in run}:
        total[file] = max(sum(run.get(file, {}).values()) for run in runs)
        for run in runs:
            cost[file] |= {test: max(took, cost[file].get(test, 0.0)) for test, took in run.get(file, {}).items()}
    long = sorted((file for file in set(total) - WHOLE if total[file] > LONG_S), key=lambda file: -total[file])
    return {file: _smoke(cost[file]) for file in long}


def _smoke(cost: dict[str, float]) -> str:
    short = {test: took for test, took in cost.items() if took <= SMOKE_S}
    least = min(cost, key=cost.__getitem__)
    return max(short, key=short.__getitem__) if short else least if cost[least] <= STAYS_S else ""


if __name__ == "__main__":
    for file, test in longest([times(each) for each in sys.argv[1:]]).items():
        print(f'    "{file}": "{test}",')
