import clsx from "clsx";
import { Search } from "lucide-react";
import { Dialog as Base } from "@base-ui/react/dialog";
import { type KeyboardEvent, useDeferredValue, useId, useMemo, useState } from "react";
import { type Command, type CommandGroup, useAllCommands } from "~/shared/commands";
import { type MessageId, useText } from "~/shared/text";
import { Keys } from "~/shared/ui/Button";
import { find, withHits } from "./find";
import { useHits } from "./useHits";

const groups: Record<CommandGroup, MessageId> = {
  navigate: "palette.navigate",
  connection: "palette.connection",
  run: "palette.run",
  view: "palette.view",
  help: "palette.help",
  found: "palette.found",
};

/** Every command, connection and table by name. Commands that would change data open their plan, they never act. */
export function Palette({ open, onClose, extra }: { open: boolean; onClose: () => void; extra: readonly Command[] }) {
  const text = useText();
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-dialog bg-scrim" />
        <Base.Popup
          aria-label={text("palette.title")}
          className="fixed top-24 left-1/2 z-dialog flex max-h-[60vh] w-2xl max-w-[calc(100vw-48px)] -translate-x-1/2 flex-col rounded-card border border-border bg-raised shadow-dialog outline-none"
        >
          <Finder onClose={onClose} extra={extra} />
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

function Finder({ onClose, extra }: { onClose: () => void; extra: readonly Command[] }) {
  const text = useText();
  const id = useId();
  const own = useAllCommands();
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const wanted = useDeferredValue(query);
  const commands = useMemo(() => find([...own, ...extra], wanted), [own, extra, wanted]);
  const hits = useHits(query);
  // What is found by asking stands below, so that nothing moves under the selection when it comes.
  const found = useMemo(() => withHits(commands, hits.found), [commands, hits.found]);

  const run = (command: Command | undefined) => {
    if (!command || command.disabled) return;
    onClose();
    command.run();
  };
  const onKey = (event: KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    const step = steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setAt((now) => (now + step + found.length) % Math.max(found.length, 1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      // Somebody who types fast is ahead of the list: what counts is what was typed.
      const meant = wanted === query ? found : withHits(find([...own, ...extra], query), hits.found);
      run(meant[at]);
    }
  };

  return (
    <>
      <div className="flex h-12 shrink-0 items-center gap-3 border-b border-border px-4">
        <Search size={16} strokeWidth={1.5} aria-hidden className="text-ink-subtle" />
        <input
          // The palette exists to be typed into.
          // oxlint-disable-next-line jsx-a11y/no-autofocus
          autoFocus
          role="combobox"
          aria-expanded
          aria-controls={`${id}-list`}
          aria-activedescendant={found.length > 0 ? `${id}-${at}` : undefined}
          aria-label={text("palette.placeholder")}
          placeholder={text("palette.placeholder")}
          value={query}
          spellCheck={false}
          onKeyDown={onKey}
          onChange={(event) => {
            setQuery(event.target.value);
            setAt(0);
          }}
          className="h-full flex-1 border-0 bg-transparent text-ink outline-none"
        />
      </div>
      <div id={`${id}-list`} role="listbox" aria-label={text("palette.title")} className="min-h-0 flex-1 overflow-auto p-1">
        {found.map((command, index) => (
          <Option
            key={command.id}
            id={`${id}-${index}`}
            command={command}
            heading={found[index - 1]?.group === command.group ? undefined : text(groups[command.group])}
            active={index === at}
            onPick={() => run(command)}
          />
        ))}
        {found.length === 0 && (
          <p className="m-0 p-4 text-ink-muted">{hits.asking ? text("palette.asking") : text("palette.empty", { query })}</p>
        )}
      </div>
      <p role="status" className="m-0 border-t border-border px-4 py-2 text-caption text-ink-subtle">
        {query === ""
          ? text("palette.hint", { commands: ">" })
          : text("palette.count", { count: found.length })}
      </p>
    </>
  );
}

interface OptionProps {
  id: string;
  command: Command;
  heading: string | undefined;
  active: boolean;
  onPick: () => void;
}

function Option({ id, command, heading, active, onPick }: OptionProps) {
  const Icon = command.icon;
  return (
    <>
      {heading && (
        <div role="presentation" className="px-3 pt-2 pb-1 text-caption font-medium text-ink-subtle">
          {heading}
        </div>
      )}
      <div
        id={id}
        role="option"
        tabIndex={-1}
        aria-selected={active}
        aria-disabled={command.disabled}
        // The input keeps the focus and hears the keys.
        onMouseDown={(event) => event.preventDefault()}
        onClick={onPick}
        onKeyDown={(event) => event.key === "Enter" && onPick()}
        ref={(element) => {
          if (active) element?.scrollIntoView({ block: "nearest" });
        }}
        className={clsx(
          "flex h-9 items-center gap-3 rounded-control px-3",
          active ? "bg-accent-soft" : "hover:bg-sunken",
          command.disabled && "opacity-50",
        )}
      >
        <span className="flex w-4 shrink-0 text-ink-muted">
          {Icon && <Icon size={16} strokeWidth={1.5} aria-hidden />}
        </span>
        <bdi className="flex-1 truncate">
          {command.title}
          {command.detail && <span className="ms-2 text-ink-muted">{command.detail}</span>}
        </bdi>
        {command.shortcut && <Keys shortcut={command.shortcut} />}
      </div>
    </>
  );
}
