// Made by `cargo xtask codegen` from src-tauri/crates/api. Do not edit; a test compares it.

/** Lets rows in quarantine go: they are not loaded, and no longer counted. */
export type AcceptRequest = {
  /** The connection. */
  connection: string,
  /** The table of the source. */
  table: TableName,
  /** Which rows. */
  ids: Array<string>, };

/** What came of it. */
export type Accepted = {
  /** Rows that left the quarantine. */
  removed: number, };

/** The one word on what a connection does now. */
export type Activity = "idle" | "running" | "waiting" | "stopping";

/** What an address says. A password in it is not repeated: the window still has it and sends it with the settings. */
export type AddressAnswer = {
  /** The connector it belongs to. */
  connector: string,
  /** Values by path, for fields that are not secret. */
  values: Record<string, unknown>,
  /** The paths of the secret fields that the address fills, with where in the address the value stands. */
  secrets: Array<string>, };

/** A connection address that was pasted. May hold a password, so that it is a secret as a whole. */
export type AddressRequest = {
  /** For example `postgres://me@db.example.com/shop`. */
  address: SecretText,
  /** As what. */
  side: Side, };

/**
 * A failure in the shape in which every one is shown: what happened, what it means for the data, what to do; everything
 * else is a detail. Holds no secrets.
 */
export type ApiError = {
  /** The kind. */
  code: ErrorKind,
  /** What happened, in one sentence. */
  message: string,
  /** What it means for the data. */
  meaning: string,
  /** What to do, most likely first. Never empty. */
  fix: Array<ErrorFix>,
  /** When another attempt makes sense. */
  retry: RetryWhen,
  /** At which end of a connection it happened, when that is known. */
  side: Side | null,
  /** Facts and causes, for the details view. */
  detail: Array<string>, };

/** Asks a language model for a draft. */
export type AskHelpRequest = {
  /** What is wanted, and what may be told. */
  wanted: HelpWanted,
  /** The settings for the proof, without secrets. */
  config: Record<string, unknown>,
  /** The secrets, by path. The model is never told them. */
  secrets: { [key in string]: SecretText },
  /** Recorded answers are the proof, and nothing is sent to the API. */
  replay: boolean,
  /** What the draft may ask. */
  bounds: Bounds, };

/** One try of a run. */
export type Attempt = {
  /** 1 for the first. */
  number: number,
  /** When it began, RFC 3339 in UTC. */
  started_at: string,
  /** What it failed with, when it did: the first failure of a table that is tried again. */
  failure: Failure | null,
  /** The version of the source's connector it ran on. */
  version: string | null, };

/** That a version was bad for a connection. */
export type BadPlace = {
  /** The version. */
  version: string,
  /** Since when. */
  since: string,
  /** What it did, in one sentence. */
  because: string, };

/** What a source can notice. */
export type Badge = "incremental" | "deletes" | "schema_changes";

/** Begins to sign in. */
export type BeginSignInRequest = {
  /** Source or destination. */
  side: Side,
  /** The connector. */
  connector: string,
  /** Settings without plain secrets. */
  config: unknown,
  /** Secrets by path. */
  secrets: Record<string, string>,
  /** What the page says that the browser ends on. */
  words: SignInWords, };

/** Values in one range of a histogram; all ranges have the same width. */
export type Bin = {
  /** Where the range begins, as text of the column's type. */
  from: string,
  /** Where it ends. The last range includes its end, the others do not. */
  to: string,
  /** How many values of the sample lie in it. */
  count: number, };

/** What requests may be sent. */
export type Bounds = {
  /** Only to these hosts, with the port where it is not the usual one. */
  hosts: Array<string>,
  /** Not only GET and HEAD, but POST as well. */
  post: boolean, };

/** The part of the form that something belongs to. */
export type BuilderField = "manifest" | "address" | "sign_in" | "path" | "rows" | "pages" | "key" | "incremental" | "schema" | "errors";

/** Names a group of answers. A request that provides a tag is out of date when another one invalidates it. */
export type CacheTag = "project" | "connectors" | "systems" | "tables" | "connections" | "drafts" | "runs" | "inbox" | "quarantine" | "data";

/** Under which heading of the catalogue a system stands. */
export type Category = "databases" | "files" | "apps";

/** How a test ended. */
export type CheckOutcome = "ready" | "ready_with_limits" | "not_ready";

/** Tests settings. Steps arrive as `check_step` events while it runs. */
export type CheckRequest = {
  /** Made by the window; stands in the events. */
  check: string,
  /** Source or destination. */
  side: Side,
  /** The connector. */
  connector: string,
  /** Settings without plain secrets. */
  config: unknown,
  /** Secrets by path (`ssh.private_key`). Those that are left out keep the reference in the settings. */
  secrets: Record<string, string>,
  /** A sign-in whose tokens are used. */
  sign_in: string | null, };

/** How a test ended. */
export type CheckResult = {
  /** From its worst step. */
  outcome: CheckOutcome,
  /** Its steps, in order. */
  steps: Array<CheckStep>, };

/** One step of a test. */
export type CheckStep = {
  /** What was tried. */
  title: string,
  /** How it ended. */
  status: StepStatus,
  /** How long it took. */
  duration_ms: number,
  /** What was found. */
  detail: string | null,
  /** What it costs. */
  consequence: string | null,
  /** What to do, most likely first. */
  fixes: Array<StepFix>, };

/** A digest of both sides. */
export type ChecksumProof = {
  /** Of the source, converted as it lands. */
  source: Digest,
  /** Of the destination, read back. */
  destination: Digest,
  /** Rows of the source that are in quarantine instead. */
  rejected: number, };

/** A column, of a source or of a destination. */
export type Column = {
  /** Its name in the system it belongs to. */
  name: string,
  /** What its values mean. */
  type: LogicalType,
  /** Whether null is possible. */
  nullable: boolean,
  /** The type in the words of the system (`numeric(10,2)`, `mood`), for people and for exact round trips. */
  native_type?: string | null, };

/** How a column differs. */
export type ColumnDiff = {
  /** Its name. */
  column: string,
  /** Its type before; none when it is new. */
  before: LogicalType | null,
  /** Its type after; none when it is gone. */
  after: LogicalType | null, };

/** A column of the sample. */
export type ColumnPreview = {
  /** Name in the source. */
  source: string,
  /** Type in the source. */
  source_type: string,
  /** Name in the destination. */
  target: string,
  /** Type in the destination. */
  landed_type: LogicalType,
  /** Whether values become codes. */
  hash: boolean,
  /** The rule when values change their form. */
  note: string | null,
  /** Nulls in the sample. */
  nulls: number, };

/** What a column of a sample holds. */
export type ColumnProfile = {
  /** Which column of the sample. */
  column: number,
  /** Why there are no figures; none when there are. */
  skipped: Skipped | null,
  /** Different values in the sample (exact). */
  distinct: number,
  /** The smallest value, as text. */
  min: string | null,
  /** The largest value, as text. */
  max: string | null,
  /** The most frequent values with their counts, at most five; empty when all differ. */
  top: Array<[string, number]>,
  /** How values are spread, for numbers, days and instants; empty for others and when all are the same. */
  histogram: Array<Bin>, };

/** Compares both sides of a table. */
export type CompareRequest = {
  /** The connection. */
  connection: string,
  /** The table. */
  table: TableName, };

/** What a comparison of both sides of a table found. */
export type Comparison = {
  /** The table of the source. */
  table: TableName,
  /** The table of the destination. */
  target: TargetName,
  /** When the comparison began, RFC 3339 in UTC. */
  at: string,
  /** Rows of the source that fit the destination. */
  source_rows: number,
  /** Rows of the destination, as a reader counts them. */
  destination_rows: number,
  /** Rows that are the same on both sides. */
  matching: number,
  /** Rows that should be in the destination and are not. */
  missing: number,
  /** Rows that are in both with other values. */
  different: number,
  /** Rows that are only in the destination, though the connection notices deletes. */
  extra: number,
  /** Differences that are as they should be. */
  expected: Array<ExpectedGap>,
  /** Some of the rows that are missing, different or extra. */
  examples: Array<DifferingRow>,
  /** Rows that lie among differing ones and were not looked at one by one, because there are too many. */
  unchecked: number,
  /** The updated-at column that tells what is not synced yet; none when the table has none. */
  cursor: string | null,
  /** Whether rows that are missing or different can be read again. */
  rereadable: boolean, };

/** What changed in a file of the configuration. */
export type ConfigDiff = {
  /** The file within the project. */
  file: string,
  /** Since when it was as before. */
  before_at: string,
  /** When it was changed, or the change was noticed. */
  after_at: string,
  /** Changed lines with what is around them. */
  lines: Array<DiffLine>, };

/** A connection. */
export type ConnectionDetail = {
  /** As in the list. */
  summary: ConnectionSummary,
  /** Its tables with what is known of them. */
  tables: Array<TableStatus>,
  /** The source in a few words. */
  source_summary: string,
  /** The destination in a few words. */
  destination_summary: string,
  /** The file or folder of the destination, when it is one on this computer. */
  path: string | null,
  /** Its file as data, to be changed and saved again. */
  config: Record<string, unknown>, };

/** A connection that is being set up. */
export type ConnectionDraft = {
  /** Its name, or what it is called until it has one. */
  name: string,
  /** When it was changed last. */
  changed_at: string,
  /** Whatever the window needs to go on with it. Must not hold secrets. */
  content: unknown, };

/** Names a connection. */
export type ConnectionRequest = {
  /** The connection. */
  connection: string, };

/** A line of the list of connections. */
export type ConnectionSummary = {
  /** Its name. */
  name: string,
  /** Where rows come from. */
  source: SystemRef,
  /** Where they go. */
  destination: SystemRef,
  /** How it is. */
  health: Health,
  /** Why, in one sentence, when it is not well. */
  reason: string | null,
  /** What it does now. */
  activity: Activity,
  /** For what it waits, or where it stands, in a few words. */
  activity_text: string | null,
  /** The run that is working, when this program runs it. */
  running: string | null,
  /** The last runs, at most 30, oldest first. */
  recent: Array<RunSummary>,
  /** Its tables. */
  tables: Array<TableName>,
  /** Changes of the source that wait for a decision. */
  inbox: number,
  /** Rows that the last run of each table put into quarantine. */
  quarantined: number,
  /** Since when it is paused. */
  paused_since: string | null, };

/** Which version a connection is on. */
export type ConnectionVersion = {
  /** The connection. */
  connection: string,
  /** The version it should run on: its own, or that of its source. */
  version: string,
  /** Whether it names a version of its own: it goes ahead of its source, or stays behind. */
  own: boolean,
  /** The version it runs on: another one when that one is bad for it. */
  runs_on: string,
  /** The version that a run goes on with by itself when the one it runs on fails; none when that one is proved. */
  falls_back: string | null,
  /** The version that a roll-back puts it on. */
  back: string | null,
  /** How each version did for it that a run has tried. */
  marks: Array<VersionMark>, };

/** What somebody fills in to use a connector. */
export type ConnectorForm = {
  /** Its settings. */
  fields: Array<FormField>,
  /** How somebody can sign in with a browser; none when there is no such way. */
  sign_in: SignInInfo | null, };

/** A line of the catalogue. */
export type ConnectorInfo = {
  /** What project files call it. */
  name: string,
  /** What people call it. */
  title: string,
  /** One line on what it reads and writes. */
  description: string,
  /** Other words people search for. */
  aliases: Array<string>,
  /** Schemes of connection addresses that belong to it. */
  url_schemes: Array<string>,
  /** How long it has proved itself. */
  maturity: Maturity,
  /** Where it comes from. */
  origin: Origin,
  /** Its heading. */
  category: Category,
  /** What it notices as a source. */
  badges: Array<Badge>,
  /** A small drawing (SVG). */
  icon: string | null,
  /** Whether it can be read. */
  source: boolean,
  /** Whether it can be written. */
  destination: boolean, };

/** A connector that the project keeps in versions side by side. */
export type ConnectorVersions = {
  /** What project files call it. */
  connector: string,
  /** What people call it. */
  title: string,
  /** Its versions, newest first. */
  versions: Array<string>,
  /** The sources that use it. */
  sources: Array<SourceVersion>, };

/** Which control a field needs. */
export type Control = "text" | "secret" | "number" | "boolean" | "choice" | "list" | "switch";

/** A count on both sides. */
export type CountProof = {
  /** Rows that were committed. */
  committed: number,
  /** Rows that are there. */
  counted: number, };

/** Reads a window of a table in the destination. */
export type DataRequest = {
  /** The connection. */
  connection: string,
  /** The table of the source. */
  table: TableName,
  /** How many rows to leave out at the beginning. */
  offset: number,
  /** At most this many rows. */
  limit: number, };

/**
 * Decides about changes. Of several, only harmless ones are followed at once: each of the others is a decision of its
 * own.
 */
export type DecideRequest = {
  /** Which ones. */
  ids: Array<string>,
  /** What to do; `ask` puts them off until tomorrow. */
  choice: DriftChoice, };

/** What was decided. */
export type Decided = {
  /** The entries of the history, which can be undone until something follows from them. */
  entries: Array<number>, };

/** A column of a table in the destination: as it is now and as it will be. */
export type DefinitionLine = {
  /** What happens to it. */
  sign: DefinitionSign,
  /** Name and type in the words of the destination; for a column that goes, as it is now. */
  text: string,
  /** As it is now, when its type changes. */
  before: string | null, };

/** What happens to a column. */
export type DefinitionSign = "add" | "change" | "remove" | "same";

/** What a merge does with rows that the source deleted. */
export type Deletes = "soft" | "hard";

/** Names a destination. */
export type DestinationRequest = {
  /** Its name. */
  destination: string, };

/** A line of a difference. */
export type DiffLine = {
  /** What happened to it. */
  sign: DiffSign,
  /** The line. */
  text: string, };

/** Asks what changed in a file of the configuration. */
export type DiffRequest = {
  /** The earlier version. */
  before: number,
  /** The later version. */
  after: number, };

/** What happened to a line. */
export type DiffSign = "same" | "added" | "removed" | "gap";

/** A row that differs. */
export type DifferingRow = {
  /** How. */
  state: RowState,
  /** Its key in words: `id = 7`. */
  key: string, };

/** The digest of a set of rows. */
export type Digest = {
  /** How many rows. */
  rows: number,
  /** Sum of the row hashes, modulo 2^64. Sixteen hex digits in JSON, where numbers of this size are rounded. */
  checksum: string, };

/** Lists the tables of a source. */
export type DiscoverRequest = {
  /** The source. */
  source: string,
  /** Whether to ask the source again; otherwise what is known is answered, where something is. */
  refresh: boolean, };

/** How the requests of a table that is divided among the rows of another one went. */
export type Divided = {
  /** Requests for rows of the other table. */
  parent_pages: number,
  /** Rows that they gave. */
  parents: number,
  /** The requests stopped before there were no more of them. */
  more: boolean,
  /** So many of the rows were asked about to the end. */
  asked: number,
  /** Requests for that. */
  pages: number,
  /** Milliseconds of a request, on average; of recorded ones nothing. */
  request_ms: number | null, };

/** A connector that is being made. */
export type Draft = {
  /** A name that fits. */
  name: string,
  /** What the API calls itself. */
  title: string,
  /** The manifest. */
  yaml: string,
  /** What in it was guessed. */
  guesses: Array<Guess>,
  /** What a description offers, lists first. */
  operations: Array<Operation>,
  /** What of the input could not be used. */
  problems: Array<InputProblem>,
  /** The answer it was made from. */
  sample: string | null,
  /** Where in the command the secrets stand; they are not repeated. */
  secrets: Array<SecretPlace>, };

/** What a connector is made from. */
export type DraftFrom = { "kind": "open_api",
  /** The text; none: it is fetched. */
  text: string | null,
  /** Where it lies; relative addresses in it begin there. */
  url: string | null,
  /** The operations that become tables, by id; none: those that look like lists. */
  chosen: Array<string> | null, } | { "kind": "sample",
  /** JSON; none: the address is asked. */
  text: string | null,
  /** The address that gave it. */
  url: string | null, } | { "kind": "curl",
  /** The command. */
  text: string, } | { "kind": "empty" };

/** Names a draft. */
export type DraftRequest = {
  /** Its name. */
  name: string, };

/** One change of a source table's shape. */
export type Drift = {
  /** The table. */
  table: TableName,
  /** What changed. */
  kind: DriftKind,
  /** The column, when it is one. */
  column: string | null,
  /** In words: "new column `channel` (text)". */
  what: string,
  /** What the policy says. */
  choice: DriftChoice, };

/** What to do about one kind of drift. */
export type DriftChoice = "apply" | "ask" | "ignore";

/** The kinds of drift. */
export type DriftKind = "new_column" | "widened_type" | "narrowed_type" | "dropped_column" | "key_changed" | "new_table";

/** Something that can be done about a failure. */
export type ErrorFix = {
  /** In words. */
  label: string,
  /** What the window can do for the person, when it can. */
  action: FixAction | null, };

/** The kinds of failure. A kind exists only because somebody acts on it differently. */
export type ErrorKind = "config" | "authentication" | "permission" | "not_found" | "unreachable" | "connection_lost" | "timeout" | "rate_limited" | "tls" | "host_key" | "schema_changed" | "needs_decision" | "position_lost" | "corrupt_input" | "too_many_rejected" | "locked" | "disk_full" | "fenced" | "conflict" | "limit_exceeded" | "unsupported" | "mismatch" | "stopped" | "internal";

/** What syncs of a table cost. Nothing here was counted to the end: every figure has its basis. */
export type Estimate = {
  /** A sync that reads all rows; none when nobody knows how many there are. */
  full: SyncEstimate | null,
  /** Whether the next sync is such a one. */
  next_is_full: boolean,
  /** Whether later ones are, too. */
  later_are_full: boolean,
  /** Syncs that read new and changed rows; none before there were some. */
  later: SyncEstimate | null, };

/** From where a figure is known. */
export type EstimateBasis = { "from": "statistics" } | { "from": "whole_sample" } | { "from": "trial",
  /** Rows of it. */
  rows: number,
  /** Rows in a second. */
  per_second: number, } | { "from": "runs",
  /** How many. */
  runs: number, };

/** Why something was guessed. */
export type Evidence = { "kind": "parameters",
  /** The names. */
  names: Array<string>, } | { "kind": "described",
  /** Where. */
  place: string, } | { "kind": "only_array",
  /** How many rows it has. */
  rows: number, } | { "kind": "largest_array",
  /** How many rows it has. */
  rows: number,
  /** How many arrays there are. */
  arrays: number, } | { "kind": "no_array" } | { "kind": "unique",
  /** Of so many rows. */
  rows: number, } | { "kind": "times",
  /** Of so many rows. */
  rows: number,
  /** Their format. */
  format: string, } | { "kind": "answer",
  /** Where. */
  place: string, } | { "kind": "request" } | { "kind": "in_path",
  /** The parameter. */
  parameter: string,
  /** The path of the other table. */
  parent: string, } | { "kind": "usual" };

/** Asks what an answer shows. */
export type ExamineRequest = {
  /** The answer, JSON. */
  answer: string,
  /** Where its rows are; null: at the likeliest place. */
  rows: Array<string> | null, };

/** What an answer shows. */
export type Examined = {
  /** Arrays that could be the rows, the best first. */
  arrays: Array<FoundArray>,
  /** Fields of the rows that could be the key, the best first. */
  keys: Array<FoundField>,
  /** Fields that could tell which rows are new, the best first. */
  times: Array<FoundField>,
  /** Fields that could lead to the next page. */
  next: Array<FoundNext>, };

/** A request and its answer. */
export type Exchange = {
  /** `GET` … */
  method: string,
  /** The address, secrets masked. */
  url: string,
  /** The headers that were sent, secrets masked. */
  headers: Array<[string, string]>,
  /** The body that was sent, secrets masked. */
  body: string | null,
  /** The status; 0: there was no answer. */
  status: number,
  /** Milliseconds. */
  duration_ms: number,
  /** Headers of the answer that tell about limits. */
  limits: Array<[string, string]>,
  /** What kind of text the answer says it is. */
  content_type: string,
  /** The answer, secrets masked, as far as it is shown. */
  answer: string,
  /** The answer is longer. */
  cut: boolean,
  /** Rows at the place where rows should be. */
  rows: number | null,
  /** It belongs to the second run. */
  second: boolean, };

/** Rows, or columns, that rightly differ. */
export type ExpectedGap = {
  /** Why. */
  reason: GapReason,
  /** How many rows; of columns that are left out, how many columns. */
  count: number, };

/** A draft that did not pass. */
export type FailedDraft = {
  /** What the model said. */
  answer: string,
  /** Why it does not pass. */
  failed: Array<string>, };

/** An error as data, in the shape of every error that people see. */
export type Failure = {
  /** The kind, for programs. */
  kind: ErrorKind,
  /** What happened. */
  message: string,
  /** What it means for the data. */
  meaning: string,
  /** What to do, most likely fix first. */
  fixes: Array<string>,
  /** Facts and causes, for the details view. */
  details: Array<string>,
  /** At which end of the connection it happened, when that is known. */
  side?: Side, };

/** That a run went back to the last version of its source's connector that worked. */
export type FellBack = {
  /** The connector. */
  connector: string,
  /** The version that failed. */
  from: string,
  /** The version that the run went on with. */
  to: string,
  /** What the version did, in one sentence. */
  because: string,
  /** The tables that were read again. */
  tables: Array<TableName>,
  /**
   * Whether the earlier version did better. Then the other one is not used for this connection any more, until
   * somebody asks for it again; else the version is not what is wrong.
   */
  bad: boolean, };

/** Something about the data that a person should know. */
export type Finding = {
  /** Larger is worse: 3 rows are rejected, 2 the result may surprise, 1 good to know. */
  weight: number,
  /** In one sentence. */
  text: string, };

/** Where a window can lead somebody who has to fix something. */
export type FixAction = "edit_settings" | "try_again" | "open_inbox" | "open_rejected" | "make_plan" | "copy_details";

/** Forgets a draft. */
export type ForgetDraftRequest = {
  /** Its name. */
  name: string, };

/** Something that can be chosen. */
export type FormChoice = {
  /** What is sent. */
  value: string,
  /** What is shown. */
  label: string,
  /** What it means. */
  help: string | null, };

/** A field applies when another one has a certain value (and itself applies). */
export type FormCondition = {
  /** The other field. */
  path: Array<string>,
  /** Its value. */
  equals: unknown, };

/** One field of a form. Forms are flat: a field inside a group has a path of several names. */
export type FormField = {
  /** Where its value stands in the settings. */
  path: Array<string>,
  /** Which control it needs. */
  control: Control,
  /** Its name for people. */
  label: string,
  /** What it is for. */
  help: string | null,
  /** Whether it must be given. */
  required: boolean,
  /** What holds when it is left out. */
  default: unknown,
  /** For example. */
  example: string | null,
  /** The smallest number. */
  minimum: number | null,
  /** The largest number. */
  maximum: number | null,
  /** What can be chosen. */
  choices: Array<FormChoice>,
  /** Whether its text can have several lines. */
  multiline: boolean,
  /** Whether most people leave it as it is. */
  advanced: boolean,
  /** The name of its group for people; none at the top. */
  group: string | null,
  /** When it applies; always when there is none. */
  condition: FormCondition | null, };

/** Asks for the form of a connector. */
export type FormRequest = {
  /** The connector. */
  connector: string,
  /** As what. */
  side: Side, };

/** What was found. */
export type Found = { "kind": "not_loaded", message: string, line: number | null, } | { "kind": "not_signed_in", status: number, sent: string, } | { "kind": "forbidden", url: string, } | { "kind": "no_such_path", url: string, } | { "kind": "web_page", url: string, } | { "kind": "not_json", url: string, } | { "kind": "server_failed", status: number, } | { "kind": "asked_too_often", wait: number | null, } | { "kind": "refused", status: number, message: string, } | { "kind": "unreachable", message: string, } | { "kind": "not_recorded" } | { "kind": "out_of_bounds", method: string, host: string, } | { "kind": "failed", message: string, fix: string, } | { "kind": "no_rows", at: string, other: FoundArray | null, } | { "kind": "one_object", other: FoundArray, } | { "kind": "rows_found", rows: number, } | { "kind": "page_repeats" } | { "kind": "one_page", rows: number, size: number | null, } | { "kind": "pages_proved", pages: number, rows: number, } | { "kind": "next_seen", path: Array<string>, link: boolean, } | { "kind": "key_unique", key: Array<string>, rows: number, } | { "kind": "key_doubled", key: Array<string>, doubled: number, rows: number, } | { "kind": "key_missing", key: Array<string>, missing: number, } | { "kind": "key_unset", candidate: string | null, } | { "kind": "time_missing", field: string, } | { "kind": "time_format", field: string, example: string, format: string | null, } | { "kind": "newer_proved", since: string, rows: number, of: number, } | { "kind": "filter_ignored", parameter: string | null, since: string, older: number, rows: number, } | { "kind": "newer_unproved", since: string, } | { "kind": "mixed", column: string, seen: Array<[string, number]>, };

/** An array of an answer. */
export type FoundArray = {
  /** Where. */
  path: Array<string>,
  /** How many items it has. */
  rows: number, };

/** A column of a source. */
export type FoundColumn = {
  /** Its name. */
  name: string,
  /** Its type, in the words of the source. */
  type: string,
  /** Whether null is possible. */
  nullable: boolean,
  /** Why it may hold personal data. A suggestion: nothing is done by itself. */
  personal: PersonalData | null, };

/** A column that tells which rows are new or changed. */
export type FoundCursor = {
  /** The column. */
  column: string,
  /** Why it is proposed. */
  reason: string, };

/** A field of the rows. */
export type FoundField = {
  /** Its name. */
  field: string,
  /** Why. */
  because: Evidence, };

/** A field that leads to the next page. */
export type FoundNext = {
  /** Where. */
  path: Array<string>,
  /** Whether it is an address; else a text to be sent along. */
  link: boolean, };

/** A table of a source. */
export type FoundTable = {
  /** Its name. */
  table: TableName,
  /** What it is. */
  kind: TableKind,
  /** About how many rows it has. */
  rows_estimate: number | null,
  /** About how many bytes it takes. */
  bytes_estimate: number | null,
  /** Its columns. */
  columns: Array<FoundColumn>,
  /** The columns that identify a row. */
  key: Array<string>,
  /** Columns that could serve as the updated-at column, best first. */
  cursors: Array<FoundCursor>,
  /** How it is synced when nobody says otherwise. */
  suggested: SuggestedSync,
  /** Why it cannot be read, when it cannot. */
  unreadable: string | null,
  /** The description that the source keeps. */
  comment: string | null, };

/** Freshness minutes against 99.9 %. */
export type Freshness = {
  /** Data older than this counts as late. */
  target_minutes: number,
  /** Time since the first success that counts: neither paused nor, unless that is wanted, while nobody watched. */
  counted_seconds: number,
  /** Of these, how long the data was older than it should be. */
  late_seconds: number,
  /** How long it may be late: 0.1 % of the time that counts. */
  allowance_seconds: number,
  /** The same for all days when all of their time counts: 43 min 12 s of 30 days. */
  full_allowance_seconds: number,
  /** Time that does not count because the connection was paused. */
  paused_seconds: number,
  /** Time in which Syncline was not open on this computer. */
  off_seconds: number,
  /** Whether such time counts all the same. */
  off_counts: boolean, };

/** Why something rightly differs. */
export type GapReason = "not_synced" | "outdated" | "deletes_not_tracked" | "rejected" | "same_key_again" | "older_versions" | "columns_left_out";

/** A column of a grid. */
export type GridColumn = {
  /** Its name. */
  name: string,
  /** Its type, in the words of the system. */
  type: string, };

/** Rows to be shown. */
export type GridData = {
  /** The columns. */
  columns: Array<GridColumn>,
  /** Values as text, ready to be shown; null is null. */
  rows: Array<Array<string | null>>,
  /** How many rows there are in all; none when that is not known. */
  total: number | null, };

/** A value that nobody confirmed yet. */
export type Guess = {
  /** Where it stands in the manifest. */
  path: Array<string>,
  /** Why it was guessed. */
  because: Evidence, };

/** The one word on how a connection is. */
export type Health = "needs_you" | "failing" | "late" | "new" | "healthy" | "paused" | "draft";

/** A message to a model, as it is sent. */
export type HelpMessage = {
  /** `system`, `user` or `assistant`. */
  role: string,
  /** What is said. */
  content: string, };

/** What would be sent, and to whom. */
export type HelpPreview = {
  /** Where it goes. */
  url: string,
  /** To which model. */
  model: string,
  /** All of it. */
  messages: Array<HelpMessage>,
  /** What the manifest, as it is, asks. */
  bounds: Bounds, };

/** What somebody wants help with, and what may be told of it. */
export type HelpWanted = {
  /** The manifest as it is. */
  yaml: string,
  /** What it should do, in words. */
  wish: string,
  /** A description of the API; null: it is not told. */
  description: string | null,
  /** An answer of the API; null: it is not told. */
  sample: string | null,
  /**
   * Whether values of that answer, and what the API said of failures, are told, too. Without it only names and kinds
   * are.
   */
  values: boolean,
  /** Drafts that it gave before, and why they do not pass. */
  earlier: Array<FailedDraft>, };

/** A draft of a model, and what came of it. */
export type HelpedDraft = {
  /** The manifest; null: there was none in the answer. */
  yaml: string | null,
  /** What the model said, as far as it is kept. */
  answer: string,
  /** Why the manifest cannot be loaded. */
  problem: InputProblem | null,
  /** What its tables gave. */
  tables: Array<HelpedTable>,
  /** Tables beyond those that are tried at once. */
  untried: Array<string>,
  /** Every table gave rows, and no request contradicts it. */
  proved: boolean,
  /** Why it does not pass, in words for the model. */
  failed: Array<string>, };

/** A table of such a draft. */
export type HelpedTable = {
  /** Its name. */
  table: string,
  /** What its requests show. */
  result: TrialResult, };

/** The language model that may be asked. */
export type HelperInfo = {
  /** Its address. */
  url: string,
  /** The name of the model. */
  model: string,
  /** Whether the vault has a key for it. */
  has_key: boolean, };

/** A change of a source that a person should know of or decide about. */
export type InboxEntry = {
  /** Names it until it is decided. */
  id: string,
  /** The connection. */
  connection: string,
  /** What changed. */
  drift: Drift,
  /** When it was found first. */
  since: string,
  /** How often the connection has synced since, with or without this table. */
  runs_since: number,
  /** When the shape before it was accepted; none for new tables. */
  accepted_at: string | null,
  /** What it means, in one sentence. */
  effect: string,
  /** Whether nothing breaks whatever is chosen. */
  harmless: boolean,
  /** What can be chosen; `ask` means later. */
  choices: Array<DriftChoice>, };

/** Something of the input that cannot be used. */
export type InputProblem = {
  /** The line, from 1. */
  line: number | null,
  /** What is wrong. */
  message: string, };

/** A draft that is kept. */
export type KeptDraft = {
  /** Its name. */
  name: string,
  /** The manifest. */
  yaml: string,
  /** What nobody confirmed yet. */
  guesses: Array<Guess>,
  /** The answer it was made from, when it is not large. */
  sample: string | null,
  /** The name of the connector that it changes; null: it is a new one. */
  changes: string | null, };

/** A table that is no longer synced and still has rows in the destination. */
export type LeftTable = {
  /** The table of the source. */
  table: TableName,
  /** The table of the destination. */
  target: TargetName,
  /** How many rows a reader finds there; none where counting takes long. */
  rows: number | null,
  /** When rows came last, RFC 3339 in UTC. */
  synced_at: string,
  /**
   * Whether syncing the table again would bring the same rows back. Not so where every version or every change is
   * kept: what is older than the source remembers is nowhere else.
   */
  restorable: boolean,
  /** Whether the plan removes it. Only when a person asked for that. */
  remove: boolean,
  /** What removing it means, as statements. */
  ddl: Array<string>, };

/**
 * Goes to the next or the last match in the log of a run. The search goes through the whole file and, at its end, on at
 * the other end.
 */
export type LogFindRequest = {
  /** The lines that are searched. */
  lines: LogLines,
  /** What they must hold; null: the next of these lines. */
  search: LogText | null,
  /** Only errors. */
  errors: boolean,
  /** The number of the line from which on is searched, this one included. */
  near: number,
  /** The last match before that line instead. */
  backwards: boolean, };

/** What was found. */
export type LogFound = {
  /** How many lines match in the whole log. */
  total: number,
  /** The match; none when there is none. */
  hit: LogMatch | null, };

/** How grave a line is; the gravest first. */
export type LogLevel = "error" | "warn" | "info" | "debug";

/** A line of a log. */
export type LogLine = {
  /** Its number in the whole log, from 1. */
  n: number,
  /** When, RFC 3339 in UTC. */
  time: string,
  /** How grave. */
  level: LogLevel,
  /** What it is about. */
  stage: LogStage,
  /** The table it is about. */
  table: string | null,
  /** What it says. */
  text: string, };

/** Which lines of the log of a run are wanted. */
export type LogLines = {
  /** The run. */
  run: string,
  /** Only lines at least as grave as this. */
  level: LogLevel | null,
  /** Only lines about this stage. */
  stage: LogStage | null,
  /** Only lines about this table. */
  table?: TableName, };

/** A line that matches. */
export type LogMatch = {
  /** The how manieth match it is, from 1. */
  ordinal: number,
  /** The number of the line. */
  n: number,
  /** How many of the wanted lines come before it. */
  position: number, };

/** A window of a log. */
export type LogPage = {
  /** The lines of the window. */
  lines: Array<LogLine>,
  /** How many lines match in the whole log. */
  total: number,
  /** The first error in the whole log. */
  first_error: LogLine | null,
  /** The size of the file. */
  bytes: number,
  /** Where the file is; none when there is none. */
  file: string | null, };

/** Reads the log of a run. */
export type LogRequest = {
  /** The lines. */
  lines: LogLines,
  /** How many of them to leave out at the beginning. */
  from: number,
  /** At most this many lines. */
  limit: number,
  /** Only lines that hold this. */
  only: LogText | null, };

/** The stage of a sync that a line is about. */
export type LogStage = "run" | "read" | "prepare" | "write";

/** What is searched for in a log, whatever the case of letters. */
export type LogText = {
  /** The text. */
  text: string,
  /** Whether it is a regular expression. */
  expression: boolean, };

/**
 * What a value means, independent of any system. See the module documentation for the Arrow layout.
 *
 * As text: `int64`, `decimal(10,2)`, `list<text>`, `struct<"a":int32,"b":text>`.
 */
export type LogicalType = string;

/** What it says. */
export type LookAnswer = {
  /** Its tables. */
  tables: Array<LookedTable>,
  /** The form of its settings. */
  fields: Array<FormField>,
  /** Why it cannot be loaded. */
  problem: InputProblem | null, };

/** Asks what a manifest says. */
export type LookRequest = {
  /** Its text. */
  yaml: string, };

/** A table of a manifest. */
export type LookedTable = {
  /** Its name. */
  name: string,
  /** Why it cannot be read. */
  problem: string | null, };

/** A table that matches a search. */
export type MatchingTable = {
  /** The table. */
  table: FoundTable,
  /** The names of its columns that match. */
  columns: Array<string>, };

/** How long a connector has proved itself. */
export type Maturity = "stable" | "new";

/** Asks for the manifest of a connector. */
export type OpenConnectorRequest = {
  /** Its name. */
  name: string, };

/** Names a project to be opened. */
export type OpenProjectRequest = {
  /** Its folder, or its `project.yaml`. */
  folder: string, };

/** A manifest of the project. */
export type OpenedConnector = {
  /** The manifest. */
  yaml: string,
  /** The sources that use it. */
  used_by: Array<string>, };

/** An operation of a description. */
export type Operation = {
  /** `GET /v2/tickets`. */
  id: string,
  /** What it is for. */
  summary: string | null,
  /** The name its table would have. */
  table: string,
  /** Whether its answer is a list. */
  lists: boolean,
  /** Whether it is a table of the draft. */
  chosen: boolean,
  /** Parameters of the path that no other table gives. */
  needs: Array<string>,
  /** The operation whose rows it is asked for. */
  parent: string | null, };

/** Where a connector comes from. */
export type Origin = "program" | "built" | "imported";

/** How a run ended. */
export type Outcome = "succeeded" | "succeeded_with_rejected" | "needs_decision" | "stopped" | "failed";

/** Pauses a connection, or lets it go on. */
export type PauseRequest = {
  /** The connection. */
  connection: string,
  /** Whether it is paused from now on. */
  paused: boolean, };

/** A guess that a column holds personal data. */
export type PersonalData = {
  /** Of which kind, in a word: "e-mail". */
  kind: string,
  /** Whether the guess is a strong one ("likely") or not ("possible"). */
  likely: boolean,
  /** Why, in a few words. */
  evidence: string,
  /** What is usually done about it. */
  suggestion: PersonalDataSuggestion, };

/** What is usually done about personal data. */
export type PersonalDataSuggestion = "hash" | "exclude";

/** How a source or connection stood. */
export type Place = { "of": "source",
  /** Its name. */
  name: string,
  /** The version that it named; none when it followed the newest. */
  version: string | null, } | { "of": "connection",
  /** Its name. */
  name: string,
  /** The version of its own; none when it was on that of its source. */
  version: string | null,
  /** A version that was bad for it, and is tried again now. */
  bad: BadPlace | null, };

/** What a run would do. */
export type Plan = {
  /** The connection. */
  connection: string,
  /** When it was made, RFC 3339 in UTC. */
  made_at: string,
  /**
   * Changes when the configuration, the source's shape or the destination's shape changes. A run that is given this
   * fingerprint does exactly this plan or nothing.
   */
  fingerprint: string,
  /** The tables, in the order of the connection. */
  tables: Array<TableEffect>,
  /**
   * Tables that are no longer synced and still have rows in the destination, by name. They keep them unless the
   * plan was asked to remove them.
   */
  left: Array<LeftTable>, };

/** Asks what a run would do. */
export type PlanRequest = {
  /** The connection. */
  connection: string,
  /** Only these tables; empty means all. */
  tables: Array<TableName>,
  /** All rows are read again, also those that were read before. */
  reread?: boolean,
  /** Tables that are no longer synced, whose rows are to be removed from the destination. Null: none. */
  remove?: Array<TableName>, };

/** An API to learn with. */
export type PracticeApi = {
  /** Which one it is; windows know what to say of it. */
  id: string,
  /** Its OpenAPI description; null: it has none. */
  openapi: string | null,
  /** An address that gives an answer. */
  sample: string | null,
  /** What lets one in; it protects nothing. */
  key: string | null, };

/** The connection that was made. */
export type Prepared = {
  /** Its name. */
  connection: string, };

/** Shows a sample of a table as it will land. */
export type PreviewRequest = {
  /** The connection. */
  connection: string,
  /** The table of the source. */
  table: TableName,
  /** How many rows to sample. */
  rows: number,
  /** Which ones. */
  pick: SamplePick,
  /** What `preview.progress` and `preview.enough` call this reading by; chosen by who asks. */
  ticket: string, };

/** Counts what columns of a sample hold. */
export type ProfileRequest = {
  /** The sample. */
  sample: string,
  /** Which columns, the most wanted first. */
  columns: Array<number>, };

/** The open project and the program. */
export type Project = {
  /** Its name. */
  name: string,
  /** Its folder. */
  folder: string,
  /** The version of the program. */
  version: string,
  /** Where the key of the vault lies, in words: "the keychain of this computer". */
  secret_store: string,
  /** Whether there is nothing yet, so that the sample is offered. */
  first_launch: boolean, };

/** What proves that a table is complete. */
export type Proof = {
  /** After a full load: rows committed in it, and rows counted in the destination. Equal, or the table failed. */
  count: CountProof | null,
  /** With `--verify`: both sides read again, row for row. Equal, or the table failed. */
  checksum: ChecksumProof | null, };

/** Takes an upgrade or a roll-back back. */
export type PutBackRequest = {
  /** The connector. */
  connector: string,
  /** How everything stood, as it was answered then. */
  places: Array<Place>, };

/** Lists rows in quarantine, oldest first. */
export type QuarantineRequest = {
  /** The connection. */
  connection: string,
  /** At most this many. */
  limit: number, };

/** A row in quarantine. */
export type QuarantineRow = {
  /** Names it. */
  id: string,
  /** The table of the source. */
  table: TableName,
  /** The run that rejected it. */
  run: string,
  /** When. */
  at: string,
  /** The column that did not fit, when it is one. */
  column: string | null,
  /** The value of that column. */
  value: string | null,
  /** Why it did not fit. */
  reason: string,
  /** The whole row as compact JSON. */
  row: string, };

/** The account of one run. Stored, printed and compared; never changed afterwards. */
export type Receipt = {
  /** The run. */
  run: string,
  /** The connection. */
  connection: string,
  /** When it began, RFC 3339 in UTC. */
  started_at: string,
  /** When it ended, RFC 3339 in UTC. */
  ended_at: string,
  /** How long it took by a clock that does not jump. */
  duration_ms: number,
  /** How it ended. */
  outcome: Outcome,
  /** Its attempts. */
  attempts: Array<Attempt>,
  /** Its tables, in the order of the connection. */
  tables: Array<TableReceipt>,
  /** Tables of the destination that were removed with their rows, because the plan said so. */
  removed: Array<TargetName>,
  /** What ended it as a whole, when something did. */
  failure: Failure | null,
  /** The versions of the connectors it began with, by name. */
  connectors: { [key in string]: string },
  /** A hash of the configuration it ran with. */
  config_hash: string,
  /** That it went back to an earlier version of the source's connector, if so. */
  fell_back: FellBack | null, };

/**
 * How the last recorded run came out on two versions. Nothing was asked of the source, nothing written to the
 * destination.
 */
export type Rehearsal = {
  /** The connection. */
  connection: string,
  /** The connector. */
  connector: string,
  /** The run that was recorded. */
  run: string,
  /** The version it is on. */
  from: string,
  /** The version that was tried. */
  to: string,
  /** The tables of the connection, in its order. */
  tables: Array<RehearsedTable>, };

/** Asks how the last recorded run of a connection would come out on another version. */
export type RehearsalRequest = {
  /** The connection. */
  connection: string,
  /** The version; null: the newest. */
  to: string | null, };

/** How a table came out. */
export type RehearsedTable = {
  /** The table. */
  table: string,
  /** Why it could not be read on the version of now. */
  failed_before: string | null,
  /** Why it could not be read on the other one. */
  failed_after: string | null,
  /** How its rows differ; none when one of the two could not be read. */
  difference: TableComparison | null, };

/** A row of the sample that will be rejected. */
export type RejectedSample = {
  /** The column that did not fit, when it is one. */
  column: string | null,
  /** Why. */
  reason: string,
  /** The row as compact JSON. */
  row: string, };

/** How reliable a connection was. */
export type Reliability = {
  /** Over how many days. */
  days: number,
  /** Runs that ended. */
  runs: number,
  /** Of these, how many brought everything in (also with rejected rows). Runs that a person stopped do not count. */
  succeeded: number,
  /** Attempts of these runs: every error counts, also one that a retry made good. */
  attempts: number,
  /** Attempts without an error. */
  attempts_succeeded: number,
  /** When a run last brought everything in. */
  last_success_at: string | null,
  /** Minutes in which the data was fresh; none when nobody said how fresh it should be, or before the first success. */
  freshness: Freshness | null,
  /** What happened when, in columns of some hours. */
  grid: ReliabilityGrid, };

/**
 * Some hours of a connection. Its time is the sum of the seconds; what is missing lies in the future, or before the
 * first success.
 */
export type ReliabilityColumn = {
  /** When it begins. */
  from: string,
  /** Data was as fresh as it should be; also when nobody said how fresh that is. */
  fresh_seconds: number,
  /** Data was older. */
  late_seconds: number,
  /** The connection was paused. */
  paused_seconds: number,
  /** Syncline was not open on this computer. */
  off_seconds: number, };

/** What happened in the last days, in columns of some hours. */
export type ReliabilityGrid = {
  /** Hours of a column. */
  hours: number,
  /** The columns, oldest first. */
  columns: Array<ReliabilityColumn>,
  /** The tables, in the order of the connection, then those it has no more. */
  tables: Array<ReliabilityTable>, };

/** Asks how reliable a connection was. */
export type ReliabilityRequest = {
  /** The connection. */
  connection: string,
  /** Over how many days until now. */
  days: number, };

/** How a table ended in the runs of each column. */
export type ReliabilityTable = {
  /** The table. */
  table: TableName,
  /** One for each column: the worst outcome of its runs; none when there was no run. */
  worst: Array<Outcome | null>, };

/** Loads rows from quarantine, repaired. */
export type ReplayRequest = {
  /** The connection. */
  connection: string,
  /** The table of the source. */
  table: TableName,
  /** Which rows; empty means all of the table. */
  ids: Array<string>,
  /** New values by source column; null means null. */
  values: { [key in string]: string | null }, };

/** What came of it. */
export type Replayed = {
  /** Rows that are loaded and have left the quarantine. */
  loaded: number,
  /** Rows that still do not fit, with the reason. They stay. */
  kept: Array<[string, string]>, };

/** When another attempt makes sense. */
export type RetryWhen = { "when": "now" } | { "when": "later" } | { "when": "at",
  /** The moment; none when it named none. */
  at: string | null, } | { "when": "never" };

/** Asks to go back to the version that last worked. */
export type RollbackRequest = {
  /** The connector. */
  connector: string,
  /** Only this source, with its connections. */
  source: string | null,
  /** Only these connections; empty means everything that uses it. */
  only: Array<string>, };

/** How a row differs. */
export type RowState = "missing" | "different";

/** One thing that happened. */
export type RunEvent = { "event": "run_started",
  /** The run. */
  run: string,
  /** The connection. */
  connection: string,
  /** Its tables, in order. */
  tables: Array<TableName>, } | { "event": "table_started",
  /** The table. */
  table: TableName,
  /** About how many rows there are to read. */
  rows_estimate: number | null,
  /** Whether every row is read, and not only new and changed ones. */
  full: boolean,
  /** Whether it goes on from where an earlier attempt stopped. */
  resumed: boolean, } | { "event": "progress",
  /** Tables that have begun. */
  tables: Array<TableProgress>,
  /** Since the run began. */
  elapsed_ms: number, } | { "event": "waiting",
  /** The table. */
  table: TableName,
  /** For what; none when it goes on. */
  reason: string | null, } | { "event": "committed",
  /** The table. */
  table: TableName,
  /** Its ordinal. */
  ordinal: number,
  /** Rows of the segment. */
  rows: number, } | { "event": "table_ended",
  /** The table. */
  table: TableName,
  /** How. */
  state: TableState,
  /** Rows committed in this run. */
  rows: number,
  /** Why, when it failed. */
  failure: Failure | null, } | { "event": "retrying",
  /** The number of the next attempt. */
  attempt: number,
  /** How long until then. */
  in_ms: number,
  /** Why. */
  failure: Failure, } | { "event": "fell_back",
  /** Which versions, and why. Whose fault it was turns out at the end. */
  what: FellBack, } | { "event": "run_ended",
  /** Its account. */
  receipt: Receipt, };

/** Names a run. */
export type RunRequest = {
  /** Its id. */
  run: string, };

/** A run in a list. */
export type RunSummary = {
  /** Its id. */
  run: string,
  /** Its connection. */
  connection: string,
  /** When it began. */
  started_at: string,
  /** When it ended. */
  ended_at: string | null,
  /** How long it took; until now while it is running. */
  duration_ms: number,
  /** How it ended. */
  outcome: Outcome | null,
  /** Rows inserted or replaced. */
  rows_written: number,
  /** Rows put into quarantine. */
  rows_rejected: number,
  /** Whether its process ended before it did. Nothing is lost: the next run goes on. */
  interrupted: boolean,
  /** Why it failed, in one sentence. */
  failure: string | null,
  /** The versions of the connectors it began with, by name. */
  connectors: { [key in string]: string },
  /** The version of the source's connector it ended on: another one when the first one failed. */
  version: string | null,
  /** A hash of the configuration it ran with. */
  config_hash: string, };

/** Lists runs, newest first. */
export type RunsRequest = {
  /** Only of this connection. */
  connection: string | null,
  /** At most this many. */
  limit: number, };

/** Which rows of a table a sample has. */
export type SamplePick = "first" | "random" | { "where": string };

/** Which samples a source can give besides its first rows. */
export type SamplePicks = {
  /** Rows from all over the table. */
  random: boolean,
  /** Rows for which a condition is true, in the language of the source. */
  condition: boolean, };

/** How far a sample is that is being read. */
export type SampleProgress = {
  /** Rows that have arrived. */
  rows: number,
  /** For how long it is read. */
  millis: number, };

/** Names a sample that is being read. */
export type SampleTicket = {
  /** As in the request that reads it. */
  ticket: string, };

/** How reading a sample went. */
export type SampleTrial = {
  /** Rows the source sent. */
  rows: number,
  /** How long it took, connecting included. */
  millis: number,
  /** What they take as they land, in memory, without compression. */
  bytes: number,
  /** Whether these are all rows there are. */
  all: boolean,
  /** Whether somebody had enough before as many had arrived as were asked for. */
  cut: boolean,
  /** Whether the source had to look for the rows: then how long it took says nothing about a sync. */
  searched: boolean, };

/** A sample of a table, what is behind it, and what a sync will cost. */
export type SampledPreview = {
  /** Names the sample for `preview.profile`, until newer ones take its place. */
  sample: string,
  /** Which other samples can be asked for. */
  picks: SamplePicks,
  /** For each column whether its name and type speak for personal data. */
  personal: Array<PersonalData | null>,
  /** What syncs of the table cost. */
  estimate: Estimate,
  /** The table of the source. */
  table: TableName,
  /** The table of the destination. */
  target: TargetName,
  /** The columns of the destination that identify a row. */
  key: Array<string>,
  /** How many rows the sample has. */
  rows_sampled: number,
  /** What needs attention, worst first. */
  findings: Array<Finding>,
  /** The columns with their profile over the sample. */
  columns: Array<ColumnPreview>,
  /** The rows as they will land, as text, one value per column; null is none. */
  rows: Array<Array<string | null>>,
  /** The same rows as they are in the source, also those that will be rejected. */
  source_rows: Array<Array<string | null>>,
  /** Rows that will be rejected, each with its reason. */
  rejected: Array<RejectedSample>,
  /** What would change in the destination. */
  effect: TableEffect | null,
  /** How reading the sample went, for an estimate of the whole. */
  trial: SampleTrial, };

/** Writes a connection. */
export type SaveConnectionRequest = {
  /** Its name. */
  connection: string,
  /** The content of its file. */
  config: unknown, };

/** Keeps a manifest as a connector. */
export type SaveConnectorRequest = {
  /** The name. */
  name: string,
  /** The manifest. */
  yaml: string,
  /**
   * Whether there may be one of this name: what is used then stays, and this one follows it as the next version; what
   * nobody uses is replaced.
   */
  replace: boolean, };

/** Keeps a draft. */
export type SaveDraftRequest = {
  /** Its name. */
  name: string,
  /** Whatever the window needs to go on with it. Must not hold secrets. */
  content: unknown, };

/** Sets the language model that may be asked. */
export type SaveHelperRequest = {
  /** Its address. */
  url: string,
  /** The name of the model. */
  model: string,
  /** Its key; null: the one that the vault has, if it is for this address; empty: none. */
  key: SecretText | null, };

/** Writes a system. */
export type SaveSystemRequest = {
  /** Source or destination. */
  side: Side,
  /** Its name. */
  name: string,
  /** The connector. */
  connector: string,
  /** Settings without plain secrets. */
  config: unknown,
  /** Secrets by path; they go into the vault. */
  secrets: Record<string, string>,
  /** A sign-in whose tokens go into the vault, too. */
  sign_in: string | null, };

/** A connector that is kept. */
export type SavedConnector = {
  /** Its version. */
  version: string,
  /** Whether it stands beside versions that are used. They stay in use until somebody upgrades. */
  beside: boolean, };

/** One change of a destination's schema. The planner shows [`Destination::ddl`] of it; the run applies it. */
export type SchemaChange = { "change": "create_table",
  /** The table. */
  table: TargetTable, } | { "change": "add_column",
  /** The table. */
  table: TargetName,
  /** The column. */
  column: Column, } | { "change": "widen_column",
  /** The table. */
  table: TargetName,
  /** The column with its new type. */
  column: Column,
  /** The type it has now. */
  from: LogicalType, } | { "change": "drop_table",
  /** The table. */
  table: TargetName, };

/** How the tables of two versions differ. */
export type SchemaDiff = {
  /** The tables that differ, sorted by name. */
  tables: Array<TableDiff>,
  /** How many tables are the same. */
  same: number, };

/** Something with a name. */
export type SearchHit = {
  /** What it is, and where. */
  what: SearchTarget,
  /** Its name. */
  title: string,
  /** Where it belongs, in a few words. */
  detail: string, };

/** Looks for something by name. */
export type SearchRequest = {
  /** What was typed. */
  text: string,
  /** At most this many answers. */
  limit: number, };

/** Where a hit leads. */
export type SearchTarget = { "kind": "connection",
  /** Its name. */
  connection: string, } | { "kind": "table",
  /** The connection. */
  connection: string,
  /** The table. */
  table: TableName, } | { "kind": "column",
  /** The connection. */
  connection: string,
  /** The table. */
  table: TableName,
  /** The column, by its name in the source. */
  column: string, } | { "kind": "system",
  /** Which of the two. */
  side: Side,
  /** Its name. */
  name: string, } | { "kind": "run",
  /** Its connection. */
  connection: string,
  /** Its id. */
  run: string, };

/** Where a secret stands in a text. */
export type SecretPlace = {
  /** The field of the settings it belongs to. */
  field: string,
  /** Its first letter, in UTF-16 units. */
  from: number,
  /** After its last letter. */
  to: number, };

/** A secret that somebody typed. Comes in, is never sent out, and does not print itself. */
export type SecretText = string;

/** What every window is told. */
export type ServerEvent = { "event": "changed",
  /** The tags. */
  tags: Array<CacheTag>, } | { "event": "run",
  /** The run. */
  run: string,
  /** Its connection. */
  connection: string,
  /** What happened. */
  what: RunEvent, } | { "event": "check_step",
  /** As the request named the test. */
  check: string,
  /** The step. */
  step: CheckStep, };

/** What a person can set for the project on this computer. */
export type Settings = {
  /** Data older than this many minutes counts as late; null: nothing is ever late. */
  fresh_within_minutes: number | null,
  /** Whether time in which Syncline was not open on this computer counts, too. */
  count_while_off: boolean, };

/** How good or bad a finding is. */
export type Severity = "problem" | "unproved" | "proved";

/** One end of a connection. */
export type Side = "source" | "destination";

/** A code out of the browser. */
export type SignInCodeRequest = {
  /** The sign-in. */
  id: string,
  /** The code, or the whole address that it stands in. */
  code: SecretText, };

/** What is known about signing in before anybody does. */
export type SignInInfo = {
  /** The paths of the settings that it fills. */
  fills: Array<string>,
  /** The paths of the settings that it needs. */
  needs: Array<string>,
  /** When it applies; always when there is none. */
  when: FormCondition | null, };

/** How a sign-in ended. */
export type SignInOutcome = { "how": "done",
  /** The paths of the settings that are filled. */
  filled: Array<string>, } | { "how": "denied" } | { "how": "timed_out" } | { "how": "failed",
  /** Why. */
  error: ApiError, };

/** Names a sign-in. */
export type SignInRequest = {
  /** As it was named when it began. */
  id: string, };

/** Where the browser has to go. */
export type SignInStarted = {
  /** Names this sign-in. */
  id: string,
  /** The page where the person agrees. */
  url: string,
  /** The id of the client that asks. */
  client: string,
  /** What it asks to be allowed, in the words of the service. */
  scopes: Array<string>, };

/** What the browser shows at the end, in the language of the window. */
export type SignInWords = {
  /** When all went well. */
  done: string,
  /** When it did not. */
  failed: string, };

/** Why a column is not counted. */
export type Skipped = "nested" | "bytes";

/** What an upgrade means for a source. */
export type SourceUpgrade = {
  /** The source. */
  source: string,
  /** The version it is on. */
  from: string,
  /** The connections that would run on the new version. */
  connections: Array<string>,
  /** What changes in its tables; none when that cannot be told. */
  diff: SchemaDiff | null,
  /** Why it cannot be told: the new version cannot be used with the settings of the source, mostly. */
  problem: Failure | null, };

/** Which version a source is on. */
export type SourceVersion = {
  /** The source. */
  source: string,
  /** Its version. */
  version: string,
  /** Whether it names the version; else it follows the newest. */
  pinned: boolean,
  /**
   * The version that a roll-back puts it on. None where there is none, and where connections of it went ahead: those
   * go back first.
   */
  back: string | null,
  /** Its connections. */
  connections: Array<ConnectionVersion>, };

/** From the least to the most. */
export type Span = {
  /** The least. */
  least: number,
  /** The most. */
  most: number, };

/** Asks a destination in SQL. Only reads. */
export type SqlRequest = {
  /** The destination. */
  destination: string,
  /** One query. */
  sql: string,
  /** At most this many rows. */
  limit: number,
  /** How many rows to leave out at the beginning. */
  offset?: number, };

/** What a query answered. */
export type SqlResult = {
  /** The columns. */
  columns: Array<GridColumn>,
  /** Values as text, ready to be shown; null is null. */
  rows: Array<Array<string | null>>,
  /** Whether there are more rows than were asked for. */
  truncated: boolean,
  /** How long it took. */
  duration_ms: number, };

/** A table that can be queried. */
export type SqlTable = {
  /** Its name as it can be written in a query. */
  table: string,
  /** Its columns. */
  columns: Array<GridColumn>, };

/** Starts a run. Also continues one: every run goes on where the last one stopped. */
export type StartRequest = {
  /** The connection. */
  connection: string,
  /** Only these tables; empty means all. */
  tables: Array<TableName>,
  /**
   * The fingerprint of the plan that the person saw: the run does exactly that plan or refuses. Null: whatever it
   * turns out to be.
   */
  fingerprint: string | null,
  /** All rows are read again, also those that were read before. */
  reread?: boolean,
  /**
   * Tables that are no longer synced, whose rows are removed from the destination first; only those of the plan that
   * the person saw. Null: none.
   */
  remove?: Array<TableName>, };

/** The run that was started. */
export type Started = {
  /** Its id. */
  run: string, };

/** What can be done about a step. */
export type StepFix = {
  /** In words. */
  text: string,
  /** A statement to copy, when there is one. */
  command: string | null, };

/** How a step ended. */
export type StepStatus = "ok" | "limited" | "failed";

/** How a table is synced when nobody says otherwise. */
export type SuggestedSync = {
  /** How rows are kept. */
  mode: SyncMode,
  /**
   * The updated-at column; none when no column plainly says when a row was changed, since a wrong one would miss
   * changes in silence.
   */
  cursor: string | null, };

/** What one sync costs. */
export type SyncEstimate = {
  /** Rows that are read. */
  rows: Span,
  /** From where that is known. */
  rows_basis: EstimateBasis,
  /** Bytes they take in the source, as its statistics say. */
  bytes_read: number | null,
  /** How long it takes. */
  seconds: Span | null,
  /** From where that is known. */
  seconds_basis: EstimateBasis | null,
  /** Bytes they take in the destination before it compresses them, after the size of the sampled rows. */
  bytes_written: number | null, };

/** How rows are kept, as project files call it. */
export type SyncMode = "merge" | "append" | "replace" | "history";

/** A configured system to be changed. */
export type SystemDetail = {
  /** As in the list. */
  info: SystemInfo,
  /** Its settings; secrets only as references (`${secret:NAME}`). */
  config: Record<string, unknown>,
  /** The paths of secret fields that have a value in the vault or the environment. */
  secrets: Array<string>, };

/** A configured system in a list. */
export type SystemInfo = {
  /** Source or destination. */
  side: Side,
  /** Its name. */
  name: string,
  /** Its connector. */
  connector: string,
  /** The version that it names; none when it follows the newest, and when there is only the one of the program. */
  version: string | null,
  /** What people call the connector. */
  title: string,
  /** In a few words: "shop@db.example.com:5432". */
  summary: string,
  /** Whether it can be asked in SQL here. */
  queryable: boolean,
  /** The connections that use it. */
  used_by: Array<string>, };

/** A system at one end of a connection. */
export type SystemRef = {
  /** Its name. */
  name: string,
  /** Its connector. */
  connector: string,
  /** What people call the connector. */
  title: string, };

/** Names a configured system. */
export type SystemRequest = {
  /** Source or destination. */
  side: Side,
  /** Its name. */
  name: string, };

/** What happens to a table. */
export type TableChange = "added" | "removed" | "changed";

/** How the rows of a table differ on two versions. */
export type TableComparison = {
  /** Rows on the version of now. */
  rows_before: number,
  /** Rows on the other one. */
  rows_after: number,
  /** Rows that only the version of now gives, as they are. */
  only_before: number,
  /** Rows that only the other one gives, as they are. */
  only_after: number,
  /** Columns that only the version of now gives, or as another type. */
  columns_before: Array<GridColumn>,
  /** Columns that only the other one gives, or as another type. */
  columns_after: Array<GridColumn>,
  /** The columns of the examples; the first one says on which side a row is. */
  example_columns: Array<GridColumn>,
  /** Some rows that differ. */
  examples: Array<Array<string | null>>, };

/** How a table differs. */
export type TableDiff = {
  /** The table. */
  table: TableName,
  /** What happens to it. */
  change: TableChange,
  /** The columns that are added, removed or of another type. Empty for a table that is added or removed. */
  columns: Array<ColumnDiff>,
  /** The key before and after, when it changes. */
  key: [Array<string>, Array<string>] | null,
  /** Why the new version cannot read it, when the old one could. */
  unreadable: string | null, };

/** What happens to one table. */
export type TableEffect = {
  /** The table of the source. */
  table: TableName,
  /** The table of the destination. */
  target: TargetName,
  /** What happens, in one word. */
  verb: Verb,
  /** How rows are kept; none when the table cannot be planned. */
  mode: WriteMode | null,
  /** Whether all rows are read, or only new and changed ones. */
  full: boolean,
  /** Whether later runs read all rows as well. */
  always_full: boolean,
  /** The changes of the destination's schema. */
  changes: Array<SchemaChange>,
  /** The same as statements. */
  ddl: Array<string>,
  /** All columns of the table in the destination, compared with what is there now. */
  definition: Array<DefinitionLine>,
  /** What the run does with rows, in sentences. */
  effects: Array<string>,
  /** About how many rows the source has. */
  rows_estimate: number | null,
  /** About how many bytes they take there. */
  bytes_estimate: number | null,
  /** Changes of the source's shape. */
  drift: Array<Drift>,
  /** Why the table cannot be synced as things are. */
  blocked: Failure | null, };

/** What kind of thing a table is. */
export type TableKind = "table" | "view" | "materialized_view" | "partitioned" | "foreign" | "files" | "api";

/**
 * The name of a table in a source: `namespace.name`, or `name` where the source has no namespaces.
 *
 * As text, a part that holds a dot or a double quote is written in double quotes, with quotes doubled:
 * `public."a.b"`.
 */
export type TableName = string;

/** Where a table stands. */
export type TableProgress = {
  /** The table. */
  table: TableName,
  /** Rows read so far. */
  rows_read: number,
  /** Rows that are durable. */
  rows_committed: number,
  /** Rows rejected so far. */
  rows_rejected: number,
  /** Bytes (Arrow, in memory) read so far. */
  bytes: number,
  /** Rows brought into their shape in the destination so far. */
  rows_prepared: number,
  /** How long rows were waited for. The largest of the three times names what the sync waits for. */
  source_ms: number,
  /** How long rows were brought into shape. */
  prepare_ms: number,
  /** How long the destination took. */
  destination_ms: number, };

/** The account of one table. */
export type TableReceipt = {
  /** The table of the source. */
  table: TableName,
  /** The table of the destination. */
  target: TargetName,
  /** How rows are kept. */
  mode: WriteMode | null,
  /** How it ended. */
  state: TableState,
  /** Rows that the source sent and whose segment is durable, rejected ones included. */
  rows_read: number,
  /** Rows inserted or replaced in the destination. */
  rows_written: number,
  /** Rows deleted in the destination, or marked as deleted. */
  rows_deleted: number,
  /** Rows in quarantine. */
  rows_rejected: number,
  /** Bytes (Arrow, in memory) loaded. */
  bytes: number,
  /** Commits. */
  segments: number,
  /** The ordinal of the last commit. */
  ordinal: number,
  /** Whether it went on from where an earlier run or attempt stopped. */
  resumed: boolean,
  /** Rows in the destination after the run, as a reader counts them. */
  rows_in_destination: number | null,
  /** What was compared, and with which result. */
  proof: Proof,
  /** Changes of the source's shape that were found. */
  drift: Array<Drift>,
  /** What went wrong. */
  failure: Failure | null, };

/** Looks for tables and columns in what is known of a source. For sources with very many tables. */
export type TableSearchRequest = {
  /** The source. */
  source: string,
  /**
   * Words that must all occur in the name of the table or of one of its columns. `type:json`, `key:none` and
   * `personal` select by what columns are. Empty: all tables.
   */
  query: string,
  /** How many tables to leave out at the beginning. */
  offset: number,
  /** At most this many tables. */
  limit: number, };

/** A window of the tables that were found. */
export type TableSearchResult = {
  /** The tables of the window. */
  tables: Array<MatchingTable>,
  /** How many tables match. */
  matching_tables: number,
  /** How many columns match, in all tables. */
  matching_columns: number,
  /** How many tables the source has. */
  total: number,
  /** When the source was asked. */
  discovered_at: string, };

/** How a table ended. */
export type TableState = "queued" | "done" | "done_with_rejected" | "needs_decision" | "stopped" | "failed";

/** A table of a connection. */
export type TableStatus = {
  /** The table of the source. */
  table: TableName,
  /** The table of the destination. */
  target: TargetName,
  /** How rows are kept; none before the first run when the file does not say. */
  mode: WriteMode | null,
  /** The updated-at column. */
  cursor: string | null,
  /** The columns that identify a row. */
  key: Array<string>,
  /** Rows in the destination after the last run. */
  rows: number | null,
  /** Its part in the last run. */
  last: TableReceipt | null,
  /** Up to when it is complete. */
  fresh_at: string | null, };

/** The name of a table in a destination. */
export type TargetName = {
  /** Its schema, where the destination has schemas. */
  schema: string | null,
  /** The table itself. */
  name: string, };

/** A table as it should be in the destination. */
export type TargetTable = {
  /** Its name. */
  name: TargetName,
  /**
   * The columns that batches carry, with the types as they land: data, then `_syncline_synced_at`, then
   * `_syncline_key` where the source has no key. The table in the destination can have them in another order
   * and can have more.
   */
  columns: Array<Column>,
  /** The columns that identify a row; all are among `columns`. Empty only in append and replace mode. */
  key: Array<string>,
  /** How rows are kept. */
  mode: WriteMode, };

/** Two versions of a file of the configuration. */
export type TimelineDiff = {
  /** The earlier one. */
  before: number,
  /** The later one. */
  after: number, };

/** Something that happened to a connection, besides its runs. */
export type TimelineEntry = {
  /** The number of the entry; none for what follows from other things that are kept. */
  id: number | null,
  /** When. */
  at: string,
  /**
   * What kind of thing: `drift`, `decision`, `undone`, `plan`, `compare`, `replay`, `dismiss`, `change`, `connector`,
   * `pause`, `version`, `fell_back`.
   */
  kind: string,
  /** The run it belongs to. */
  run: string | null,
  /** In words. */
  text: string,
  /** What changed in a file of the configuration. */
  diff: TimelineDiff | null,
  /** Whether it can be undone. */
  undo: boolean, };

/** Asks what happened to a connection. */
export type TimelineRequest = {
  /** The connection. */
  connection: string,
  /** At most this many entries, the newest ones. */
  limit: number, };

/** A column of a trial. */
export type TrialColumn = {
  /** Its name. */
  name: string,
  /** The kinds of values that were seen, with how many. */
  seen: Array<[string, number]>,
  /** The type it lands as; empty until somebody who knows types fills it in. */
  lands_as: string, };

/** What a trial shows about a part of the form. */
export type TrialFinding = {
  /** How good or bad. */
  severity: Severity,
  /** Where. */
  field: BuilderField,
  /** What. */
  what: Found, };

/** Asks a table of a draft for its first rows. */
export type TrialRequest = {
  /** The manifest. */
  yaml: string,
  /** The table. */
  table: string,
  /** The settings, without secrets. */
  config: Record<string, unknown>,
  /** The secrets, by path. */
  secrets: { [key in string]: SecretText },
  /** Recorded answers are given again, and nothing is sent. */
  replay: boolean,
  /** Asks a second time, for what is newer. */
  twice: boolean, };

/** What came of it. */
export type TrialResult = {
  /** What was sent and answered, in order. */
  exchanges: Array<Exchange>,
  /** The columns of the rows. */
  columns: Array<TrialColumn>,
  /** The first rows, as text that is ready to be shown. */
  rows: Array<Array<string | null>>,
  /** How many rows came. */
  row_count: number,
  /** It stopped because there was enough. */
  limited: boolean,
  /** What it shows, worst first. */
  findings: Array<TrialFinding>,
  /** What the first answer shows. */
  examined: Examined,
  /** A JSON Schema of the rows. */
  schema: unknown,
  /** Milliseconds in all. */
  duration_ms: number,
  /** All answers were recorded ones. */
  replayed: boolean,
  /** The recording ends with this program, because no key can be had to seal it. Whoever keeps recordings says so. */
  recording_ends: boolean,
  /** What the requests tell of a table that is asked once for each row of another one. */
  divided: Divided | null, };

/** Takes decisions back. */
export type UndoRequest = {
  /** The entries of the history. */
  entries: Array<number>, };

/** What an upgrade would change. Nothing is changed by making it. */
export type UpgradePlan = {
  /** The connector. */
  connector: string,
  /** The version that it would be. */
  to: string,
  /** The sources that would change, each with what that means for it. */
  sources: Array<SourceUpgrade>, };

/** Asks for an upgrade, or for what it would change. */
export type UpgradeRequest = {
  /** The connector. */
  connector: string,
  /** The version; null: the newest. */
  to: string | null,
  /** Only these connections; empty means all sources that use it, with all their connections. */
  only: Array<string>, };

/** The four verbs of a plan, and none. */
export type Verb = "add" | "change" | "rebuild" | "unchanged" | "blocked";

/** A source or connection that is on another version now. */
export type VersionChanged = {
  /** The source or connection. */
  name: string,
  /** Its version now. */
  version: string, };

/** How a version did for a connection. */
export type VersionMark = {
  /** The version. */
  version: string,
  /** When a run last succeeded on it. */
  worked_at: string | null,
  /** Since when it is bad for the connection: it is not used there until somebody asks for it again. */
  bad_since: string | null,
  /** What it did, in one sentence. */
  bad_because: string | null, };

/** What an upgrade or a roll-back changed. */
export type VersionsMoved = {
  /** What is on another version now. */
  changed: Array<VersionChanged>,
  /** How everything stood that was touched, so that it can be put back. */
  before: Array<Place>, };

/** How rows are kept. */
export type WriteMode = { "mode": "merge",
  /** What happens to rows that the source deleted. */
  deletes: Deletes, } | { "mode": "append" } | { "mode": "replace" } | { "mode": "history" };

/** What can be asked, by name. */
export interface Requests {
  /** The open project and the program. */
  "project.info": { request: null; response: Project };
  /** Opens another project in place of this one. Windows load anew afterwards. */
  "project.open": { request: OpenProjectRequest; response: null };
  /** What a person has set for this project. */
  "settings.get": { request: null; response: Settings };
  /** Sets it. */
  "settings.save": { request: Settings; response: null };
  /** The language model that may be asked for help; null: none. */
  "helper.get": { request: null; response: HelperInfo | null };
  /** Sets it. Its key goes into the vault. Nothing is asked yet. */
  "helper.save": { request: SaveHelperRequest; response: null };
  /** Forgets it, with its key. */
  "helper.remove": { request: null; response: null };
  /** Finds connections, tables, columns, systems and runs by name. */
  "search": { request: SearchRequest; response: Array<SearchHit> };
  /** Makes the sample: source, destination and connection. Nothing is synced yet. */
  "sample.prepare": { request: null; response: Prepared };
  /** Removes the sample from the project and does not offer it again. Loaded rows stay where they are. */
  "sample.remove": { request: null; response: null };
  /** The catalogue of connectors. */
  "connectors.list": { request: null; response: Array<ConnectorInfo> };
  /** The form of a connector, and how somebody can sign in with a browser. */
  "connectors.form": { request: FormRequest; response: ConnectorForm };
  /** What a pasted connection address says; null when no connector knows it. */
  "connectors.address": { request: AddressRequest; response: AddressAnswer | null };
  /** Begins to sign in with the browser of the person, and says where to send it. */
  "sign_in.begin": { request: BeginSignInRequest; response: SignInStarted };
  /** Waits until somebody has signed in, or has not. The tokens stay here, for the test and for saving. */
  "sign_in.wait": { request: SignInRequest; response: SignInOutcome };
  /** Takes a code that somebody copied out of the browser. */
  "sign_in.code": { request: SignInCodeRequest; response: null };
  /** Forgets a sign-in, with what it brought. */
  "sign_in.cancel": { request: SignInRequest; response: null };
  /** A draft of a connector from what an API shows: a description, an answer, a request. */
  "builder.draft": { request: DraftFrom; response: Draft };
  /** What the text of a manifest says: its tables, its settings, what is wrong with it. */
  "builder.look": { request: LookRequest; response: LookAnswer };
  /** What an answer shows: arrays, keys, times, the way to the next page. */
  "builder.examine": { request: ExamineRequest; response: Examined };
  /** Asks a table of a draft for its first rows, and says what they prove. Writes nothing. */
  "builder.trial": { request: TrialRequest; response: TrialResult };
  /** What a language model would be told, word for word. Sends nothing. */
  "builder.help_preview": { request: AskHelpRequest; response: HelpPreview };
  /** Asks the language model for a draft, and proves it by requests of its tables. Writes nothing. */
  "builder.help": { request: AskHelpRequest; response: HelpedDraft };
  /** Keeps a draft among the connectors of the project. */
  "builder.save": { request: SaveConnectorRequest; response: SavedConnector };
  /** The manifest of a connector of the project, and the sources that use it. */
  "builder.open": { request: OpenConnectorRequest; response: OpenedConnector };
  /** Drafts that are kept; the latest first. */
  "builder.drafts": { request: null; response: Array<KeptDraft> };
  /** Keeps a draft for later. Never holds a secret. */
  "builder.keep": { request: KeptDraft; response: null };
  /** Forgets it. */
  "builder.forget": { request: ForgetDraftRequest; response: null };
  /** APIs on this computer to learn with. */
  "builder.practice": { request: null; response: Array<PracticeApi> };
  /** The connectors that the project keeps in versions side by side, and who uses which. */
  "connectors.versions": { request: null; response: Array<ConnectorVersions> };
  /** What an upgrade would change in the tables of sources. Writes nothing. */
  "connectors.upgrade_plan": { request: UpgradeRequest; response: UpgradePlan };
  /** Puts sources, or some connections first, on another version. Their next runs are watched. */
  "connectors.upgrade": { request: UpgradeRequest; response: VersionsMoved };
  /** How the last recorded run of a connection comes out on another version. Asks nothing and writes nothing. */
  "connectors.rehearse": { request: RehearsalRequest; response: Rehearsal };
  /** Puts them back on the version that last worked. */
  "connectors.roll_back": { request: RollbackRequest; response: VersionsMoved };
  /** Takes an upgrade or a roll-back back: everything stands as before. */
  "connectors.put_back": { request: PutBackRequest; response: Array<VersionChanged> };
  /** Sources and destinations. */
  "systems.list": { request: null; response: Array<SystemInfo> };
  /** A source or destination, to be changed. */
  "systems.get": { request: SystemRequest; response: SystemDetail };
  /** Tests settings, step by step. Writes nothing. */
  "systems.check": { request: CheckRequest; response: CheckResult };
  /** Writes a source or destination; secrets go into the vault. */
  "systems.save": { request: SaveSystemRequest; response: SystemInfo };
  /** Removes a source or destination that no connection uses. */
  "systems.remove": { request: SystemRequest; response: null };
  /** The tables of a source. */
  "discover": { request: DiscoverRequest; response: Array<FoundTable> };
  /** A window of the tables of a source that match a search. */
  "tables.search": { request: TableSearchRequest; response: TableSearchResult };
  /** All connections, those that need somebody first. */
  "connections.list": { request: null; response: Array<ConnectionSummary> };
  /** A connection. */
  "connections.get": { request: ConnectionRequest; response: ConnectionDetail };
  /** Writes a connection. Nothing is synced. */
  "connections.save": { request: SaveConnectionRequest; response: null };
  /** Pauses a connection, or lets it go on. A run that is working is stopped at the next durable point. */
  "connections.pause": { request: PauseRequest; response: null };
  /** Removes a connection. What it loaded stays in the destination. */
  "connections.remove": { request: ConnectionRequest; response: null };
  /** Connections that are being set up. */
  "drafts.list": { request: null; response: Array<ConnectionDraft> };
  /** Keeps a connection that is being set up. */
  "drafts.save": { request: SaveDraftRequest; response: null };
  /** Forgets it. */
  "drafts.remove": { request: DraftRequest; response: null };
  /** What a run would do in the destination. Writes nothing. */
  "plan.make": { request: PlanRequest; response: Plan };
  /** A sample of a table as it is and as it will land, with findings and profiles. Writes nothing. */
  "preview": { request: PreviewRequest; response: SampledPreview };
  /** What the first of these columns of a sample hold, as many as can be counted in a moment; the rest is asked for again. */
  "preview.profile": { request: ProfileRequest; response: Array<ColumnProfile> };
  /** How far the reading of a sample is; nothing when it is not read (any more). */
  "preview.progress": { request: SampleTicket; response: SampleProgress | null };
  /** Has a sample that is being read be answered with the rows that are here. */
  "preview.enough": { request: SampleTicket; response: null };
  /** A window of a table in the destination. */
  "data": { request: DataRequest; response: GridData };
  /** Starts a run, or continues one. With a fingerprint it does exactly the plan that was shown, or refuses. */
  "run.start": { request: StartRequest; response: Started };
  /** Stops a run at the next durable point: what is being read is finished and kept. */
  "run.pause": { request: RunRequest; response: null };
  /** Stops a run now: what is not durable is dropped. The next run goes on from the last checkpoint. */
  "run.stop": { request: RunRequest; response: null };
  /** Has a run that waits before its next attempt try again at once. */
  "run.hurry": { request: RunRequest; response: null };
  /** The account of a run that ended. */
  "run.get": { request: RunRequest; response: Receipt };
  /** The latest runs, newest first. */
  "runs.list": { request: RunsRequest; response: Array<RunSummary> };
  /** A window of the log of a run. */
  "run.log": { request: LogRequest; response: LogPage };
  /** The next match in the log of a run. The search goes through all of it. */
  "run.log.find": { request: LogFindRequest; response: LogFound };
  /** Compares both sides of a table row by row. Reads both in full; writes nothing. */
  "compare": { request: CompareRequest; response: Comparison };
  /** The last comparison of each table of a connection. */
  "compare.last": { request: ConnectionRequest; response: Array<Comparison> };
  /** How reliable a connection was. */
  "runs.reliability": { request: ReliabilityRequest; response: Reliability };
  /** What happened to a connection besides its runs, newest first. */
  "timeline": { request: TimelineRequest; response: Array<TimelineEntry> };
  /** What changed between two versions of a file of the configuration. */
  "config.diff": { request: DiffRequest; response: ConfigDiff };
  /** Changes of sources that wait for a decision. */
  "inbox.list": { request: null; response: Array<InboxEntry> };
  /** Decides about them. */
  "inbox.decide": { request: DecideRequest; response: Decided };
  /** Takes decisions back, as long as no run has followed them. */
  "inbox.undo": { request: UndoRequest; response: null };
  /** Rows that could not be converted. */
  "quarantine.list": { request: QuarantineRequest; response: Array<QuarantineRow> };
  /** Loads them again, repaired. */
  "quarantine.replay": { request: ReplayRequest; response: Replayed };
  /** Lets them go without loading them. */
  "quarantine.accept": { request: AcceptRequest; response: Accepted };
  /** Asks a destination in SQL. Only reads. */
  "sql.run": { request: SqlRequest; response: SqlResult };
  /** The tables that can be queried, for completion. */
  "sql.schema": { request: DestinationRequest; response: Array<SqlTable> };
}

/** Which cached answers belong to a request, and which are out of date after it. */
export const requestTags: { [Name in keyof Requests]: { provides: readonly CacheTag[]; invalidates: readonly CacheTag[] } } = {
  "project.info": { provides: ["project", "connections"], invalidates: [] },
  "project.open": { provides: [], invalidates: ["project"] },
  "settings.get": { provides: ["project"], invalidates: [] },
  "settings.save": { provides: [], invalidates: ["project", "connections"] },
  "helper.get": { provides: ["project"], invalidates: [] },
  "helper.save": { provides: [], invalidates: ["project"] },
  "helper.remove": { provides: [], invalidates: ["project"] },
  "search": { provides: ["connections", "systems", "runs"], invalidates: [] },
  "sample.prepare": { provides: [], invalidates: ["project", "connections", "systems"] },
  "sample.remove": { provides: [], invalidates: ["project", "connections", "systems", "runs", "inbox", "quarantine", "data"] },
  "connectors.list": { provides: ["connectors"], invalidates: [] },
  "connectors.form": { provides: ["connectors"], invalidates: [] },
  "connectors.address": { provides: [], invalidates: [] },
  "sign_in.begin": { provides: [], invalidates: [] },
  "sign_in.wait": { provides: [], invalidates: [] },
  "sign_in.code": { provides: [], invalidates: [] },
  "sign_in.cancel": { provides: [], invalidates: [] },
  "builder.draft": { provides: [], invalidates: [] },
  "builder.look": { provides: [], invalidates: [] },
  "builder.examine": { provides: [], invalidates: [] },
  "builder.trial": { provides: [], invalidates: [] },
  "builder.help_preview": { provides: [], invalidates: [] },
  "builder.help": { provides: [], invalidates: [] },
  "builder.save": { provides: [], invalidates: ["connectors", "systems"] },
  "builder.open": { provides: ["connectors", "systems"], invalidates: [] },
  "builder.drafts": { provides: ["drafts"], invalidates: [] },
  "builder.keep": { provides: [], invalidates: ["drafts"] },
  "builder.forget": { provides: [], invalidates: ["drafts"] },
  "builder.practice": { provides: [], invalidates: [] },
  "connectors.versions": { provides: ["connectors", "systems", "connections", "runs"], invalidates: [] },
  "connectors.upgrade_plan": { provides: [], invalidates: [] },
  "connectors.upgrade": { provides: [], invalidates: ["systems", "connections", "tables", "runs"] },
  "connectors.rehearse": { provides: [], invalidates: [] },
  "connectors.roll_back": { provides: [], invalidates: ["systems", "connections", "tables", "runs"] },
  "connectors.put_back": { provides: [], invalidates: ["systems", "connections", "tables", "runs"] },
  "systems.list": { provides: ["systems", "connections"], invalidates: [] },
  "systems.get": { provides: ["systems"], invalidates: [] },
  "systems.check": { provides: [], invalidates: [] },
  "systems.save": { provides: [], invalidates: ["systems", "connections", "tables"] },
  "systems.remove": { provides: [], invalidates: ["systems", "project"] },
  "discover": { provides: ["tables"], invalidates: [] },
  "tables.search": { provides: ["tables"], invalidates: [] },
  "connections.list": { provides: ["connections", "runs", "inbox"], invalidates: [] },
  "connections.get": { provides: ["connections", "runs", "inbox"], invalidates: [] },
  "connections.save": { provides: [], invalidates: ["project", "connections", "systems", "inbox"] },
  "connections.pause": { provides: [], invalidates: ["connections", "runs"] },
  "connections.remove": { provides: [], invalidates: ["project", "connections", "systems", "inbox"] },
  "drafts.list": { provides: ["drafts"], invalidates: [] },
  "drafts.save": { provides: [], invalidates: ["drafts"] },
  "drafts.remove": { provides: [], invalidates: ["drafts"] },
  "plan.make": { provides: [], invalidates: [] },
  "preview": { provides: ["project", "data"], invalidates: [] },
  "preview.profile": { provides: [], invalidates: [] },
  "preview.progress": { provides: [], invalidates: [] },
  "preview.enough": { provides: [], invalidates: [] },
  "data": { provides: ["data"], invalidates: [] },
  "run.start": { provides: [], invalidates: ["runs", "connections"] },
  "run.pause": { provides: [], invalidates: ["connections"] },
  "run.stop": { provides: [], invalidates: ["connections"] },
  "run.hurry": { provides: [], invalidates: ["connections"] },
  "run.get": { provides: ["runs"], invalidates: [] },
  "runs.list": { provides: ["runs"], invalidates: [] },
  "run.log": { provides: ["runs"], invalidates: [] },
  "run.log.find": { provides: ["runs"], invalidates: [] },
  "compare": { provides: [], invalidates: [] },
  "compare.last": { provides: ["runs"], invalidates: [] },
  "runs.reliability": { provides: ["runs", "project"], invalidates: [] },
  "timeline": { provides: ["runs", "inbox", "connections"], invalidates: [] },
  "config.diff": { provides: [], invalidates: [] },
  "inbox.list": { provides: ["inbox"], invalidates: [] },
  "inbox.decide": { provides: [], invalidates: ["inbox", "connections"] },
  "inbox.undo": { provides: [], invalidates: ["inbox", "connections"] },
  "quarantine.list": { provides: ["quarantine"], invalidates: [] },
  "quarantine.replay": { provides: [], invalidates: ["quarantine", "data", "connections"] },
  "quarantine.accept": { provides: [], invalidates: ["quarantine", "connections"] },
  "sql.run": { provides: [], invalidates: [] },
  "sql.schema": { provides: ["data"], invalidates: [] },
};

/** What a window can do about a failure of this kind, for its most likely fix. */
export const fixActions: Readonly<Record<ErrorKind, FixAction | null>> = {
  config: "edit_settings",
  authentication: "edit_settings",
  permission: null,
  not_found: null,
  unreachable: "try_again",
  connection_lost: "try_again",
  timeout: "try_again",
  rate_limited: "try_again",
  tls: "edit_settings",
  host_key: "edit_settings",
  schema_changed: "make_plan",
  needs_decision: "open_inbox",
  position_lost: "make_plan",
  corrupt_input: null,
  too_many_rejected: "open_rejected",
  locked: "try_again",
  disk_full: "try_again",
  fenced: "try_again",
  conflict: "try_again",
  limit_exceeded: "edit_settings",
  unsupported: "edit_settings",
  mismatch: "make_plan",
  stopped: "try_again",
  internal: "copy_details",
};
