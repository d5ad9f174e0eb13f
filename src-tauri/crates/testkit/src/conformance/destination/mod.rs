//! The conformance suite of destinations.

mod children;
mod commits;
mod modes;
mod schemas;
mod world;

use std::sync::Arc;

use anyhow::Result;
use arrow::record_batch::RecordBatch;
use futures::future::BoxFuture;
use syncline_protocol::{Column, Destination, TargetName};

use super::case::Report;
use world::World;

type Case = for<'a> fn(&'a World) -> BoxFuture<'a, Result<()>>;
type Make = Arc<dyn Fn() -> BoxFuture<'static, Box<dyn Destination>> + Send + Sync>;
type ReadAll = Arc<dyn Fn(TargetName, Vec<Column>) -> BoxFuture<'static, Vec<RecordBatch>> + Send + Sync>;

macro_rules! cases {
    ($($module:ident :: $name:ident),* $(,)?) => {
        &[$((stringify!($name), (|world| Box::pin($module::$name(world))) as Case)),*]
    };
}

const CASES: &[(&str, Case)] = cases![
    commits::check_ends_and_leaves_nothing,
    commits::open_raises_the_fence,
    commits::a_commit_survives_reopening,
    commits::a_checkpoint_comes_back_as_it_was,
    commits::uncommitted_rows_are_invisible_and_gone,
    commits::a_repeated_commit_is_a_conflict,
    commits::a_skipped_ordinal_is_a_conflict,
    commits::a_wrong_count_is_a_mismatch,
    commits::a_fenced_session_cannot_commit,
    commits::a_fenced_session_cannot_begin_or_apply,
    commits::connections_do_not_fence_each_other,
    commits::an_empty_commit_moves_the_checkpoint,
    commits::tables_load_in_parallel,
    commits::two_loaders_share_a_table,
    commits::quarantine_commits_with_its_segment,
    commits::an_uncommitted_rejection_is_gone,
    commits::a_replayed_row_leaves_quarantine_with_its_commit,
    modes::append_keeps_every_row,
    modes::merge_keeps_the_last_version,
    modes::merge_marks_deleted_rows,
    modes::merge_removes_deleted_rows,
    modes::order_within_a_segment_decides,
    modes::a_composite_key_in_its_own_order,
    modes::history_keeps_versions,
    modes::history_ignores_unchanged_rows,
    modes::replace_swaps_in_one_step,
    modes::replace_goes_on_after_reopening,
    modes::replace_begins_anew_on_begin,
    modes::replace_keeps_one_row_per_key,
    modes::a_swap_works_in_every_mode,
    modes::complete_changes_no_rows,
    modes::distinct_rows_land,
    modes::sweep_removes_what_is_not_listed,
    modes::sweep_of_an_empty_list_removes_all,
    modes::sweep_marks_and_closes,
    modes::rows_can_come_with_a_sweep,
    children::a_parent_keeps_what_came_with_it,
    children::a_parent_is_told_by_its_whole_key,
    children::the_last_telling_of_a_parent_counts,
    children::a_lost_telling_changes_nothing,
    children::history_keeps_what_a_parent_had,
    children::a_copy_has_the_last_telling,
    children::append_keeps_every_telling,
    children::many_parents_are_told_anew,
    schemas::create_shows_in_inspect,
    schemas::a_missing_table_is_not_found,
    schemas::changes_can_be_repeated,
    schemas::a_dropped_table_is_gone_and_can_come_back,
    schemas::a_new_column_is_null_in_old_rows,
    schemas::a_missing_column_is_null_in_new_rows,
    schemas::batches_may_order_columns_otherwise,
    schemas::widening_keeps_values,
    schemas::every_type_comes_back,
    schemas::every_type_merges,
    schemas::long_and_odd_names_work,
    schemas::ddl_says_what_apply_does,
    schemas::large_segments_land,
];

/// The suite for one destination.
#[derive(Clone)]
pub struct Suite {
    make: Make,
    read_all: Option<ReadAll>,
}

impl Suite {
    /// `make` connects to the destination. Each call must lead to the same stored data, as after a restart of the
    /// program; at first it is empty.
    pub fn new<F>(make: F) -> Self
    where
        F: Fn() -> BoxFuture<'static, Box<dyn Destination>> + Send + Sync + 'static,
    {
        Suite { make: Arc::new(make), read_all: None }
    }

    /// Gives the suite an independent way to read a whole table: also softly deleted rows and versions that ended.
    #[must_use]
    pub fn read_all<F>(mut self, read: F) -> Self
    where
        F: Fn(TargetName, Vec<Column>) -> BoxFuture<'static, Vec<RecordBatch>> + Send + Sync + 'static,
    {
        self.read_all = Some(Arc::new(read));
        self
    }

    /// Runs all cases; each has its own connection and tables.
    pub async fn run(&self) -> Report {
        let mut report = Report::default();
        for (name, case) in CASES {
            let world = World::new(name, Arc::clone(&self.make), self.read_all.clone());
            report.case(format!("destination::{name}"), Box::pin(async move { case(&world).await })).await;
        }
        report
    }
}

/// Runs all cases of [`Suite::new`].
///
/// # Panics
/// Naming each case that failed.
pub async fn suite<F>(make: F)
where
    F: Fn() -> BoxFuture<'static, Box<dyn Destination>> + Send + Sync + 'static,
{
    Suite::new(make).run().await.unwrap();
}
