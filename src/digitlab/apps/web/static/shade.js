// Restore the theme of an earlier visit before the first paint. (A classic script, since modules run only after that.)
try {
  const stored = localStorage.getItem("digitlab.theme");
  if (stored === "light" || stored === "dark") document.documentElement.dataset.theme = stored;
} catch {
  /* no access to storage: use the system's theme */
}
