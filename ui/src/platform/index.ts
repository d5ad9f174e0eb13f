import { createContext, useContext } from "react";
import type { Platform } from "./platform";

export type { Answer, LinkState, Native, NativeGroup, NativeWords, Platform } from "./platform";
export { TransportError } from "./platform";
export { browserPlatform } from "./browser";
export { desktopPlatform, isDesktop } from "./desktop";

export const PlatformContext = createContext<Platform | null>(null);

export function usePlatform(): Platform {
  const platform = useContext(PlatformContext);
  if (!platform) throw new Error("PlatformContext is missing above this component");
  return platform;
}
