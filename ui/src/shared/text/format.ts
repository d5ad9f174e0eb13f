import { useMemo } from "react";
import { useIntl } from "react-intl";

/** Numbers, sizes, times and durations as the interface writes them. */
export interface Format {
  /** 1,240,000 → "1.24 M"; below 100,000 in full. */
  count: (value: number) => string;
  /** Every digit: for hovering and copying. */
  exact: (value: number) => string;
  /** 12,345,678 → "12 MB". */
  bytes: (value: number) => string;
  percent: (share: number, digits?: number) => string;
  /** 131,000 ms → "2 min 11 s". */
  duration: (ms: number) => string;
  /** "3 min ago"; a date when it is more than seven days ago. */
  ago: (time: string, now?: number) => string;
  /** Date and time to the second with the zone. */
  moment: (time: string) => string;
  /** "14:02:11". */
  clock: (time: string) => string;
  day: (time: string) => string;
}

const COMPACT_FROM = 100_000;
const DAY_MS = 86_400_000;

export function makeFormat(locale: string): Format {
  const exact = new Intl.NumberFormat(locale);
  const scaled = new Intl.NumberFormat(locale, { maximumSignificantDigits: 3 });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
  const date = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: "medium", hourCycle: "h23" });
  const moment = new Intl.DateTimeFormat(locale, {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
    hourCycle: "h23",
  });
  const unit = (name: string, value: number) =>
    new Intl.NumberFormat(locale, { style: "unit", unit: name, unitDisplay: "short" }).format(value);

  const count = (value: number) => {
    if (Math.abs(value) < COMPACT_FROM) return exact.format(value);
    const [divisor, sign] = value >= 1e9 ? [1e9, "G"] : value >= 1e6 ? [1e6, "M"] : [1e3, "k"];
    return `${scaled.format(value / divisor)} ${sign}`;
  };

  return {
    count,
    exact: (value) => exact.format(value),
    bytes: (value) => {
      const steps = ["B", "kB", "MB", "GB", "TB"];
      const at = value < 1 ? 0 : Math.min(Math.floor(Math.log10(value) / 3), steps.length - 1);
      return `${scaled.format(value / 1000 ** at)} ${steps[at]}`;
    },
    percent: (share, digits = 0) =>
      new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: digits }).format(share),
    duration: (ms) => {
      if (ms < 1000) return unit("millisecond", Math.round(ms));
      if (ms < 10_000) return unit("second", Math.round(ms / 100) / 10);
      const seconds = Math.round(ms / 1000);
      if (seconds < 60) return unit("second", seconds);
      const minutes = Math.floor(seconds / 60);
      if (minutes < 60) return joined(unit("minute", minutes), seconds % 60, (rest) => unit("second", rest));
      return joined(unit("hour", Math.floor(minutes / 60)), minutes % 60, (rest) => unit("minute", rest));
    },
    ago: (time, now = Date.now()) => {
      const ms = Date.parse(time) - now;
      const past = Math.abs(ms);
      if (past > 7 * DAY_MS) return date.format(new Date(time));
      if (past < 60_000) return relative.format(Math.round(ms / 1000), "second");
      if (past < 3_600_000) return relative.format(Math.round(ms / 60_000), "minute");
      if (past < DAY_MS) return relative.format(Math.round(ms / 3_600_000), "hour");
      return relative.format(Math.round(ms / DAY_MS), "day");
    },
    moment: (time) => moment.format(new Date(time)),
    clock: (time) => clock.format(new Date(time)),
    day: (time) => date.format(new Date(time)),
  };
}

function joined(head: string, rest: number, tail: (rest: number) => string): string {
  return rest === 0 ? head : `${head} ${tail(rest)}`;
}

export function useFormat(): Format {
  const { locale } = useIntl();
  return useMemo(() => makeFormat(locale), [locale]);
}
