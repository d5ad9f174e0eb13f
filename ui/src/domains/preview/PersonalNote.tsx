import type { SampledPreview } from "~/api/generated";
import { useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";

interface PersonalNoteProps {
  personal: SampledPreview["personal"];
  shown: boolean;
  onShown: (shown: boolean) => void;
}

/** How many columns may hold personal data, with the way to see their values all the same. */
export function PersonalNote({ personal, shown, onShown }: PersonalNoteProps) {
  const text = useText();
  const count = personal.filter((guess) => guess !== null).length;
  if (count === 0) return null;
  return (
    <span className="flex flex-wrap items-center gap-x-2 text-ink-muted">
      {text("tables.personalCount", { count })}
      <Button size="small" aria-pressed={shown} onClick={() => onShown(!shown)}>
        {text(shown ? "preview.hideValues" : "preview.showValues")}
      </Button>
    </span>
  );
}
