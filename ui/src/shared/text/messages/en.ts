import common from "./en/common.json";
import shell from "./en/shell.json";

export const en = { ...common, ...shell };
