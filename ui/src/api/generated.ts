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

/** One try of a run. */
export type Attempt = {
  /** 1 for the first. */
  number: number,
  /** When it began, RFC 3339 in UTC. */
  started_at: string,
  /** What it failed with, when it did: the first failure of a table that is tried again. */
  failure: Failure | null, };

/** Values in one range of a histogram; all ranges have the same width. */
export type Bin = {
  /** Where the range begins, as text of the column's type. */
  from: string,
  /** Where it ends. The last range includes its end, the others do not. */
  to: string,
  /** How many values of the sample lie in it. */
  count: number, };

/** Names a group of answers. A request that provides a tag is out of date when another one invalidates it. */
export type CacheTag = "project" | "connectors" | "systems" | "tables" | "connections" | "drafts" | "runs" | "inbox" | "quarantine" | "data";

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
  secrets: Record<string, string>, };

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
  nulls: number,
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
  /** Whether it can be read. */
  source: boolean,
  /** Whether it can be written. */
  destination: boolean, };

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

/** Rows, or columns, that rightly differ. */
export type ExpectedGap = {
  /** Why. */
  reason: GapReason,
  /** How many rows; of columns that are left out, how many columns. */
  count: number, };

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

/** Something about the data that a person should know. */
export type Finding = {
  /** Larger is worse: 3 rows are rejected, 2 the result may surprise, 1 good to know. */
  weight: number,
  /** In one sentence. */
  text: string, };

/** Where a window can lead somebody who has to fix something. */
export type FixAction = "edit_settings" | "try_again" | "open_inbox" | "open_rejected" | "make_plan" | "copy_details";

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

/** The one word on how a connection is. */
export type Health = "needs_you" | "failing" | "late" | "new" | "healthy" | "paused" | "draft";

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

/** A table that matches a search. */
export type MatchingTable = {
  /** The table. */
  table: FoundTable,
  /** The names of its columns that match. */
  columns: Array<string>, };

/** How long a connector has proved itself. */
export type Maturity = "stable" | "new";

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
  tables: Array<TableEffect>, };

/** Asks what a run would do. */
export type PlanRequest = {
  /** The connection. */
  connection: string,
  /** Only these tables; empty means all. */
  tables: Array<TableName>,
  /** All rows are read again, also those that were read before. */
  reread?: boolean, };

/** The connection that was made. */
export type Prepared = {
  /** Its name. */
  connection: string, };

/** A sample of a table as it will land. */
export type Preview = {
  /** The table of the source. */
  table: TableName,
  /** The table of the destination. */
  target: TargetName,
  /** How many rows the sample has. It is the first rows the source gives, not all of them. */
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
  /** What would change in the destination, with the estimate. */
  effect: TableEffect | null, };

/** Shows a sample of a table as it will land. */
export type PreviewRequest = {
  /** The connection. */
  connection: string,
  /** The table of the source. */
  table: TableName,
  /** How many rows to sample. */
  rows: number, };

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
  /** What ended it as a whole, when something did. */
  failure: Failure | null, };

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
  failure: Failure, } | { "event": "run_ended",
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
  failure: string | null, };

/** Lists runs, newest first. */
export type RunsRequest = {
  /** Only of this connection. */
  connection: string | null,
  /** At most this many. */
  limit: number, };

/** Writes a connection. */
export type SaveConnectionRequest = {
  /** Its name. */
  connection: string,
  /** The content of its file. */
  config: unknown, };

/** Keeps a draft. */
export type SaveDraftRequest = {
  /** Its name. */
  name: string,
  /** Whatever the window needs to go on with it. Must not hold secrets. */
  content: unknown, };

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
  secrets: Record<string, string>, };

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
  from: LogicalType, };

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

/** One end of a connection. */
export type Side = "source" | "destination";

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
  reread?: boolean, };

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
  /** The changes of the destination's schema. */
  changes: Array<SchemaChange>,
  /** The same as statements. */
  ddl: Array<string>,
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
   * `pause`.
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

/** Takes decisions back. */
export type UndoRequest = {
  /** The entries of the history. */
  entries: Array<number>, };

/** The four verbs of a plan, and none. */
export type Verb = "add" | "change" | "rebuild" | "unchanged" | "blocked";

/** How rows are kept. */
export type WriteMode = { "mode": "merge",
  /** What happens to rows that the source deleted. */
  deletes: Deletes, } | { "mode": "append" } | { "mode": "replace" } | { "mode": "history" };

/** What can be asked, by name. */
export interface Requests {
  /** The open project and the program. */
  "project.info": { request: null; response: Project };
  /** What a person has set for this project. */
  "settings.get": { request: null; response: Settings };
  /** Sets it. */
  "settings.save": { request: Settings; response: null };
  /** Finds connections, tables, columns, systems and runs by name. */
  "search": { request: SearchRequest; response: Array<SearchHit> };
  /** Makes the sample: source, destination and connection. Nothing is synced yet. */
  "sample.prepare": { request: null; response: Prepared };
  /** Removes the sample from the project and does not offer it again. Loaded rows stay where they are. */
  "sample.remove": { request: null; response: null };
  /** The catalogue of connectors. */
  "connectors.list": { request: null; response: Array<ConnectorInfo> };
  /** The form of a connector. */
  "connectors.form": { request: FormRequest; response: Array<FormField> };
  /** What a pasted connection address says; null when no connector knows it. */
  "connectors.address": { request: AddressRequest; response: AddressAnswer | null };
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
  "preview": { request: PreviewRequest; response: Preview };
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
  "settings.get": { provides: ["project"], invalidates: [] },
  "settings.save": { provides: [], invalidates: ["project", "connections"] },
  "search": { provides: ["connections", "systems", "runs"], invalidates: [] },
  "sample.prepare": { provides: [], invalidates: ["project", "connections", "systems"] },
  "sample.remove": { provides: [], invalidates: ["project", "connections", "systems", "runs", "inbox", "quarantine", "data"] },
  "connectors.list": { provides: ["connectors"], invalidates: [] },
  "connectors.form": { provides: ["connectors"], invalidates: [] },
  "connectors.address": { provides: [], invalidates: [] },
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
  "preview": { provides: [], invalidates: [] },
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
