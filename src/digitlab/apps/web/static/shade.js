// Before anything is painted: the theme of an earlier visit. (A classic script: modules run only after the first paint.)
try {
  const kept = localStorage.getItem("digitlab.theme");
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
} catch {
  /* storage is closed to this page: the system's theme it is */
}
