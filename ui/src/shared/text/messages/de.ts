import type { Messages } from "..";
import common from "./de/common.json";
import shell from "./de/shell.json";

// The type is the check that nothing is missing.
export const de: Messages = { ...common, ...shell };
