// Keeps the URL and the page's state in sync: back and forward buttons, links, lessons.

import { fragmentOf, isElsewhere, placeOf } from "./link.js";

/** @import { Place } from "./link.js" */

const PAUSE = 250; // milliseconds: browsers allow a hundred URL changes in ten seconds

/**
 * Start keeping the URL and the page in sync.
 * @param {() => Place} here returns the page's current place
 * @param {(place: Place) => Promise<void>} go goes to a place; whatever the place leaves out stays as it is
 */
export function startAddress(here, go) {
  const opened = location.hash;
  let going = false;
  let touched = false; // until the first user action, the URL stays as it was opened
  let last = here();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;

  const write = () => {
    clearTimeout(waiting);
    waiting = undefined;
    if (going || !touched) return;
    const place = here();
    const address = `#${fragmentOf(place)}`;
    if (address !== location.hash) {
      try {
        if (isElsewhere(last, place)) history.pushState(null, "", address);
        else history.replaceState(null, "", address);
      } catch {
        location.replace(address); // for pages opened from disk that may not use the History API
      }
    }
    last = place;
  };
  const first = last;
  const follow = async () => {
    going = true;
    clearTimeout(waiting);
    waiting = undefined;
    try {
      await go(location.hash.length > 1 ? placeOf(location.hash) : first);
      last = here();
    } finally {
      going = false;
    }
  };
  addEventListener("popstate", follow);
  for (const act of ["pointerdown", "keydown", "drop", "change"])
    addEventListener(
      act,
      () => {
        touched = true;
      },
      { capture: true }, // run before the handlers that act on the event
    );
  return {
    /** Update the URL after a change of the page: at once for a new history entry, else after a pause. */
    changed() {
      if (going) return;
      if (touched && isElsewhere(last, here())) write();
      else waiting ??= setTimeout(write, PAUSE);
    },
    /** Go to the place in the fragment that the page was opened with, unless the user has gone elsewhere since. */
    follow: () => (opened.length > 1 && location.hash === opened ? follow() : Promise.resolve()),
    /** The full URL of the page's current place. */
    link: () => `${location.href.split("#")[0]}#${fragmentOf(here())}`,
  };
}

/**
 * Copy a text to the clipboard; false if the browser does not allow it.
 * @param {string} text
 */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages from disk or over plain http have no Clipboard API; the old execCommand works in most browsers.
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "unseen";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}
