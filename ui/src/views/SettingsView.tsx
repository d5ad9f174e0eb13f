import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useAnswer } from "~/api/client";
import { useSettings } from "~/shared/settings";
import { useText } from "~/shared/text";
import { Answer } from "~/shared/ui/Answer";
import { Checkbox, Choices, Field } from "~/shared/ui/Field";
import { PageHeader } from "~/shared/ui/layout";
import { Select } from "~/shared/ui/Select";
import { FreshnessTarget } from "./settings/FreshnessTarget";
import { HelperSettings } from "./settings/HelperSettings";
import { RemoveSample } from "./settings/RemoveSample";

/** The look, the keyboard, and what this program is. */
export default function SettingsView() {
  const text = useText();
  const settings = useSettings();
  const project = useAnswer("project.info", null).data;
  return (
    <>
      <PageHeader title={text("settings.title")} />
      <div className="flex flex-1 flex-col gap-8 overflow-auto p-6">
        <Section title={text("settings.appearance")}>
          <Choices
            inline
            legend={text("settings.theme")}
            value={settings.theme}
            onValue={(theme) => settings.set({ theme })}
            choices={[
              { value: "system", label: text("settings.theme.system") },
              { value: "light", label: text("settings.theme.light") },
              { value: "dark", label: text("settings.theme.dark") },
            ]}
          />
          <Choices
            inline
            legend={text("settings.density")}
            value={settings.density}
            onValue={(density) => settings.set({ density })}
            choices={[
              { value: "compact", label: text("settings.density.compact") },
              { value: "normal", label: text("settings.density.normal") },
              { value: "relaxed", label: text("settings.density.relaxed") },
            ]}
          />
          <Field label={text("settings.language")}>
            {(ids) => (
              <Select
                {...ids}
                className="w-60"
                value={settings.language}
                onValue={(language) => settings.set({ language })}
                choices={[
                  { value: "system", label: text("settings.language.system") },
                  { value: "en", label: "English" },
                  { value: "de", label: "Deutsch" },
                ]}
              />
            )}
          </Field>
        </Section>
        <Section title={text("settings.freshness")}>
          <FreshnessTarget />
        </Section>
        <Section title={text("settings.keyboard")}>
          <div>
            <Checkbox
              label={text("settings.letters")}
              checked={settings.letterKeys}
              onValue={(letterKeys) => settings.set({ letterKeys })}
            />
            <p className="m-0 ms-6 text-ink-muted">{text("settings.lettersHelp")}</p>
          </div>
        </Section>
        <Section title={text("systems.title")}>
          <Systems />
        </Section>
        <Section title={text("settings.helper")}>
          <HelperSettings />
        </Section>
        <Section title={text("settings.storage")}>
          {project && (
            <p className="m-0">
              <span className="text-ink-muted">{text("settings.project")}: </span>
              <bdi className="font-mono text-code break-all">{project.folder}</bdi>
            </p>
          )}
        </Section>
        <Section title={text("settings.sample")}>
          <RemoveSample />
        </Section>
        <Section title={text("settings.secrets")}>
          {project && <p className="m-0">{project.secret_store}</p>}
          <p className="m-0 text-ink-muted">{text("settings.secretsHelp")}</p>
        </Section>
        <Section title={text("settings.about")}>
          {project && <p className="num m-0">{`${text("settings.version")} ${project.version}`}</p>}
          <p className="m-0 text-ink-muted">{text("settings.privacy")}</p>
        </Section>
      </div>
    </>
  );
}

/** Sources and destinations, each a way to its settings. */
function Systems() {
  const text = useText();
  const systems = useAnswer("systems.list", null);
  return (
    <Answer of={systems} doing={text("systems.loading")} rows={2}>
      {(all) =>
        all.length === 0 ? (
          <p className="m-0 text-ink-muted">{text("systems.none")}</p>
        ) : (
          <ul className="m-0 list-none p-0">
            {all.map(({ side, name, title, summary, used_by }) => (
              <li key={`${side}:${name}`} className="grid min-h-10 grid-cols-[160px_96px_1fr_1fr] items-center gap-3 border-b border-border">
                <Link to="/systems/$side/$name" params={{ side, name }} aria-label={text("systems.edit", { name })} className="truncate font-medium text-accent">
                  <bdi>{name}</bdi>
                </Link>
                <span className="text-ink-muted">{text(`systems.side.${side}`)}</span>
                <bdi className="truncate text-ink-muted" title={summary}>
                  {[title, summary].filter(Boolean).join(" · ")}
                </bdi>
                <span className="truncate text-ink-muted">
                  {used_by.length > 0 ? text("systems.usedBy", { names: used_by.join(", ") }) : text("systems.unused")}
                </span>
              </li>
            ))}
          </ul>
        )
      }
    </Answer>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="grid max-w-4xl grid-cols-[160px_1fr] gap-6">
      <h2 className="text-heading font-semibold">{title}</h2>
      <div className="flex flex-col gap-4">{children}</div>
    </section>
  );
}
