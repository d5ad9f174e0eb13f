import { useAllCommands } from "~/shared/commands";
import { useText } from "~/shared/text";
import { Keys } from "~/shared/ui/Button";
import { Dialog } from "~/shared/ui/Dialog";

export function ShortcutSheet({ open, onClose }: { open: boolean; onClose: () => void }) {
  const text = useText();
  const commands = useAllCommands().filter((command) => command.shortcut);
  return (
    <Dialog open={open} onClose={onClose} title={text("shortcuts.title")}>
      <dl className="m-0 flex flex-col">
        {commands.map((command) => (
          <div key={command.id} className="flex h-8 items-center justify-between border-b border-border">
            <dt>{command.title}</dt>
            <dd className="m-0">{command.shortcut && <Keys shortcut={command.shortcut} />}</dd>
          </div>
        ))}
      </dl>
      <p className="text-ink-muted">{text("shortcuts.tables")}</p>
    </Dialog>
  );
}
