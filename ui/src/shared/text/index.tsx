import { DirectionProvider } from "@base-ui/react/direction-provider";
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

/** English made strange, for a system that speaks it: to see what longer words and the other direction do to the window. */
const trials = ["en-XA", "ar-XB"] as const;
type Trial = (typeof trials)[number];

const loaders: Record<Language | Trial, () => Promise<Messages>> = {
  en: async () => en,
  de: async () => (await import("./messages/de")).de,
  "en-XA": async () => (await import("./messages/pseudo")).pseudo("en-XA"),
  "ar-XB": async () => (await import("./messages/pseudo")).pseudo("ar-XB"),
};

const isTrial = (tag: string | undefined): tag is Trial => trials.some((trial) => trial === tag);

export function TextProvider({ children }: { children: ReactNode }) {
  const chosen = useSettings((settings) => settings.language);
  const language = chosen === "system" ? ofSystem(navigator.languages) : chosen;
  const [loaded, setLoaded] = useState<{ language: Language | Trial; messages: Messages }>({ language: "en", messages: en });

  useEffect(() => {
    let current = true;
    void loaders[language]().then((messages) => {
      if (current) setLoaded({ language, messages });
    });
    return () => {
      current = false;
    };
  }, [language]);

  const shown = isTrial(loaded.language) ? "en" : loaded.language;
  const direction = loaded.language === "ar-XB" ? "rtl" : "ltr";
  useEffect(() => {
    document.documentElement.lang = shown;
    document.documentElement.dir = direction;
  }, [shown, direction]);

  // Numbers and dates follow the region of the system when it speaks the language that is shown (en-GB, de-AT).
  const locale = navigator.languages.find((tag) => tag.startsWith(shown) && !isTrial(tag)) ?? shown;
  return (
    <IntlProvider locale={locale} messages={loaded.messages}>
      <DirectionProvider direction={direction}>{children}</DirectionProvider>
    </IntlProvider>
  );
}

export function ofSystem(tags: readonly string[]): Language | Trial {
  const [first] = tags;
  if (isTrial(first)) return first;
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
