# Scenarios: a real reporter, a real database; each says in its name what it
# shows.  `make -j2 check` runs them in this order: those that take longest come
# first, so that it ends evenly.
scenarios = \
	t/scenario_worker_killed_under_load.py \
	t/scenario_another_user.py \
	t/scenario_flipping_agent_starves_nobody.py \
	t/scenario_reload_each_option.py \
	t/scenario_chaos.py \
	t/scenario_killed_at_every_step.py

# Reports reach the table.
scenarios += \
	t/scenario_elb_frames_reach_the_table.py \
	t/scenario_lars_frames_reach_the_table.py \
	t/scenario_mixed_dialects_share_one_port.py \
	t/scenario_native_reports_reach_the_table.py \
	t/scenario_reports_cut_anywhere.py \
	t/scenario_bad_input.py \
	t/scenario_malformed_by_the_million.py \
	t/scenario_poison_record.py

# Agents, listeners and limits.
scenarios += \
	t/scenario_backpressure.py \
	t/scenario_slow_agents.py \
	t/scenario_agents_come_back_at_once.py \
	t/scenario_refused_agents_are_held.py \
	t/scenario_limits_are_live.py \
	t/scenario_descriptors_run_out.py \
	t/scenario_closed_connection_is_seen_closed.py \
	t/scenario_ipv6_and_several_listeners.py \
	t/scenario_listening_on_everything.py \
	t/scenario_sockets_passed_in.py \
	t/scenario_proxy_protocol.py
if HAVE_OPENSSL
scenarios += t/scenario_tls_agents.py t/scenario_tls_backpressure.py
endif

# The database.
scenarios += \
	t/scenario_database_away_and_back.py \
	t/scenario_database_tls.py \
	t/scenario_hanging_database.py \
	t/scenario_hostile_database.py \
	t/scenario_hosts_in_order.py \
	t/scenario_firewall_forgets.py \
	t/scenario_flush_rows_bounds_a_transaction.py \
	t/scenario_galera_node.py \
	t/scenario_old_table_smaller_than_flush_rows.py \
	t/scenario_packets_are_too_large.py \
	t/scenario_password_only_in_workers.py \
	t/scenario_refused_row.py \
	t/scenario_unsigned_columns.py

# Processes: start, stop, reload, crash.
scenarios += \
	t/scenario_startup_failures.py \
	t/scenario_background_start_failures.py \
	t/scenario_signals_during_the_start.py \
	t/scenario_master_killed.py \
	t/scenario_damaged_segment.py \
	t/scenario_clean_stop_and_leftovers.py \
	t/scenario_stop_while_throttled.py \
	t/scenario_check_before_start.py \
	t/scenario_unknown_option_is_an_error.py \
	t/scenario_reload_workers_under_load.py \
	t/scenario_swapped_configuration.py \
	t/scenario_daemon_manners.py \
	t/scenario_clocks.py \
	t/scenario_log_rotation.py \
	t/scenario_hostile_neighbour.py \
	t/scenario_least_privilege.py \
	t/scenario_sandbox_lets_work.py

# Tools and installation.
scenarios += \
	t/scenario_keys_and_check.py \
	t/scenario_bench.py \
	t/scenario_web.py \
	t/scenario_top.py \
	t/scenario_rates_and_metrics.py \
	t/scenario_service_manager_is_told.py \
	t/scenario_init_script.py \
	t/scenario_installation.py \
	t/scenario_unit_files.py \
	t/scenario_under_systemd.py \
	t/scenario_shell_is_clean.py

TESTS += $(scenarios)
EXTRA_DIST += $(scenarios) t/scenario.py t/installed.py t/booted.sh \
	t/crowd.py t/faulty.py t/tls.py \
	t/wire/elb-reports.bin t/wire/lars-report.bin
