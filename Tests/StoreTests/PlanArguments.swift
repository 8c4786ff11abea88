/// What each statement is explained with: its name, then its arguments. Words in capitals stand for values of the workspace,
/// with `*` for an array of up to twenty of them; arrays of a call have the same length, as have those of `NULLS` and its
/// like; `-` is null; the rest is SQL. What filters a list can have is in `PlanFilters`. What others write and take back leaves
/// pages that no index can answer for alone any more: counts come first.
enum PlanArguments {
    /// Not explained, by the beginning of their names, each with the reason. The reports' own files (`jobs/*.sql`) read a whole
    /// window and are no statements of API or worker either.
    static let leftOut: [String: String] = [
        "check_": "`switchboard check --data` and tests look at all of a workspace, on an operator's demand"
    ]

    static let text = """
        backlog_lines W
        backlog_runs W
        backlog_signals W
        backlog_outbox W
        backlog_jobs W
        agent_get W AGENT
        agent_lock W AGENT
        agent_update W AGENT 'n' 'e' 'agent' 5
        agent_set_presence W AGENT 'away'
        agent_delete W AGENT
        workflows_referring W 'team' TEAM
        assignment_list_asc W CONV - 50
        assignment_list_desc W CONV - 50
        assignment_get W ASSIGNMENT
        assignment_picks W DECISION 7
        changes_update_contacts W CONTACT* NULLS NULLS NULLS NULLS TAGS OBJECTS NULLIDS
        changes_update_conversations W CONV* OPENS NULLIDS NULLS NULLIDS NULLS NULLS NOWS FALSES NORMALS NULLS OBJECTS NOWS NULLIDS NULLS NULLIDS NULLS NULLTIMES NULLS NULLS NULLS SIXES NOWS
        changes_delete_signals W RUN* SIGNAL*
        changes_update_runs W RUN* ACTIVES NULLS NULLS OBJECTS NOWS NULLTIMES
        changes_delete_candidates W CANDIDATE*
        changes_delete_line_entries W WAITING*
        changes_update_lines W LINE* SIXES
        changes_count_open W AGENT* ONES
        changes_agent_turns W AGENT* SIXES
        changes_delete_mailboxes W RUN*
        generate_settle_agents W AGENT* ONES OFFLINES NOWS
        generate_settle_members W TEAM* AGENT* SIXES
        generate_settle_lines W LINE* SIXES
        generate_settle_contacts W CONTACT* NULLIDS
        channel_secret_update W CHANNEL 't'
        channel_secret_delete W CHANNEL
        channel_get W CHANNEL
        channel_lock W CHANNEL
        channels_alive W CHANNEL*
        channels_list W ZERO 50
        channel_update W CHANNEL 'n' 'u'
        channel_set_token W CHANNEL ''
        channel_delete W CHANNEL
        closing_category_get W CATEGORY
        closing_category_lock W CATEGORY
        closing_categories_list W ZERO 50
        closing_category_update W CATEGORY 'n'
        closing_category_delete W CATEGORY
        contact_field_get W 'field_7'
        contact_field_lock W 'field_7'
        contact_fields_list W '' 50
        contact_field_update W 'field_7' 'd'
        contact_field_delete W 'field_7'
        contact_fields_types W array['field_1','field_2']
        contact_get W CONTACT
        contact_lock W CONTACT
        contacts_list W ZERO 50
        contacts_list W CONTACT 200
        contact_update W CONTACT 'n' 'e' 'p' 'l' '{}' '{}' false
        identities_owners W IDENTITYCHANNEL* EXTERNAL*
        identity_delete W CHANNEL EXTERNAL CONTACT
        identities_delete_of_contact W CONTACT
        contact_lock_for_erasure W CONTACT
        contact_conversations W CONTACT
        contact_erase_messages W CONTACT
        contact_erase W CONTACT
        conversations_lock W CONV*
        conversations_lock_free W CONV*
        conversations_lock_open_of_contacts W CONTACT*
        conversations_lock_of_agent W AGENT
        contacts_lock W CONTACT*
        contacts_lock_of_conversation W CONV
        agents_lock W AGENT*
        teams_named W TEAM*
        triggers_published W 'conversation_opened'
        runs_living_of_conversation W CONV
        line_entry_of_conversation W WAITING
        conversation_channel W CHANNEL CONTACT
        closing_policy W concat('category',chr(32),'7')
        conversation_erase W CONV
        conversation_erase_messages W CONV
        conversation_erase_comments W CONV
        conversation_erase_runs W CONV
        conversation_erase_run_log W CONV
        conversation_erase_outbox W CONV
        line_entry_reprioritise W WAITING 1::smallint
        conversation_get W CONV
        conversation_span W CONV
        conversation_messages_asc W CONV FROM TO - 50
        conversation_messages_desc W CONV FROM TO - 50
        conversation_comments_asc W CONV - 50
        conversation_comments_desc W CONV - 50
        conversation_events_asc W CONV FROM TO - 50
        conversation_events_desc W CONV FROM TO 3 50
        conversation_message_get W MESSAGE
        conversation_comment_get W COMMENT
        idempotency_read W 'k' IDEMPOTENCY
        idempotency_answer W 'k' IDEMPOTENCY 200 '{}' CONV
        idempotency_forget W CONV
        clock W
        ingest_receipts W RECEIPTCHANNEL* HASH*
        ingest_identities W IDENTITYCHANNEL* EXTERNAL*
        ingest_channels W CHANNEL*
        api_key_authenticate KEY
        api_key_get W KEY
        api_key_lock W KEY
        api_keys_lock_unlimited_owners W
        api_key_update W KEY 'n' '{reports:read}' - '{192.0.2.0/24}'
        api_key_rotate W KEY '' 60
        api_keys_note_uses W KEY* NOWS
        audit_log_list W LAST ZERO - - - 51
        audit_log_list W LAST ZERO AGENT - - 51
        audit_log_list W LAST ZERO AGENT 'agent.updated' - 51
        audit_log_list W LAST ZERO - 'team.deleted' - 51
        audit_log_list W LAST ZERO - - 'a1' 51
        api_keys_list W ZERO 50
        api_key_revoke W KEY
        channel_authenticate CHANNEL
        caller_agent W AGENT
        lines_take W LINE*
        lines_take_free W LINE*
        lines_waiting W LINE*
        line_entries_head W LINE 100 1 1
        lines_lock_agents W TEAM* AGENT*
        lines_lock_agents W BUSYTEAM* AGENT*
        lines_lock_agents_of_workspace W
        lines_members W TEAM*
        line_room W LINE
        line_marks_of W LINE
        line_marks_clear W LINE MARK*
        lines_due W 0.5
        line_touch W LINE
        workspaces_with_due_lines
        mark_lines_of_agent W AGENT CONV
        line_lock W LINE
        line_entries_count W LINE
        workspaces_with_due_effects
        outbox_claim W 64 AGENT '{}' '{}' 64 60
        outbox_claim W 64 AGENT CHANNEL* ONES 64 60
        outbox_lock_conversations W CONV*
        outbox_settle W W EFFECT* ZEROS SENTS NULLS FLOATS ONES
        outbox_settle_conversations W CONV* SIXES NOWS
        outbox_settle_messages W MESSAGE* SENTS NULLS
        workspaces_with_due_signals
        workspaces_with_old_keys
        runs_claim_signals W 100 2
        runs_claim W RUN*
        runs_messages W MESSAGE* ZERO LAST
        runs_channels W CHANNEL*
        runs_line_entries W WAITING*
        runs_agents W AGENT*
        workspace_time_zone W
        workflow_version_definition W WORKFLOW 2
        run_note_failure W RUN
        run_postpone W RUN 4
        run_fail W RUN 'r'
        runs_existing W RUN*
        run_get W RUN
        run_log_list W RUN FROM TO
        team_get W TEAM
        team_lock W TEAM
        team_lock_shared W TEAM
        teams_list W ZERO 50
        team_update W TEAM 'n'
        team_delete W TEAM
        team_member_get W TEAM AGENT
        team_member_delete W TEAM AGENT
        team_members_list W TEAM ZERO 50
        team_members_lock_agents W TEAM
        team_members_delete_of_team W TEAM
        team_members_delete_of_agent W AGENT
        changes_member_turns W MEMBERTEAM* MEMBERAGENT* SIXES
        workflow_get W WORKFLOW
        workflow_lock W WORKFLOW
        workflow_save W WORKFLOW 'n' 'd' '{}'
        workflow_delete W WORKFLOW
        workflow_teams_living W TEAM*
        workflow_agents_living W AGENT*
        workflow_channels_living W CHANNEL*
        workflow_categories_living W array[concat('category',chr(32),'7')]
        workflow_set_live W WORKFLOW 3
        workflow_set_stopped W WORKFLOW
        workflow_trigger_delete W WORKFLOW
        workflow_references_delete W WORKFLOW
        workflow_version_list W WORKFLOW - 50
        workflow_version_get W WORKFLOW 2
        workflow_active_runs W WORKFLOW ZERO 1000
        workflow_candidate_runs W WORKFLOW ZERO ZERO 1000
        process_heartbeat ZERO array['api'] 'h' 1 'v'
        processes_list
        processes_purge
        process_delete ZERO
        workspace_get W
        workspace_lock W
        workspace_requires_if_match W
        workspace_update W 'n' 'Europe/Madrid' 'off' false - -
        workspaces_list ZERO 50
        workspace_find_by_name 'w2'
        agent_insert W NEW 'n' 'new@example.com' 'agent' 'online' 5
        changes_define_fields W NEWTEXT*
        changes_insert_contacts W NEW* NULLS NULLS NULLS NULLS
        changes_insert_conversations W NEW* FREE* NULLIDS SOURCES NORMALS NULLS OBJECTS NOWS SIXES NOWS
        changes_insert_messages W NEW* CONV* CONTACT* NULLIDS INCOMINGS SOURCES NULLIDS NULLIDS NORMALS RECEIVEDS NULLS NOWS NOWS
        changes_insert_receipts W RECEIPTCHANNEL* NEWHASH* NEW* CONV* FALSES NEW*
        changes_insert_comments W NEW* CONV* SOURCES NULLIDS NULLIDS NORMALS NOWS
        changes_insert_events W NEW* NORMALS CONV* SIXES NOWS SOURCES NULLS OBJECTS
        changes_insert_candidates W NEW* WORKFLOW* ONES CONTACT* CONV* NEW* NOWS NULLS
        changes_insert_signals W RUN* NEW* TIMERS ONES NOWS OBJECTS
        changes_insert_run_log W NEW* RUN* NOWS NULLS ONES NORMALS NULLS OBJECTS
        changes_insert_line_entries W CONV* NEW* LINE* NULLIDS ONES NULLS SHORTS NOWS NOWS ROBINS FALSES ONES SOURCES NULLS
        changes_insert_line_marks W LINE* NEW*
        changes_insert_decisions W NEW* LINE* NORMALS NORMALS NOWS OBJECTS ONES ONES
        changes_insert_assignments W NEW* CONV* ASSIGNMENTS NOWS SOURCES NULLS DIRECTS AGENT* NORMALS NULLIDS NULLS NULLIDS NULLS NULLIDS NULLIDS NULLIDS ONES NULLS NULLTIMES NULLTIMES
        changes_insert_outbox W NEW* NEWTEXT* NORMALS NULLIDS CONV* NULLIDS NULLIDS OBJECTS NOWS NULLS
        channel_insert W NEW 'new' 'custom' 'u' ''
        channel_secret_insert W IDLECHANNEL 't'
        closing_categories_insert W NEW* NEWTEXT*
        contact_field_insert W 'new' 'text' -
        contact_fields_define W NEWTEXT*
        contact_insert W NEW 'n' 'e' 'p' 'l' '{}' '{}' false
        identities_insert W IDENTITYCHANNEL* NEWTEXT* CONTACT
        insert_event W NEW 'agent.updated' 'api' '{}' '{}'
        idempotency_claim W 'k' 'new' 'POST' ''
        idempotency_purge W
        ingest_create_identities W IDENTITYCHANNEL* NEWTEXT* CONTACT*
        operator_key_insert NEW 'n' ''
        operator_key_authenticate OPERATORKEY
        operator_keys_list ZERO 50
        operator_key_revoke OPERATORKEY
        api_key_insert W NEW 'n' 'owner' '' - - -
        line_insert W NEW 'team'
        lines_members W BUSYTEAM*
        line_room W BUSYTEAM
        line_room W W
        team_insert W NEW 'n'
        team_member_insert W IDLETEAM AGENT
        team_members_list W BUSYTEAM ZERO 50
        workflow_create W NEW 'n' 'd' '{}'
        workflow_version_create W WORKFLOW 3 '{}'
        workflow_trigger_create W 'other' WORKFLOW 2 - -
        workflow_references_create W WORKFLOW AGENTKINDS AGENT*
        workflow_active_runs W BUSYWORKFLOW ZERO 1000
        workspace_insert NEW 'n' 'UTC'
        run_turns_insert W array[64]::smallint[]
        job_workspaces_unplanned array['conversations','assignments'] -
        job_workspaces_due array['conversations','assignments'] -
        job_workspace_lock W -
        job_windows_last W array['conversations','assignments']
        job_runs_enqueue W NEW* NEWTEXT* NOWS LATERS NORMALS FALSES NOWS
        job_run_claim W AGENT array['conversations','assignments'] - 60
        job_run_renew W JOBRUN AGENT 1 - 60
        job_run_finish W JOBRUN AGENT 1 -
        job_result_insert W PENDINGJOBRUN '{}'
        job_run_fail W JOBRUN AGENT 1 'e' 5 -
        job_run_get W JOBRUN
        job_result_get W JOBRUN
        workspaces_with_rate_limits
        """

    /// How the words are found in the workspace `$W`, as SQL that gives one text each.
    static let words: [(String, String)] = [
        (
            "AGENT",
            "SELECT quote_literal(id) FROM agents WHERE workspace_id = $W AND deleted_at IS NULL ORDER BY id LIMIT 20"
        ),
        ("TEAM", "SELECT quote_literal(id) FROM teams WHERE workspace_id = $W ORDER BY id LIMIT 20"),
        (
            "CHANNEL",
            "SELECT quote_literal(channel_id) FROM identities i WHERE workspace_id = $W AND contact_id = $CONTACT UNION SELECT quote_literal(id) FROM channels WHERE workspace_id = $W"
        ),
        ("CATEGORY", "SELECT quote_literal(id) FROM closing_categories WHERE workspace_id = $W ORDER BY id LIMIT 20"),
        ("WORKFLOW", "SELECT quote_literal(id) FROM workflows WHERE workspace_id = $W ORDER BY id LIMIT 20"),
        ("KEY", "SELECT quote_literal(id) FROM api_keys WHERE workspace_id = $W ORDER BY id LIMIT 20"),
        ("EMAIL", "SELECT quote_literal(email) FROM contacts WHERE workspace_id = $W AND id = $CONTACT"),
        ("PHONE", "SELECT quote_literal(phone) FROM contacts WHERE workspace_id = $W AND id = $CONTACT"),
        (
            "WAITING",
            "SELECT quote_literal(id) FROM conversations WHERE workspace_id = $W AND waiting ORDER BY opened_at LIMIT 20"
        ),
        (
            "RUN",
            "SELECT quote_literal(r.id) FROM runs r JOIN run_signals s ON s.workspace_id = $W AND s.run_id = r.id WHERE r.workspace_id = $W AND r.status = 'active' ORDER BY r.id DESC LIMIT 20"
        ),
        (
            "CANDIDATE",
            "SELECT quote_literal(id) FROM runs WHERE workspace_id = $W AND status = 'candidate' ORDER BY id LIMIT 20"
        ),
        (
            "SIGNAL",
            "SELECT quote_literal(s.id) FROM run_signals s WHERE s.workspace_id = $W AND s.kind = 'timer' ORDER BY s.run_id DESC LIMIT 20"
        ),
        ("LINE", "SELECT quote_literal(line_id) FROM line_marks WHERE workspace_id = $W ORDER BY line_id LIMIT 20"),
        ("MARK", "SELECT quote_literal(id) FROM line_marks WHERE workspace_id = $W ORDER BY line_id LIMIT 20"),
        (
            "MESSAGE",
            "SELECT quote_literal(id) FROM messages WHERE workspace_id = $W AND conversation_id = ANY ($CONVS) ORDER BY id LIMIT 20"
        ),
        ("COMMENT", "SELECT quote_literal(id) FROM comments WHERE workspace_id = $W ORDER BY id LIMIT 20"),
        ("ASSIGNMENT", "SELECT quote_literal(id) FROM assignments WHERE workspace_id = $W ORDER BY id DESC LIMIT 20"),
        ("DECISION", "SELECT quote_literal(decision_id) FROM assignments WHERE workspace_id = $W ORDER BY id LIMIT 1"),
        (
            "EFFECT",
            "SELECT quote_literal(id) FROM outbox WHERE workspace_id = $W AND status = 'pending' ORDER BY id LIMIT 20"
        ),
        ("IDEMPOTENCY", "SELECT quote_literal(key) FROM idempotency_keys WHERE workspace_id = $W ORDER BY key LIMIT 1"),
        (
            "EXTERNAL",
            "SELECT quote_literal(i.external_id) FROM identities i JOIN unnest($CONTACTS) WITH ORDINALITY u (id, n) ON u.id = i.contact_id WHERE i.workspace_id = $W ORDER BY u.n"
        ),
        (
            "IDENTITYCHANNEL",
            "SELECT quote_literal(i.channel_id) FROM identities i JOIN unnest($CONTACTS) WITH ORDINALITY u (id, n) ON u.id = i.contact_id WHERE i.workspace_id = $W ORDER BY u.n"
        ),
        (
            "HASH",
            "SELECT quote_literal(external_hash) FROM message_receipts WHERE workspace_id = $W AND conversation_id = ANY ($CONVS) ORDER BY external_hash LIMIT 20"
        ),
        (
            "RECEIPTCHANNEL",
            "SELECT quote_literal(channel_id) FROM message_receipts WHERE workspace_id = $W AND conversation_id = ANY ($CONVS) ORDER BY external_hash LIMIT 20"
        ),
        (
            "MEMBERTEAM",
            "SELECT quote_literal(m.team_id) FROM team_members m WHERE m.workspace_id = $W ORDER BY m.agent_id LIMIT 20"
        ),
        (
            "MEMBERAGENT",
            "SELECT quote_literal(m.agent_id) FROM team_members m WHERE m.workspace_id = $W ORDER BY m.agent_id LIMIT 20"
        ),
        ("MID", "SELECT quote_literal(opened_at) FROM conversations WHERE workspace_id = $W AND id = $CONV"),
        (
            "MIDEND",
            "SELECT quote_literal(opened_at + interval '1 day') FROM conversations WHERE workspace_id = $W AND id = $CONV"
        ),
        ("FROM", "SELECT quote_literal(overlay($CONV::text PLACING '0000' FROM 10 FOR 4))"),
        ("TO", "SELECT quote_literal('ffffffff-ffff-7fff-8fff-ffffffffffff')"),
        ("LAST", "SELECT quote_literal('ffffffff-ffff-ffff-ffff-ffffffffffff')"),
        ("ZERO", "SELECT quote_literal('00000000-0000-0000-0000-000000000000')"),
        // What a UUIDv7 of now would be.
        (
            "NEW",
            "SELECT quote_literal((lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0') || '7' || left(md5($W || n), 19))::uuid) FROM generate_series(1, 20) n"
        ),
        ("NEWTEXT", "SELECT quote_literal('new' || n) FROM generate_series(1, 20) n"),
        ("NEWHASH", "SELECT quote_literal(sha256(convert_to('new' || n, 'UTF8'))) FROM generate_series(1, 20) n"),
        (
            "FREE",
            "SELECT quote_literal(t.id) FROM contacts t WHERE t.workspace_id = $W AND NOT EXISTS (SELECT FROM conversations v WHERE v.workspace_id = $W AND v.contact_id = t.id AND v.status <> 'closed') ORDER BY t.id LIMIT 20"
        ),
        ("OPERATORKEY", "SELECT quote_literal(id) FROM operator_keys ORDER BY id LIMIT 20"),
        (
            "JOBRUN",
            "SELECT quote_literal(id) FROM job_runs WHERE workspace_id = $W AND status = 'completed' ORDER BY id LIMIT 20"
        ),
        (
            "PENDINGJOBRUN",
            "SELECT quote_literal(id) FROM job_runs WHERE workspace_id = $W AND status = 'pending' ORDER BY id LIMIT 20"
        ),
        ("BUSYTEAM", busiest("team_id", "conversations", 0)), ("SECONDTEAM", busiest("team_id", "conversations", 1)),
        ("SMALLTEAM", busiest("team_id", "conversations", 2)),
        ("IDLETEAM", idle("teams", "team_id", "conversations")),
        ("BUSYAGENT", busiest("assignee_id", "conversations", 0)),
        // Whoever has most in the second team, whose conversations are all of another channel than the first's.
        (
            "SECONDAGENT",
            "SELECT quote_literal(assignee_id) FROM conversations WHERE workspace_id = $W AND assignee_id IS NOT NULL AND team_id = (SELECT team_id FROM conversations WHERE workspace_id = $W GROUP BY 1 ORDER BY count(*) DESC OFFSET 1 LIMIT 1) GROUP BY assignee_id ORDER BY count(*) DESC LIMIT 1"
        ),
        (
            "SMALLAGENT",
            "SELECT quote_literal(assignee_id) FROM conversations WHERE workspace_id = $W AND assignee_id IS NOT NULL GROUP BY assignee_id ORDER BY count(*), assignee_id LIMIT 1"
        ),
        ("DELETEDAGENT", "SELECT quote_literal(id) FROM agents WHERE workspace_id = $W AND deleted_at IS NOT NULL"),
        ("IDLEAGENT", idle("agents", "assignee_id", "conversations")),
        ("BUSYCHANNEL", busiest("channel_id", "conversations", 0)),
        ("SECONDCHANNEL", busiest("channel_id", "conversations", 1)),
        ("SMALLCHANNEL", busiest("channel_id", "conversations", 2)),
        ("IDLECHANNEL", idle("channels", "channel_id", "conversations")),
        ("BUSYWORKFLOW", busiest("workflow_id", "runs", 0)), ("SMALLWORKFLOW", busiest("workflow_id", "runs", 2)),
        ("IDLEWORKFLOW", idle("workflows", "workflow_id", "runs")),
        ("EARLY", "SELECT quote_literal(now() - interval '29 days')"),
        ("MIDDLE", "SELECT quote_literal(now() - interval '15 days')"),
        ("DAYLATER", "SELECT quote_literal(now() - interval '14 days')"),
        ("WEEKLATER", "SELECT quote_literal(now() - interval '8 days')"),
        ("LATELY", "SELECT quote_literal(now() - interval '1 hour')"),
        ("FUTURE", "SELECT quote_literal(now() + interval '1 hour')"),
        (
            "MIDDLECONV",
            "SELECT quote_literal(id) FROM conversations WHERE workspace_id = $W AND opened_at < now() - interval '15 days' ORDER BY opened_at DESC LIMIT 1"
        ),
    ]

    private static func busiest(_ column: String, _ table: String, _ rank: Int) -> String {
        "SELECT quote_literal(\(column)) FROM \(table) WHERE workspace_id = $W AND \(column) IS NOT NULL "
            + "GROUP BY \(column) ORDER BY count(*) DESC, \(column) OFFSET \(rank) LIMIT 1"
    }

    private static func idle(_ owners: String, _ column: String, _ table: String) -> String {
        "SELECT quote_literal(o.id) FROM \(owners) o WHERE o.workspace_id = $W AND NOT EXISTS "
            + "(SELECT FROM \(table) t WHERE t.workspace_id = $W AND t.\(column) = o.id) ORDER BY o.id LIMIT 1"
    }
}
