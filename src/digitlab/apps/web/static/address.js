// The address follows the page, and the page the address: back and forward, links, lessons.

import { fragmentOf, isElsewhere, placeOf } from "./link.js";

/** @import { Place } from "./link.js" */

const PAUSE = 250; // milliseconds: browsers let an address change a hundred times in ten seconds

/**
 * Keep both together from now on.
 * @param {() => Place} here where the page is
 * @param {(place: Place) => Promise<void>} go there; what the place does not say stays as it is
 */
export function startAddress(here, go) {
  let going = false;
  let touched = false; // until somebody does something, the address stays as it was opened
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
        location.replace(address); // where a page from the disk may not keep a history of its own
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
      { capture: true }, // before what they do
    );
  return {
    /** The address is to follow, soon. */
    changed() {
      if (going) return;
      if (touched && isElsewhere(last, here())) write();
      else waiting ??= setTimeout(write, PAUSE);
    },
    /** Go where the address says, if it says something. */
    follow: () => (location.hash.length > 1 ? follow() : Promise.resolve()),
    /** The whole address of where the page is now. */
    link: () => `${location.href.split("#")[0]}#${fragmentOf(here())}`,
  };
}

/**
 * Put a text where it can be pasted from; false where the browser does not let a page do that.
 * @param {string} text
 */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages from the disk and over plain http have no clipboard; the old way works in most browsers.
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
