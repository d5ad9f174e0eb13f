import builder from "./en/builder.json";
import common from "./en/common.json";
import connections from "./en/connections.json";
import data from "./en/data.json";
import history from "./en/history.json";
import plan from "./en/plan.json";
import run from "./en/run.json";
import shell from "./en/shell.json";
import sql from "./en/sql.json";
import systems from "./en/systems.json";
import versions from "./en/versions.json";
import wizard from "./en/wizard.json";

export const en = { ...common, ...shell, ...connections, ...plan, ...run, ...data, ...history, ...systems, ...versions, ...wizard, ...sql, ...builder };
