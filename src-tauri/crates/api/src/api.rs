//! tmp
use crate::types::*;
use syncline_protocol::Error;
pub struct Api;
pub struct Events;
impl Events {
    pub fn changed(&self, _: &[crate::CacheTag]) {}
}
impl Api {
    pub fn events(&self) -> Events {
        Events
    }
}
macro_rules! h { ($($n:ident($r:ty)->$o:ty;)*) => { impl Api { $(pub async fn $n(&self,_:$r)->Result<$o,Error>{todo!()})* } } }
use syncline_engine::{Plan, Preview, Receipt, Replayed};
h! {
project_info(())->Project;
settings(())->Settings;
save_settings(Settings)->();
search(SearchRequest)->Vec<SearchHit>;
prepare_sample(())->Prepared;
remove_sample(())->();
connectors(())->Vec<ConnectorInfo>;
form(FormRequest)->Vec<FormField>;
address(AddressRequest)->Option<AddressAnswer>;
systems(())->Vec<SystemInfo>;
system(SystemRequest)->SystemDetail;
check_system(CheckRequest)->CheckResult;
save_system(SaveSystemRequest)->SystemInfo;
remove_system(SystemRequest)->();
discover(DiscoverRequest)->Vec<FoundTable>;
search_tables(TableSearchRequest)->TableSearchResult;
connections(())->Vec<ConnectionSummary>;
connection(ConnectionRequest)->ConnectionDetail;
save_connection(SaveConnectionRequest)->();
pause_connection(PauseRequest)->();
remove_connection(ConnectionRequest)->();
drafts(())->Vec<ConnectionDraft>;
save_draft(SaveDraftRequest)->();
remove_draft(DraftRequest)->();
plan(PlanRequest)->Plan;
preview(PreviewRequest)->Preview;
data(DataRequest)->GridData;
start_run(StartRequest)->Started;
pause_run(RunRequest)->();
stop_run(RunRequest)->();
receipt(RunRequest)->Receipt;
runs(RunsRequest)->Vec<RunSummary>;
run_log(LogRequest)->LogPage;
reliability(ReliabilityRequest)->Reliability;
timeline(TimelineRequest)->Vec<TimelineEntry>;
inbox(())->Vec<InboxEntry>;
decide(DecideRequest)->();
quarantine(QuarantineRequest)->Vec<QuarantineRow>;
replay(ReplayRequest)->Replayed;
accept_rejected(AcceptRequest)->Accepted;
run_sql(SqlRequest)->SqlResult;
sql_schema(DestinationRequest)->Vec<SqlTable>;
}
