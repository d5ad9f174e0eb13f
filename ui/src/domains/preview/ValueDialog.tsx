import { usePlatform } from "~/platform";
import { useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";
import { Code } from "~/shared/ui/Code";
import { Dialog } from "~/shared/ui/Dialog";
import { toast } from "~/shared/ui/toast";

/** One value in full; JSON is set out in lines. */
export function ValueDialog({ shown, onClose }: { shown: { column: string; value: string } | null; onClose: () => void }) {
  const text = useText();
  const platform = usePlatform();
  if (!shown) return null;
  const copy = async () => {
    await platform.copy(shown.value);
    toast({ title: text("common.copied") });
  };
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={text("data.value", { column: shown.column })}
      footer={
        <>
          <Button onClick={() => void copy()}>{text("common.copy")}</Button>
          <Button look="primary" onClick={onClose}>
            {text("common.close")}
          </Button>
        </>
      }
    >
      <Code>{setOut(shown.value)}</Code>
    </Dialog>
  );
}

/** Indents JSON without parsing its numbers, which would round large ones. */
export function setOut(value: string): string {
  const trimmed = value.trim();
  if (!/^[[{]/.test(trimmed)) return value;
  let out = "";
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < trimmed.length; at += 1) {
    const sign = trimmed[at] ?? "";
    if (quoted) {
      out += sign;
      if (sign === "\\") out += trimmed[(at += 1)] ?? "";
      else if (sign === '"') quoted = false;
    } else if (sign === '"') {
      quoted = true;
      out += sign;
    } else if (sign === "{" || sign === "[") {
      depth += 1;
      out += `${sign}\n${"  ".repeat(depth)}`;
    } else if (sign === "}" || sign === "]") {
      depth = Math.max(0, depth - 1);
      out += `\n${"  ".repeat(depth)}${sign}`;
    } else if (sign === ",") out += `,\n${"  ".repeat(depth)}`;
    else if (sign === ":") out += ": ";
    else if (!/\s/.test(sign)) out += sign;
  }
  return out.replaceAll(/([[{])\s+([\]}])/g, "$1$2");
}
