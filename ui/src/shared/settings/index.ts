import { useEffect } from "react";
import { create } from "zustand";
import { persist } from "zustand/middleware";

export type Theme = "system" | "light" | "dark";
export type Density = "compact" | "normal" | "relaxed";

interface Settings {
  theme: Theme;
  density: Density;
  language: "system" | "en" | "de";
  /** Single-letter shortcuts in tables can be turned off (WCAG 2.1.4). */
  letterKeys: boolean;
  sidebarCollapsed: boolean;
  set: (change: Partial<Omit<Settings, "set">>) => void;
}

/** What the person chose about the look; `public/boot.js` reads the same entry before the first paint. */
export const useSettings = create<Settings>()(
  persist(
    (set) => ({
      theme: "system",
      density: "normal",
      language: "system",
      letterKeys: true,
      sidebarCollapsed: false,
      set,
    }),
    {
      name: "syncline.settings",
      partialize: ({ set: _, ...values }) => values,
    },
  ),
);

/** Keeps the document's theme and density as chosen, also when the system changes its mind. */
export function useAppearance(): void {
  const theme = useSettings((settings) => settings.theme);
  const density = useSettings((settings) => settings.density);
  useEffect(() => {
    document.documentElement.dataset["density"] = density;
  }, [density]);
  useEffect(() => {
    const system = matchMedia("(prefers-color-scheme: dark)");
    const apply = () => {
      document.documentElement.dataset["theme"] = theme === "system" ? (system.matches ? "dark" : "light") : theme;
    };
    apply();
    system.addEventListener("change", apply);
    return () => system.removeEventListener("change", apply);
  }, [theme]);
}
