// Light, dark, or as the machine has it. A plain script in the head, so that it runs before the
// first paint; whoever has the button `data-theme-toggle` on the page is asked which.

(() => {
  const KEY = "lastseen-theme";
  const NEXT = { auto: "light", light: "dark", dark: "auto" };
  const NAMES = { auto: "as this machine", light: "light", dark: "dark" };

  function kept() {
    try {
      const found = localStorage.getItem(KEY);
      return Object.hasOwn(NEXT, found) ? found : "auto";
    } catch {
      return "auto"; // storage may be switched off
    }
  }

  function apply(theme) {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }

  let theme = kept();
  apply(theme);
  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      const name = () => {
        button.textContent = `Theme: ${theme}`;
        button.setAttribute("aria-label", `Theme: ${NAMES[theme]}. Change to ${NAMES[NEXT[theme]]}`);
      };
      name();
      button.addEventListener("click", () => {
        theme = NEXT[theme];
        apply(theme);
        name();
        try {
          localStorage.setItem(KEY, theme);
        } catch { /* it holds until the page is left */ }
      });
    }
  });
})();
