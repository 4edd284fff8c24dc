// Theme and code switches of a report. Frames of explorers are told of the theme.
{
  const root = document.documentElement;
  const media = matchMedia("(prefers-color-scheme: dark)");
  const themeButton = document.getElementById("theme-toggle");
  const codeButton = document.getElementById("code-toggle");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : media.matches);
  const shown = () => themeButton.setAttribute("aria-pressed", String(isDark()));
  themeButton.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    for (const frame of document.querySelectorAll("iframe[data-loupe-twin]")) {
      frame.contentWindow.postMessage({ loupe: "theme", theme: root.dataset.theme }, "*");
    }
    shown();
  });
  media.addEventListener("change", shown);
  shown();
  if (codeButton) {
    codeButton.addEventListener("click", () => {
      const hidden = document.body.classList.toggle("hide-code");
      codeButton.setAttribute("aria-pressed", String(!hidden));
    });
  }
  // What scrolls sideways must be reachable without a mouse.
  for (const box of document.querySelectorAll("pre, .scroll, .jp-RenderedHTML")) {
    if (box.scrollWidth > box.clientWidth + 1 && !box.querySelector("iframe")) box.tabIndex = 0;
  }
}
