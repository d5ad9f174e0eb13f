// Runs before anything else, as a classic script, because two things cannot wait for the bundle.
(function () {
  // WebKitGTK reports the language "C" under LANG=C or C.UTF-8, and `new Intl.NumberFormat("C")` throws. A library
  // that does so while it is imported would leave the window blank.
  function valid(language) {
    try {
      return typeof language === "string" && new Intl.Locale(language) && true;
    } catch {
      return false;
    }
  }
  if (!valid(navigator.language)) {
    Object.defineProperty(navigator, "language", { get: function () { return "en-US"; }, configurable: true });
    Object.defineProperty(navigator, "languages", { get: function () { return ["en-US"]; }, configurable: true });
  }

  // The theme is set before the first paint, so that the window never flashes.
  var settings = {};
  try {
    settings = JSON.parse(localStorage.getItem("syncline.settings") || "{}").state || {};
  } catch {
    // Unreadable or forbidden storage: the defaults hold.
  }
  var dark = matchMedia("(prefers-color-scheme: dark)");
  var theme = settings.theme === "light" || settings.theme === "dark" ? settings.theme : dark.matches ? "dark" : "light";
  var root = document.documentElement;
  root.dataset.theme = theme;
  root.dataset.density = settings.density === "compact" || settings.density === "relaxed" ? settings.density : "normal";
  root.lang = navigator.language;
})();
