// Boxes over a picture, and a button for each digit in it.

import { draw, make } from "./elements.js";
import { probability, t } from "./words.js";

/** @import { FoundDigit } from "../schemas.js" */

/**
 * Draw FoundDigit boxes into an <svg> that lies over a picture of this size; the `chosen` one is highlighted.
 * @param {SVGSVGElement} overlay
 * @param {FoundDigit[]} digits
 * @param {number} width
 * @param {number} height
 */
export function drawBoxes(overlay, digits, width, height, chosen = -1) {
  overlay.setAttribute("viewBox", `0 0 ${width} ${height}`);
  overlay.setAttribute("preserveAspectRatio", "xMidYMid meet");
  const size = Math.max(height / 22, 9);
  overlay.replaceChildren(
    ...digits.map(({ digit, box: [x0, y0, x1, y1] }, index) => {
      const kind = [digit === null ? "declined" : "read", index === chosen ? "chosen" : ""].join(" ");
      const text = draw(
        "text",
        { x: x0, y: Math.max(y0 - size * 0.3, size), "font-size": size },
        digit === null ? "?" : String(digit),
      );
      return draw(
        "g",
        { class: kind },
        draw("rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0, rx: size / 5 }),
        text,
      );
    }),
  );
}

/**
 * Show a button for each digit found; pressing one calls `choose(place)`. With fewer than two digits, none is shown.
 * @param {HTMLElement} group
 * @param {FoundDigit[]} digits
 * @param {number} chosen
 * @param {(place: number) => unknown} choose
 */
export function showFound(group, digits, chosen, choose) {
  group.hidden = digits.length < 2;
  const shown = digits.slice(0, 60);
  // Existing buttons are reused, so that the focused one keeps the focus.
  while (group.children.length > shown.length) group.lastElementChild?.remove();
  shown.forEach(({ digit, confidence }, index) => {
    const existing = /** @type {HTMLButtonElement | undefined} */ (group.children[index]);
    const button = existing ?? group.appendChild(make("button", { type: "button" }));
    button.textContent = digit === null ? "?" : String(digit);
    button.setAttribute("aria-pressed", String(index === chosen));
    button.title =
      digit === null
        ? t("not answered: its confidence does not reach the threshold")
        : t("confidence {share}", { share: probability(confidence) });
    button.onclick = () => choose(index);
  });
}
