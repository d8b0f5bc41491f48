"""Writes `docs/reference/sagemaker-local.md`: what the local SageMaker does as AWS does.

Each line names the tests that hold it; a name that is no test of `tests/local` is an error, and a
line without tests is told as not held. So the page cannot say more than the tests do.
"""

import ast
from pathlib import Path
from typing import NamedTuple

from sagemaker_local.operations import OPERATIONS

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests/local"


class Line(NamedTuple):
    """A behaviour, the tests that hold it, and where it differs from AWS."""

    what: str
    tests: tuple[str, ...]
    differs: str = ""


SECTIONS: dict[str, tuple[Line, ...]] = {
    "Requests": (
        Line(
            "types, required members, lengths, patterns, enums, minimums and maximums are checked "
            "by botocore's own model; all faults are told at once, with their places",
            (
                "test_all_faults_are_told_at_once_with_their_places",
                "test_what_has_the_wrong_type_cannot_be_read",
                "test_patterns_of_java_are_applied",
            ),
        ),
        Line(
            "what AWS rejects is rejected, with AWS's code",
            (
                "test_what_aws_rejects_is_rejected_with_its_code",
                "test_what_a_child_may_not_be_is_rejected_with_aws_code",
                "test_what_is_asked_of_things_that_are_not_there_or_not_ready",
            ),
            "the words are AWS's where they were seen, in its form where the model tells them, and "
            "ours where only the rule is documented; the test says which",
        ),
        Line(
            "every answer has the shape of botocore's model",
            ("test_every_operation_has_answered_in_its_shape",),
            "`ModelArtifacts` is absent until there is a model, though the model demands it",
        ),
        Line("what the SDKs send is taken", ("test_what_the_sdks_send_is_taken",)),
        Line(
            "an operation that is not run here is named in the error",
            (
                "test_an_operation_that_is_not_run_is_named",
                "test_an_operation_of_the_runtime_that_is_not_run_is_named",
            ),
        ),
        Line(
            "lists: filters, orders and pages; Search, its operators and its nested filters; tags",
            (
                "test_trials_are_listed_in_every_order_and_page_by_page",
                "test_tuning_jobs_are_listed_and_chosen",
                "test_pages_of_training_jobs_are_cut_before_their_status_is_looked_at",
                "test_a_token_is_of_one_list_in_one_order",
                "test_a_filter_finds_what_it_is_true_of",
                "test_a_nested_filter_wants_one_item_that_satisfies_all",
                "test_results_are_ordered_and_paged",
                "test_tags_can_be_added_listed_and_removed",
            ),
            "Search finds training jobs and tuning jobs, no other resources",
        ),
        Line(
            "throttling at random and by rate, instance quotas, lists that lag",
            (
                "test_a_throttled_request_has_the_code_that_clients_know",
                "test_listing_training_jobs_is_held_to_two_a_second",
                "test_the_rate_of_an_operation_can_be_lifted",
                "test_a_quota_counts_what_live_jobs_may_run_at_once",
                "test_so_many_tuning_jobs_may_go_on_at_once",
                "test_lists_lag_and_descriptions_do_not",
            ),
            "only what is asked for with `--fault`, `--quota` and `--rate`, but for "
            "`ListTrainingJobs`, held to two a second as on AWS (`--rate ListTrainingJobs=0` not)",
        ),
    ),
    "Tuning jobs": (
        Line(
            "in progress at once, with zero counters, the injected hyperparameter and the metric "
            "definitions of a built-in algorithm",
            (
                "test_a_job_is_in_progress_at_once_and_complete_after_its_trials",
                "test_the_built_in_algorithm_gets_its_metrics",
            ),
        ),
        Line(
            "names of trials, tags copied to them, hyperparameters as text",
            ("test_a_trial_has_its_name_its_tags_and_all_hyperparameters_as_text",),
            "the eight hexadecimal digits are computed from the name, so that they repeat",
        ),
        Line(
            "as many trials at once as allowed; the next one when a slot is free",
            ("test_no_more_trials_run_than_are_allowed_and_a_free_slot_is_filled",),
        ),
        Line(
            "Random and Grid repeat by seed",
            ("test_the_same_seed_gives_the_same_trials", "test_a_grid_is_walked_once"),
        ),
        Line(
            "Bayesian: expected improvement on a Gaussian process, scalings, integers and "
            "categories treated as such, parallel trials kept apart, parents learnt from",
            (
                "test_it_is_clearly_better_than_random",
                "test_pending_points_are_kept_away_from",
                "test_parents_are_learnt_from_although_their_ranges_differ",
                "test_it_is_deterministic",
            ),
            "AWS does not publish its engine; this one repeats by seed, which AWS does not promise",
        ),
        Line(
            "Hyperband, its resources and what it does not take",
            (
                "test_hyperband_ends_a_trial_that_is_not_among_the_best_third_at_a_rung",
                "test_hyperband_lets_the_best_go_on_to_the_most_it_may_use",
                "test_hyperband_learns_the_most_from_the_epochs",
                "test_hyperband_is_reproducible_by_its_seed",
                "test_what_hyperband_does_not_take",
            ),
            "the rungs are those of the ASHA paper; AWS does not publish its own",
        ),
        Line(
            "several algorithms, each with its objective and ranges",
            (
                "test_several_algorithms_take_turns_and_each_has_its_own_objective",
                "test_what_several_algorithms_do_not_have",
            ),
            "they take turns; AWS does not say how it shares trials out",
        ),
        Line(
            "Autotune",
            ("test_autotune_chooses_ranges_around_the_hints_and_says_what_it_chose",),
            "ranges from half to double of a hint, after AWS's one example; its rules are unknown",
        ),
        Line(
            "the median rule of early stopping; a trial that it stops keeps its objective",
            ("test_a_trial_worse_than_the_median_is_stopped_early_with_its_objective",),
            "it waits for five ended trials and five steps, where AWS documents no warm-up",
        ),
        Line(
            "target, best not improving, convergence, longest run; which it was is in the event",
            (
                "test_the_target_ends_the_job_and_its_running_trials",
                "test_the_job_ends_when_trials_no_longer_improve",
                "test_the_job_ends_when_its_time_is_over",
                "test_the_job_ends_when_its_time_is_over_however_much_its_trials_tell",
            ),
            "AWS documents the 1 % rule in two ways: a setting chooses; convergence is twenty "
            "trials without gain, for AWS's own rule is not published",
        ),
        Line(
            "a job fails when its first five trials fail, or tell no metric",
            (
                "test_five_failures_and_no_success_fail_the_job",
                "test_hyperparameters_that_no_trial_can_take_fail_the_job_in_other_words",
                "test_five_trials_without_a_metric_fail_the_job",
            ),
        ),
        Line(
            "stopping passes through Stopping, ends the trials, and keeps what was measured",
            (
                "test_stopping_passes_through_stopping_and_keeps_what_was_measured",
                "test_a_job_that_is_stopped_before_it_was_started_ends",
            ),
        ),
        Line(
            "a deleted job is gone, its trials stay, and its name is free",
            ("test_a_deleted_job_is_gone_and_its_trials_stay",),
            "whether AWS gives a deleted job's name again is not documented",
        ),
        Line(
            "warm start: every documented rule, and those that only AWS's answers tell",
            (
                "test_what_may_change_under_transfer_learning",
                "test_what_may_not_change",
                "test_identical_means_the_same_image_and_data",
                "test_changes_are_counted_as_in_the_example_of_aws",
                "test_a_child_knows_what_its_parents_saw_and_the_best_of_all",
            ),
        ),
        Line(
            "numbers are single precision, the last value of a metric counts",
            ("test_a_training_job_tells_its_way_and_its_last_metrics",),
        ),
    ),
    "Training": (
        Line(
            "secondary statuses with their messages, the moments of each, seconds run and billed, "
            "the last value of each metric; all that a request asked for is described",
            (
                "test_a_training_job_tells_its_way_and_its_last_metrics",
                "test_a_training_job_alone_is_held_to_the_same_rules",
                "test_a_description_shows_all_that_was_asked",
            ),
            "debugger, profiler and experiments are described, and of no effect",
        ),
        Line(
            "the container's folder, files and environment",
            (
                "test_the_folder_is_laid_out_as_a_container_expects_it",
                "test_the_servers_own_environment_stays_outside",
            ),
            "`/opt/ml` is elsewhere: `SAGEMAKER_BASE_DIR` tells where",
        ),
        Line(
            "metrics are read line by line, with tabs as CloudWatch shows them",
            ("test_metrics_are_matched_line_by_line_with_tabs_as_in_cloudwatch",),
        ),
        Line(
            "stop by signal with a grace, longest run, retries of the service's own errors",
            (
                "test_stop_ends_the_script_in_its_grace_and_keeps_what_it_has",
                "test_a_script_that_ignores_the_signal_is_killed_after_the_grace",
                "test_a_script_that_hangs_ends_at_its_maximum_runtime",
                "test_a_trial_whose_time_is_over_stops_as_others_do",
                "test_the_services_own_errors_are_tried_again_as_often_as_asked",
            ),
        ),
        Line(
            "spot: interruptions, checkpoints, waiting, billing",
            (
                "test_a_spot_job_loses_its_instance_once_and_goes_on",
                "test_an_interrupted_job_goes_on_from_its_checkpoint",
                "test_a_spot_job_that_waits_too_long_is_stopped",
                "test_the_wait_of_a_spot_job_goes_on_while_it_runs",
                "test_a_spot_job_is_stopped_while_it_waits_for_an_instance",
                "test_each_trial_has_its_own_checkpoints",
            ),
            "interruptions come only if asked for; a spot second costs 30 % of another; a trial's "
            "checkpoints are below its name, where AWS does not say how it keeps them apart",
        ),
        Line(
            "built-in XGBoost: hyperparameters, data, metrics, k-fold, checkpoints",
            (
                "test_wrong_hyperparameters_are_told_as_the_algorithm_tells_them",
                "test_folds_print_their_mean_in_one_line",
                "test_early_stopping_keeps_the_best_round_and_reports_the_last",
                "test_a_model_is_there_when_a_job_is_stopped",
                "test_libsvm_is_what_data_are_without_a_content_type",
            ),
            "it runs the xgboost that is installed, whatever version the image names; parquet is "
            "refused with a reason where pyarrow is not installed",
        ),
        Line(
            "script mode of both SDK generations",
            (
                "test_both_versions_of_the_sdk_start_the_same_script",
                "test_the_environment_is_told_as_a_whole_too",
            ),
            "a script finds the packages of this machine, not those of its image",
        ),
        Line(
            "built-in k-nearest neighbours, CSV and RecordIO-protobuf",
            (
                "test_a_job_scores_its_test_channel_and_its_model_answers",
                "test_recordio_is_what_it_reads_when_nothing_is_said",
                "test_hyperparameters_are_validated",
            ),
            "the search is exact for every index type; the model's inner layout is ours",
        ),
        Line(
            "logs and metrics in CloudWatch, under the names that clients look for",
            (
                "test_a_job_is_found_under_the_names_that_clients_look_for",
                "test_batches_keep_to_the_limits_and_to_the_order",
            ),
            "5,000 lines of each stream, the rest in the job's folder; metrics by the second, and "
            "none of instances",
        ),
        Line(
            "what a job may do to the machine is bounded: processes, output, patterns, archives, "
            "artefacts",
            (
                "test_a_pattern_without_end_fails_its_job_only",
                "test_huge_output_neither_stalls_nor_collects",
                "test_a_file_may_not_grow_without_end",
                "test_what_a_script_has_started_ends_with_it",
                "test_what_has_left_its_group_ends_with_the_script_too",
                "test_children_without_end_are_ended",
                "test_a_full_disk_fails_the_job_with_its_reason",
                "test_a_job_goes_on_when_a_full_disk_has_room_again",
                "test_a_bomb_is_not_extracted",
                "test_several_of_them_at_once_leave_the_others_alone",
                "test_a_flood_of_metrics_holds_up_nobody",
            ),
            "one machine trains all instances: `InstanceCount` above one is told in the log",
        ),
    ),
    "Hosting": (
        Line(
            "models, configurations, endpoints: create, update, delete, invoke",
            (
                "test_an_endpoint_comes_up_and_answers",
                "test_an_update_replaces_what_is_served",
                "test_a_failed_update_leaves_the_old_one_serving",
                "test_a_deleted_endpoint_is_gone",
                "test_an_endpoint_needs_its_model_only_once",
            ),
            "one production variant for each endpoint",
        ),
        Line(
            "XGBoost answers in the form that is asked for; scripts serve by their functions",
            (
                "test_xgboost_answers_in_the_form_that_is_wished_for",
                "test_a_script_serves_with_the_defaults",
            ),
        ),
        Line(
            "deployments: canary, linear, rolling, capacity; rollback by alarms, by time, to a "
            "fleet that is up; progress in Describe and in events",
            (
                "test_a_canary_waits_then_all_follow",
                "test_linear_steps_add_up",
                "test_a_rolling_update_goes_batch_by_batch",
                "test_an_alarm_rolls_back",
                "test_a_deployment_that_takes_too_long_is_given_up",
                "test_a_restart_in_the_middle_begins_the_deployment_anew",
                "test_each_phase_is_an_event",
                "test_requests_are_shared_as_told",
            ),
            "at most four processes for each fleet; no Application Auto Scaling; the embedded "
            "CloudWatch ignores the dimensions of metrics when it judges alarms; a "
            "DeploymentConfig of CreateEndpoint is taken, and not kept for later updates",
        ),
        Line(
            "serverless endpoints start when they are asked, and have a limit",
            (
                "test_a_serverless_endpoint_starts_when_it_is_asked",
                "test_a_serverless_endpoint_has_a_limit",
            ),
        ),
        Line(
            "model packages: versions of a group, approval, models made of them",
            (
                "test_packages_of_a_group_are_versions_that_wait_for_approval",
                "test_a_model_of_a_package_is_served_by_its_container",
            ),
        ),
    ),
    "Events": (
        Line(
            "every change is an event on the default bus, in the form that was seen from AWS",
            (
                "test_every_change_of_a_job_and_its_trials_is_an_event",
                "test_every_kind_of_event_with_every_status_has_aws_shape",
                "test_events_reach_a_queue_through_a_rule",
            ),
            "models and endpoint configurations have none",
        ),
        Line(
            "the form that AWS documents, lost, doubled and late events",
            (
                "test_events_may_come_as_the_documentation_shows_them",
                "test_every_kind_of_event_with_every_status_has_aws_shape",
                "test_events_are_lost_doubled_and_late_as_asked",
            ),
            "only if asked for",
        ),
    ),
    "State": (
        Line(
            "a killed server goes on: nothing lost that was acknowledged, no trial twice at a time",
            (
                "test_a_killed_server_loses_nothing_it_acknowledged",
                "test_a_job_whose_server_is_killed_again_and_again_is_complete",
                "test_a_bucket_and_its_tags_survive_a_kill_at_once",
                "test_a_trial_of_a_killed_server_is_reaped_and_run_again",
                "test_a_process_that_a_dead_server_had_not_noted_yet_is_killed",
                "test_what_a_trial_told_before_its_checkpoint_survives_a_restart",
                "test_a_folder_has_one_server_at_a_time",
                "test_a_job_goes_on_after_a_restart_with_the_same_trials",
            ),
        ),
    ),
}


def page() -> str:
    """The page.

    Raises:
        LookupError: A line names a test that is not there.
    """
    known = _tests()
    parts = [
        "# The local SageMaker\n\nGenerated by `make golden` from the tests that hold each line. "
        "✓: held by so many tests; –: not held.\n"
    ]
    for title, lines in SECTIONS.items():
        rows = [f"## {title}\n", "| | behaviour | where it differs from AWS |", "|---|---|---|"]
        rows += [_row(line, known) for line in lines]
        parts.append("\n".join(rows) + "\n")
    parts.append(
        "## Operations\n\nEach of these answers, in the shape of botocore's model "
        "(`test_every_operation_has_answered_in_its_shape`), and `InvokeEndpoint` of the "
        f"runtime beside them:\n\n{', '.join(f'`{name}`' for name in OPERATIONS)}.\n\n"
        "All others of SageMaker's answer `UnknownOperationException` and name themselves.\n"
    )
    return "\n".join(parts)


def _row(line: Line, known: set[str]) -> str:
    missing = set(line.tests) - known
    if missing:
        raise LookupError(f"no test of tests/local is named {', '.join(sorted(missing))}")
    mark = f"✓ {len(line.tests)}" if line.tests else "–"
    return f"| {mark} | {line.what} | {line.differs} |"


def _tests() -> set[str]:
    return {
        node.name
        for path in TESTS.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
