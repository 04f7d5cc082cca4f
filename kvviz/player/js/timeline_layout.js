// Where the steps stand on the timeline. Pure.

/**
 * The timeline: a wide segment for the prefill, the rest for the decode steps.
 * @param {number} width @param {number} n_steps
 * @returns {{ prefill: number, cell: number, gap: number }} Widths in px; cells begin after the prefill.
 */
export function timelineGeometry(width, n_steps) {
  if (n_steps === 1) return { prefill: width, cell: 0, gap: 0 };
  const prefill = Math.round(Math.max(Math.min(128, width * 0.45), Math.min(width * 0.28, 190)));
  const cell = (width - prefill) / (n_steps - 1);
  return { prefill, cell, gap: cell >= 7 ? 2.5 : cell >= 4 ? 1 : 0 };
}

/** @param {number} width @param {number} n_steps @param {number} x @returns {number} */
export function stepAt(width, n_steps, x) {
  const { prefill, cell } = timelineGeometry(width, n_steps);
  if (n_steps === 1 || x < prefill) return 0;
  return Math.min(n_steps - 1, 1 + Math.floor((x - prefill) / cell));
}

/** @param {number} width @param {number} n_steps @param {number} step @returns {number} Centre of its cell. */
export function stepCentre(width, n_steps, step) {
  const { prefill, cell } = timelineGeometry(width, n_steps);
  return step === 0 ? prefill / 2 : prefill + (step - 0.5) * cell;
}
