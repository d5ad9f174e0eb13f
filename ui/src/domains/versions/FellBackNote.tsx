import { Link } from "@tanstack/react-router";
import { TriangleAlert } from "lucide-react";
import type { FellBack } from "~/api/generated";
import { useText } from "~/shared/text";
import { Words } from "~/shared/ui/Words";

/** That a run went back from a version, why, and what that means from now on. */
export function FellBackNote({ what }: { what: FellBack }) {
  const text = useText();
  const { connector, from, to, because, bad } = what;
  return (
    <div className="flex gap-3 rounded-card border border-border bg-warn-soft p-4">
      <TriangleAlert size={20} strokeWidth={1.5} aria-hidden className="shrink-0 text-warn" />
      <div className="min-w-0 flex-1">
        <p className="m-0 font-medium break-words">
          {text("versions.fellBack", { connector, from })} <Words>{because}</Words>
        </p>
        <p className="m-0">
          {text(bad ? "versions.fellBackBad" : "versions.fellBackSame", { from, to })}{" "}
          <Link to="/versions" search={{ connector }} className="text-accent underline">
            {text("versions.show")}
          </Link>
        </p>
      </div>
    </div>
  );
}
