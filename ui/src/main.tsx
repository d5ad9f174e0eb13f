import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { browserPlatform, desktopPlatform, isDesktop } from "~/platform";
import { App } from "./App";
import "./styles/index.css";

const root = document.querySelector("#root");
if (!root) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <App platform={isDesktop() ? desktopPlatform() : browserPlatform()} />
  </StrictMode>,
);
