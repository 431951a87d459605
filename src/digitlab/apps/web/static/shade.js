// Restore the theme of an earlier visit before the first paint. (A classic script, since modules run only after that.)
try {
  const kept = localStorage.getItem("digitlab.theme");
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
} catch {
  /* no access to storage: use the system's theme */
}
