import assert from "node:assert/strict";
import { test } from "node:test";
import { REST, momentOfJump, momentOfStep, rowWritten } from "../../../kvviz/player/js/motion.js";

const TIMES = Array.from({ length: 61 }, (_, i) => i / 60);

test("a step begins with nothing seen and ends at rest, and every part of it only grows", () => {
  const first = momentOfStep(0);
  assert.deepEqual([first.written, first.swept, first.settled, first.glow], [0, 0, 0, 1]);
  assert.equal(momentOfStep(1), REST);
  assert.equal(momentOfStep(7), REST);
  assert.equal(momentOfStep(NaN), REST);
  for (const part of /** @type {const} */ (["written", "swept", "settled"])) {
    const grown = TIMES.map((t) => momentOfStep(t)[part]);
    assert.ok(grown.every((share, i) => share >= (grown[i - 1] ?? 0) && share <= 1), part);
    assert.equal(grown.at(-1), 1);
  }
  assert.ok(TIMES.every((t) => momentOfStep(t).glow >= 0));
});

test("rows are written before they are read, and the next token is known last", () => {
  const early = momentOfStep(0.3);
  assert.ok(early.written > 0.5 && early.swept === 0 && early.settled === 0);
  const late = momentOfStep(0.75);
  assert.ok(late.written === 1 && late.swept > 0.9 && late.settled > 0 && late.settled < 1);
});

test("the same moment looks the same, whichever way it is come to", () => {
  assert.deepEqual(momentOfStep(0.42), momentOfStep(0.42));
});

test("rows are written one after another in the same time, however many they are", () => {
  for (const n of [1, 5, 200]) {
    for (const t of TIMES) {
      const shares = Array.from({ length: n }, (_, i) => rowWritten(momentOfStep(t), i, n));
      assert.ok(shares.filter((share) => share > 0 && share < 1).length <= 1);
      assert.ok(shares.every((share, i) => i === 0 || share <= shares[i - 1]));
    }
    assert.equal(rowWritten(momentOfStep(0.45), n - 1, n), 1);
    assert.equal(rowWritten(REST, n - 1, n), 1);
  }
});

test("where one did not go a single step on, nothing is hidden for a moment", () => {
  const half = momentOfJump(0.5);
  assert.deepEqual([half.written, half.swept, half.settled, half.glow], [1, 1, 1, 0.5]);
  assert.equal(momentOfJump(1), REST);
});
