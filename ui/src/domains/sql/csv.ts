/** Rows as RFC 4180 text; null is an empty field, empty text is `""`. */
export function asCsv(columns: readonly string[], rows: readonly (readonly (string | null)[])[]): string {
  const line = (values: readonly (string | null)[]) => `${values.map(field).join(",")}\r\n`;
  return line(columns) + rows.map(line).join("");
}

function field(value: string | null): string {
  if (value === null) return "";
  return value === "" || /[",\r\n]|^\s|\s$/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
