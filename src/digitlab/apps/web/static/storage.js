// What a browser keeps for a page, which may be nothing: some block its storage, and then every access to it throws.

/**
 * Where it is kept: until the visitor clears it, or until the tab is closed.
 * @typedef {"localStorage" | "sessionStorage"} Area
 */

/** What is kept under this name; null for nothing. @param {string} name @param {Area} area */
export function loadItem(name, area = "localStorage") {
  try {
    return globalThis[area].getItem(name);
  } catch {
    return null;
  }
}

/**
 * Keep a text under this name where that is possible; null removes what is there.
 * @param {string} name
 * @param {string | null} text
 * @param {Area} area
 */
export function storeItem(name, text, area = "localStorage") {
  try {
    if (text === null) globalThis[area].removeItem(name);
    else globalThis[area].setItem(name, text);
  } catch {
    // The page works without it.
  }
}
