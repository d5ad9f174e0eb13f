import { useText } from "~/shared/text";
import { Field, TextInput } from "~/shared/ui/Field";
import { Deferred } from "./Deferred";
import type { Paging } from "./paging";

/** The fields that belong to a way of paging; each has its own names. */
export function PagingFields({ paging, onPaging }: { paging: Paging; onPaging: (paging: Paging) => void }) {
  const text = useText();
  if (paging.way === "none") return null;
  return (
    <div className="grid grid-cols-2 gap-3">
      {"parameter" in paging && (
        <Field label={text(paging.way === "page" ? "builder.pages.parameter" : paging.way === "offset" ? "builder.pages.offsetParameter" : "builder.pages.cursorParameter")}>
          {(ids) => <TextInput {...ids} value={paging.parameter} onValue={(parameter) => onPaging({ ...paging, parameter })} />}
        </Field>
      )}
      {paging.way === "page" && (
        <Field label={text("builder.pages.first")}>
          {(ids) => <TextInput {...ids} inputMode="numeric" className="num" value={paging.first} onValue={(first) => onPaging({ ...paging, first })} />}
        </Field>
      )}
      {"place" in paging && (
        <Field label={text("builder.pages.place")} help={text("builder.pages.placeHelp")}>
          {(ids) => <Deferred {...ids} value={paging.place.join(".")} onCommit={(place) => onPaging({ ...paging, place: place.split(".").filter(Boolean) })} />}
        </Field>
      )}
      {"sizeParameter" in paging && (
        <>
          <Field label={text("builder.pages.sizeParameter")}>
            {(ids) => <TextInput {...ids} value={paging.sizeParameter} onValue={(sizeParameter) => onPaging({ ...paging, sizeParameter })} />}
          </Field>
          <Field label={text("builder.pages.size")}>
            {(ids) => <TextInput {...ids} inputMode="numeric" className="num" value={paging.size} onValue={(size) => onPaging({ ...paging, size: size.replaceAll(/\D/g, "") })} />}
          </Field>
        </>
      )}
    </div>
  );
}
