# Scenarios: a real reporter, a real database; each says in its name what it
# shows.  `make -j2 check` runs them in this order: those that take longest come
# first, so that it ends evenly.
stories = t/scenario_browser t/scenario_growth \
	t/scenario_worker_killed_under_load \
	t/scenario_another_user \
	t/scenario_flipping_agent_starves_nobody t/scenario_reload_each_option \
	t/scenario_chaos t/scenario_killed_at_every_step
# Reports reach the table.
report_stories = t/scenario_addresses_of_elb t/scenario_bad_input \
	t/scenario_elb_frames_reach_the_table \
	t/scenario_lars_frames_reach_the_table \
	t/scenario_malformed_by_the_million \
	t/scenario_mixed_dialects_share_one_port \
	t/scenario_native_reports_reach_the_table t/scenario_poison_record \
	t/scenario_reports_cut_anywhere
# Agents, listeners and limits.
stories += t/scenario_agents t/scenario_agents_come_back_at_once \
	t/scenario_agents_move_back t/scenario_backpressure \
	t/scenario_closed_connection_is_seen_closed \
	t/scenario_dead_peers_are_detected \
	t/scenario_descriptors_run_out t/scenario_faulty_agents_are_held \
	t/scenario_gone_while_throttled \
	t/scenario_ipv6_and_several_listeners \
	t/scenario_limits_are_live t/scenario_listening_on_everything \
	t/scenario_one_caller_of_many_agents \
	t/scenario_proxy_protocol t/scenario_refused_agents_are_held \
	t/scenario_segment_loses_its_memory \
	t/scenario_slow_agents t/scenario_sockets_passed_in \
	t/scenario_strangers_are_named \
	t/scenario_throttled_share_a_ring \
	t/scenario_tls_agents t/scenario_tls_backpressure \
	t/scenario_tls_burst
# The database.
database_stories = t/scenario_back_to_the_first_host \
	t/scenario_bad_rows_hold_up_nobody t/scenario_broken_answers \
	t/scenario_database_away_and_back \
	t/scenario_database_error_is_known_at_once t/scenario_database_tls \
	t/scenario_firewall_forgets t/scenario_flush_rows_bounds_a_transaction \
	t/scenario_galera_node t/scenario_hanging_database \
	t/scenario_hostile_database t/scenario_hosts_in_order \
	t/scenario_mysql_accounts t/scenario_node_not_ready \
	t/scenario_old_table_smaller_than_flush_rows \
	t/scenario_our_clock_is_behind \
	t/scenario_packets_are_too_large t/scenario_password_only_in_workers \
	t/scenario_questions_about_the_table t/scenario_refused_row \
	t/scenario_retention t/scenario_rows_that_fail_alone \
	t/scenario_statements_find_their_size \
	t/scenario_table_altered_while_connected \
	t/scenario_table_refuses_every_row t/scenario_unsigned_columns
# Those that take more than a minute, waiting, or have nothing of ours to sanitize.
slow_stories = t/scenario_back_to_the_first_host t/scenario_bench \
	t/scenario_browser t/scenario_examples \
	t/scenario_growth t/scenario_reload_each_option \
	t/scenario_retention \
	t/scenario_statements_find_their_size \
	t/scenario_table_refuses_every_row t/scenario_under_systemd
# Processes: start, stop, reload, crash.
stories += t/scenario_background_start_failures t/scenario_check_before_start \
	t/scenario_clean_stop_and_leftovers t/scenario_clocks \
	t/scenario_daemon_manners t/scenario_damaged_segment \
	t/scenario_handover_killed_at_every_step \
	t/scenario_files_go_away t/scenario_idle_machine \
	t/scenario_hostile_neighbour t/scenario_least_privilege \
	t/scenario_log_rotation t/scenario_master_killed \
	t/scenario_reload_workers_under_load t/scenario_restart_keeps_agents \
	t/scenario_sandbox_lets_work \
	t/scenario_segments_removed \
	t/scenario_signals_during_the_start t/scenario_startup_failures \
	t/scenario_stop_reads_what_has_arrived t/scenario_stop_while_throttled \
	t/scenario_swapped_configuration \
	t/scenario_unknown_option_is_an_error
# Tools and installation.
stories += t/scenario_bench t/scenario_client_library t/scenario_examples \
	t/scenario_init_script t/scenario_installation \
	t/scenario_keys_and_check t/scenario_moving_in \
	t/scenario_metrics_for_machines t/scenario_rates_and_metrics \
	t/scenario_service_manager_is_told \
	t/scenario_service_manager_keeps_agents t/scenario_shell_is_clean \
	t/scenario_top t/scenario_under_systemd t/scenario_unit_files \
	t/scenario_web t/scenario_web_api t/scenario_web_behind_a_proxy

scenarios = $(stories:=.py) $(report_stories:=.py) $(database_stories:=.py)
TESTS += $(scenarios)
EXTRA_DIST += $(scenarios) t/scenario.py t/installed.py t/booted.sh t/crowd.py \
	t/faulty.py t/galera.py t/service_manager.py t/tls.py t/web.py \
	t/wire/elb-agent-real.bin t/wire/elb-reports.bin \
	t/wire/lars-agent-real.bin t/wire/lars-midframe-typical.bin \
	t/wire/lars-report.bin
