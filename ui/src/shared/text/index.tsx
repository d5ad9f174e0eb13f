import { type ReactNode, useEffect, useMemo, useState } from "react";
import { IntlProvider, useIntl } from "react-intl";
import { useSettings } from "~/shared/settings";
import { en } from "./messages/en";

export type MessageId = keyof typeof en;
export type Messages = Record<MessageId, string>;
type Values = Record<string, string | number | Date>;

/** Formats a message of the catalogue. */
export type Text = (id: MessageId, values?: Values) => string;

export const languages = ["en", "de"] as const;
export type Language = (typeof languages)[number];

const loaders: Record<Language, () => Promise<Messages>> = {
  en: async () => en,
  de: async () => (await import("./messages/de")).de,
};

export function TextProvider({ children }: { children: ReactNode }) {
  const chosen = useSettings((settings) => settings.language);
  const language = chosen === "system" ? ofSystem(navigator.languages) : chosen;
  const [loaded, setLoaded] = useState<{ language: Language; messages: Messages }>({ language: "en", messages: en });

  useEffect(() => {
    let current = true;
    void loaders[language]().then((messages) => {
      if (current) setLoaded({ language, messages });
    });
    return () => {
      current = false;
    };
  }, [language]);

  useEffect(() => {
    document.documentElement.lang = loaded.language;
  }, [loaded.language]);

  // Numbers and dates follow the region of the system when it speaks the language that is shown (en-GB, de-AT).
  const locale = navigator.languages.find((tag) => tag.startsWith(loaded.language)) ?? loaded.language;
  return (
    <IntlProvider locale={locale} messages={loaded.messages}>
      {children}
    </IntlProvider>
  );
}

export function ofSystem(tags: readonly string[]): Language {
  for (const tag of tags) {
    const found = languages.find((language) => tag.toLowerCase().startsWith(language));
    if (found) return found;
  }
  return "en";
}

export function useText(): Text {
  const intl = useIntl();
  return useMemo<Text>(() => (id, values) => intl.formatMessage({ id }, values), [intl]);
}
