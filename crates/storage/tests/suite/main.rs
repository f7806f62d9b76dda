//! The behaviour every store shares, run over each of them.
//!
//! A behaviour is an `async fn(&dyn Storage)` in [`behaviours`] that starts on an empty store; `on_every_store!` below makes
//! a test of it for each implementation. To add one, write the function and name it here. What only one implementation
//! has (its files, its errors at start) is tested in a file of its own.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod behaviours;
mod embedded_store;
mod etcd_server;
mod histories;
mod steps;

macro_rules! on_every_store {
    ($($area:ident::$case:ident),* $(,)?) => {
        mod on_embedded {
            $(
                #[tokio::test]
                async fn $case() {
                    let store = crate::embedded_store::Fresh::open();
                    crate::behaviours::$area::$case(&*store).await;
                }
            )*
        }

        mod on_etcd {
            $(
                #[tokio::test]
                async fn $case() {
                    let Some(server) = skiff_testkit::etcd::EtcdServer::start() else { return };
                    crate::behaviours::$area::$case(&crate::etcd_server::connect(&server).await).await;
                }
            )*
        }
    };
}

on_every_store! {
    writes::a_created_key_reads_back,
    writes::creating_an_existing_key_shows_it,
    writes::an_update_needs_the_last_revision,
    writes::a_deleted_key_is_gone_and_can_be_made_anew,
    writes::deleting_what_is_not_there_writes_nothing,
    writes::racing_increments_lose_nothing,
    writes::acknowledged_revisions_rise,
    writes::a_huge_value_is_refused,
    ranges::a_prefix_reads_in_order_and_nothing_else,
    ranges::pages_join_to_the_whole,
    ranges::the_past_reads_as_it_was,
    ranges::pages_of_the_past_join_to_the_whole,
    ranges::the_future_is_refused,
    ranges::one_key_is_not_a_prefix,
    compaction::compacted_revisions_are_refused_and_the_rest_stays,
    compaction::a_watch_from_a_compacted_revision_fails,
    compaction::compacting_twice_is_harmless,
    watches::a_watch_tells_states_before_and_after,
    watches::a_watch_replays_then_follows,
    watches::a_watch_sees_its_prefix_only,
    watches::a_watch_from_nought_sees_only_what_comes,
    watches::a_watch_from_the_future_waits_for_it,
    watches::a_watch_during_writes_has_no_gap_and_no_duplicate,
    watches::progress_comes_when_asked_for,
    expiry::a_key_with_a_time_to_live_goes_away,
    expiry::an_update_without_a_time_to_live_keeps_the_key,
}
