//! The rules, and the macros that make every backend run them.

pub(crate) mod appending;
pub(crate) mod chain;
pub(crate) mod durable;
pub(crate) mod leases;
pub(crate) mod racing;
pub(crate) mod reading;
pub(crate) mod tailing;
pub(crate) mod vault;

/// One test for each rule.
macro_rules! rules {
    ($place:ty: $($module:ident::$rule:ident,)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $rule() {
            let place = <$place as crate::place::Place>::fresh().await;
            crate::rules::$module::$rule(&place).await;
        }
    )+};
}

/// The rules for every place.
macro_rules! every_rule {
    ($place:ty) => {
        crate::rules::rules! { $place:
            appending::positions_are_gapless_from_one,
            appending::an_append_on_another_version_is_a_conflict,
            appending::an_append_of_several_events_is_recorded_as_one,
            appending::a_conflict_does_not_hurt_the_others_in_its_group,
            appending::appends_to_one_stream_in_one_group_follow_each_other,
            appending::a_command_recorded_before_is_answered_with_its_first_outcome,
            appending::a_command_twice_in_one_group_is_recorded_once,
            appending::a_command_that_lost_may_try_again,
            appending::what_can_never_succeed_is_refused,
            appending::a_full_queue_is_busy_and_loses_nothing,
            appending::an_abandoned_append_is_recorded_all_the_same,
            appending::a_closed_log_takes_no_more_appends,
            racing::of_eight_writers_with_one_expected_version_exactly_one_wins,
            racing::a_command_sent_from_everywhere_at_once_is_recorded_once,
            reading::a_stream_is_loaded_after_a_version,
            reading::streams_that_are_loaded_at_once_are_told_apart,
            reading::every_field_comes_back,
            reading::payloads_keep_their_exact_bytes,
            reading::large_payloads_are_kept_and_read_in_bounded_pages,
            reading::a_filter_leaves_out_other_categories,
            reading::a_read_returns_fewer_only_at_the_head,
            reading::events_are_found_by_position,
            tailing::a_tail_sees_each_event_once_while_others_write,
            tailing::a_tail_starts_at_every_position,
            tailing::a_tail_resumes_where_it_was_left,
            tailing::a_tail_waits_for_the_next_event,
            tailing::a_filtered_tail_passes_over_what_it_leaves_out,
            tailing::a_tail_falls_back_to_the_database_when_memory_is_overrun,
            tailing::an_abandoned_wait_loses_nothing,
            tailing::the_head_shown_can_be_read,
            chain::each_hash_follows_from_the_one_before,
            chain::an_untouched_log_is_intact,
            vault::a_secret_comes_back_as_it_was_sealed,
            vault::a_secret_sealed_again_is_replaced,
            leases::a_lease_has_one_holder,
            leases::an_expired_lease_is_taken_with_a_higher_epoch,
            leases::a_released_lease_is_free_at_once,
            leases::what_was_taken_cannot_be_released_by_its_old_holder,
            leases::of_eight_owners_one_gets_the_lease,
        }
    };
}

/// The rules for places that keep their log.
macro_rules! every_durable_rule {
    ($place:ty) => {
        crate::rules::rules! { $place:
            durable::a_log_opened_again_is_as_it_was_left,
            durable::a_command_recorded_before_the_log_was_closed_is_known,
            durable::positions_and_versions_go_on_after_opening_again,
            durable::closing_settles_what_waits,
            chain::every_tampering_is_named_with_its_first_position,
            chain::a_log_goes_on_after_any_tampering,
            vault::the_key_is_kept_beside_the_data,
            vault::a_secret_does_not_open_with_another_key,
            leases::epochs_survive_opening_again,
        }
    };
}

pub(crate) use {every_durable_rule, every_rule, rules};
