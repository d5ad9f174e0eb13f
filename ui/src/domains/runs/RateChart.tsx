import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Sample } from "~/live/runs";
import { useSettings } from "~/shared/settings";
import { useText } from "~/shared/text";

const HEIGHT_PX = 96;
const SMOOTH_MS = 1_000;

/** Rows per second over the last minutes, read and written. */
export default function RateChart({ samples }: { samples: readonly Sample[] }) {
  const text = useText();
  const theme = useSettings((settings) => settings.theme);
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);

  const [readLabel, writeLabel] = [text("run.read"), text("run.write")];
  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const chart = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT_PX,
        cursor: { show: false },
        legend: { show: false },
        scales: { x: { time: false }, y: { range: (_, __, most) => [0, Math.max(1, most)] } },
        axes: [
          { show: false },
          {
            stroke: token("--text-subtle"),
            grid: { stroke: token("--border"), width: 1 },
            ticks: { show: false },
            font: '11px "Inter", sans-serif',
            size: 48,
            splits: (_, __, ___, most) => [0, most],
            values: (_, values) => values.map(short),
          },
        ],
        series: [
          {},
          { label: readLabel, stroke: token("--run"), width: 1.5, points: { show: false } },
          { label: writeLabel, stroke: token("--accent"), width: 1.5, points: { show: false } },
        ],
      },
      [[], [], []],
      element,
    );
    plot.current = chart;
    const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
      plot.current = null;
    };
  }, [theme, readLabel, writeLabel]);

  // Rates are those of about a second: drawing them more often costs much and shows nothing more.
  const latest = useRef(samples);
  const second = Math.floor((samples.at(-1)?.elapsedMs ?? 0) / 1000);
  useEffect(() => {
    latest.current = samples;
  });
  useEffect(() => {
    plot.current?.setData(seriesOf(latest.current));
  }, [second, theme]);

  return <div ref={box} role="img" aria-label={text("run.chart")} style={{ height: HEIGHT_PX }} />;
}

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function short(value: number): string {
  if (value >= 1e6) return `${Math.round(value / 1e5) / 10}M`;
  return value >= 1e3 ? `${Math.round(value / 1e3)}k` : `${Math.round(value)}`;
}

/** Rates between samples about a second apart; neighbouring ones would jump with every batch. */
export function seriesOf(samples: readonly Sample[]): [number[], number[], number[]] {
  const series: [number[], number[], number[]] = [[], [], []];
  let from = 0;
  for (const [at, sample] of samples.entries()) {
    while (from < at - 1 && sample.elapsedMs - (samples[from + 1]?.elapsedMs ?? 0) >= SMOOTH_MS) from += 1;
    const start = samples[from];
    if (!start || start.elapsedMs === sample.elapsedMs) continue;
    const seconds = (sample.elapsedMs - start.elapsedMs) / 1000;
    series[0].push(sample.elapsedMs / 1000);
    series[1].push((sample.read - start.read) / seconds);
    series[2].push((sample.committed - start.committed) / seconds);
  }
  return series;
}
