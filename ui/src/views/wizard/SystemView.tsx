import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { Trash2 } from "lucide-react";
import { useMemo, useState } from "react";
import { useAction, useAnswer } from "~/api/client";
import type { ConnectorForm, ConnectorInfo, SystemDetail } from "~/api/generated";
import { VersionLink } from "~/domains/versions/VersionFacts";
import { fromConfig, referenceOf, referencesOf } from "~/domains/systems/form";
import { SystemForm } from "~/domains/systems/SystemForm";
import { useText } from "~/shared/text";
import { Answer } from "~/shared/ui/Answer";
import { Button } from "~/shared/ui/Button";
import { Dialog } from "~/shared/ui/Dialog";
import { PageHeader } from "~/shared/ui/layout";
import { Problem } from "~/shared/ui/Problem";
import { toast } from "~/shared/ui/toast";

/** A system that is set up: its settings, tested again before they are saved. */
export default function SystemView() {
  const text = useText();
  const { side, name } = useParams({ from: "/systems/$side/$name" });
  const detail = useAnswer("systems.get", { side, name });
  const info = useAnswer("systems.list", null).data?.find((each) => each.side === side && each.name === name);
  const [removing, setRemoving] = useState(false);
  return (
    <>
      <PageHeader title={<bdi>{name}</bdi>}>
        {side === "source" && <VersionLink source={name} />}
        {info && info.used_by.length > 0 && (
          <span className="text-ink-muted">{text("systems.usedBy", { names: info.used_by.join(", ") })}</span>
        )}
        <Button icon={Trash2} onClick={() => setRemoving(true)}>
          {text("systems.remove")}
        </Button>
      </PageHeader>
      <Answer of={detail} doing={text("systems.loading")}>
        {(found) => <WithForm key={`${side}:${name}`} detail={found} />}
      </Answer>
      {removing && <RemoveSystem side={side} name={name} usedBy={info?.used_by ?? []} onClose={() => setRemoving(false)} />}
    </>
  );
}

function WithForm({ detail }: { detail: SystemDetail }) {
  const text = useText();
  const { connector: name, version, side } = detail.info;
  // The settings of the version that it is on, which may have others than the newest.
  const form = useAnswer("connectors.form", { connector: referenceOf(name, version), side });
  const connectors = useAnswer("connectors.list", null);
  return (
    <Answer of={form} doing={text("systems.loading")}>
      {(found) => (
        <Answer of={connectors} doing={text("systems.loading")}>
          {(all) => {
            const connector = all.find((each) => each.name === name);
            // Another file is another form: what was cached before a save must not be saved again.
            return connector && <Edit key={JSON.stringify(detail.config)} detail={detail} connector={connector} form={found} />;
          }}
        </Answer>
      )}
    </Answer>
  );
}

function Edit({ detail, connector, form }: { detail: SystemDetail; connector: ConnectorInfo; form: ConnectorForm }) {
  const text = useText();
  const navigate = useNavigate();
  const { config, secrets, info } = detail;
  const references = useMemo(() => referencesOf(config, secrets), [config, secrets]);
  return (
    <SystemForm
      side={info.side}
      connector={connector}
      version={info.version}
      form={form}
      begin={{ name: info.name, values: fromConfig(form.fields, config) }}
      taken={null}
      references={references}
      onSaved={({ name }) => {
        toast({ title: text("systems.saved", { name }) });
        void navigate({ to: "/settings" });
      }}
      aside={
        <Link to="/settings" className="text-accent">
          {text("systems.back")}
        </Link>
      }
    />
  );
}

interface RemoveProps {
  side: SystemDetail["info"]["side"];
  name: string;
  usedBy: readonly string[];
  onClose: () => void;
}

/** Says why a system must stay, or what goes with it. */
export function RemoveSystem({ side, name, usedBy, onClose }: RemoveProps) {
  const text = useText();
  const navigate = useNavigate();
  const remove = useAction("systems.remove");
  const used = usedBy.length > 0;
  const act = async () => {
    if ((await remove.run({ side, name })) === undefined) return;
    toast({ title: text("systems.removed", { name }) });
    onClose();
    void navigate({ to: "/settings" });
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={text("systems.removeTitle", { name })}
      footer={
        <>
          <Button onClick={onClose}>{text("common.cancel")}</Button>
          {!used && (
            <Button look="danger" disabled={remove.pending} onClick={() => void act()}>
              {text("systems.removeNow", { name })}
            </Button>
          )}
        </>
      }
    >
      <p className="m-0">{used ? text("systems.inUse", { names: usedBy.join(", ") }) : text("systems.removeMeaning")}</p>
      {remove.error !== null && <Problem error={remove.error} className="mt-3" />}
    </Dialog>
  );
}
