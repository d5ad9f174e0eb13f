/** A year: data that may be older is never late. */
export const MINUTES_MAX = 525_600;

/** Minutes as they were typed; null when it is not a number of minutes that can be saved. */
export function minutesOf(typed: string): number | null {
  const trimmed = typed.trim();
  if (!/^\d{1,6}$/.test(trimmed)) return null;
  const minutes = Number(trimmed);
  return minutes >= 1 && minutes <= MINUTES_MAX ? minutes : null;
}
