import { EyeOff, KeyRound, ShieldAlert } from "lucide-react";
import type { PersonalData } from "~/api/generated";
import { useText } from "~/shared/text";
import { Tooltip } from "~/shared/ui/Tooltip";
import { useProfile, type ProfileStore } from "./profiles";

const WIDTH = 72;
const HEIGHT = 12;
/** Few values are few bars, not wide ones. */
const BAR_MAX = 10;

interface HeadProps {
  name: string;
  type: string;
  /** The part of the sampled values that are not null, 0 to 1; none when it was not counted. */
  filled: number | undefined;
  isKey: boolean;
  /** Why its values may be personal, and whether dots stand for them. */
  personal: PersonalData | undefined;
  hidden: boolean;
  /** Where the figures of the column come from, and which column it is. */
  figures: { store: ProfileStore; column: number } | undefined;
}

/** The head of a column: its name and type, how full it is, and how its values are spread once that was counted. */
export function Head({ name, type, filled, isKey, personal, hidden, figures }: HeadProps) {
  const text = useText();
  return (
    <>
      <span className="flex max-w-full items-center gap-1 text-ink">
        {isKey && <KeyRound size={12} strokeWidth={1.5} aria-label={text("preview.key")} className="shrink-0 text-ink-muted" />}
        {personal && <Personal guess={personal} hidden={hidden} />}
        <bdi className="truncate">{name}</bdi>
      </span>
      <span className="max-w-full truncate font-normal text-ink-subtle">{type}</span>
      {figures && <Spark store={figures.store} column={figures.column} />}
      {filled !== undefined && (
        <span aria-hidden className="mt-1 flex h-1 w-full shrink-0 overflow-hidden rounded-pill bg-sunken">
          <span className="bg-ok" style={{ width: `${filled * 100}%` }} />
        </span>
      )}
    </>
  );
}

function Personal({ guess, hidden }: { guess: PersonalData; hidden: boolean }) {
  const text = useText();
  const Icon = hidden ? EyeOff : ShieldAlert;
  const words = text(hidden ? "preview.personalHidden" : "preview.personal", { kind: guess.kind, evidence: guess.evidence });
  return (
    <Tooltip text={words}>
      <span role="img" aria-label={words} className="shrink-0 text-warn">
        <Icon size={12} strokeWidth={1.5} aria-hidden />
      </span>
    </Tooltip>
  );
}

/** The spread of a column as small bars; a line until it was counted. The inspector says the same in words. */
function Spark({ store, column }: { store: ProfileStore; column: number }) {
  const profile = useProfile(store, column);
  const counts = profile?.histogram.length ? profile.histogram.map(({ count }) => count) : (profile?.top.map(([, count]) => count) ?? []);
  const most = Math.max(1, ...counts);
  const step = Math.min(BAR_MAX, WIDTH / Math.max(1, counts.length));
  return (
    <svg
      aria-hidden
      data-counted={profile !== undefined}
      width={WIDTH}
      height={HEIGHT}
      className="mt-0.5 shrink-0 fill-accent text-border-strong opacity-80"
    >
      {counts.length === 0 && <rect x={0} y={HEIGHT - 1} width={WIDTH} height={1} className="fill-border" />}
      {counts.map((count, at) => {
        const height = count === 0 ? 0.5 : Math.max(1, (count / most) * HEIGHT);
        return <rect key={`${at * step}`} x={at * step} y={HEIGHT - height} width={Math.max(1, step - 1)} height={height} />;
      })}
    </svg>
  );
}
