import type { Messages } from "..";
import builder from "./de/builder.json";
import common from "./de/common.json";
import connections from "./de/connections.json";
import data from "./de/data.json";
import history from "./de/history.json";
import plan from "./de/plan.json";
import run from "./de/run.json";
import shell from "./de/shell.json";
import sql from "./de/sql.json";
import systems from "./de/systems.json";
import versions from "./de/versions.json";
import wizard from "./de/wizard.json";

// The type is the check that nothing is missing.
export const de: Messages = { ...common, ...shell, ...connections, ...plan, ...run, ...data, ...history, ...systems, ...versions, ...wizard, ...sql, ...builder };
