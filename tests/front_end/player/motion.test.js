import assert from "node:assert/strict";
import { test } from "node:test";
import { REST, keyInSweep, momentOfJump, momentOfStep, rowWritten, valueLeft } from "../../../kvviz/player/js/motion.js";

const TIMES = Array.from({ length: 61 }, (_, i) => i / 60);

test("a step begins with nothing seen and ends at rest, and every part of it only grows", () => {
  const first = momentOfStep(0);
  assert.deepEqual([first.joined, first.written, first.swept, first.mixing, first.settled, first.glow], [0, 0, 0, 0, 0, 1]);
  assert.equal(momentOfStep(1), REST);
  assert.equal(momentOfStep(7), REST);
  assert.equal(momentOfStep(NaN), REST);
  for (const part of /** @type {const} */ (["joined", "written", "swept", "settled"])) {
    const grown = TIMES.map((t) => momentOfStep(t)[part]);
    assert.ok(grown.every((share, i) => share >= (grown[i - 1] ?? 0) && share <= 1), part);
    assert.equal(grown.at(-1), 1);
  }
  assert.ok(TIMES.every((t) => momentOfStep(t).glow >= 0));
});

test("rows are written before they are read, and the next token is known last", () => {
  const early = momentOfStep(0.3);
  assert.ok(early.written > 0.5 && early.swept === 0 && early.settled === 0);
  const late = momentOfStep(0.85);
  assert.ok(late.written === 1 && late.swept === 1 && late.mixing === 1 && late.settled > 0 && late.settled < 1);
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

test("the query goes over every key once, in order, and over none before or after", () => {
  for (const n of [1, 7, 200]) {
    const keys = Array.from({ length: 5000 }, (_, i) => keyInSweep(momentOfStep(i / 5000), n)).filter((key) => key !== null);
    assert.deepEqual([...new Set(keys)], Array.from({ length: n }, (_, key) => key));
  }
  assert.equal(keyInSweep(momentOfStep(0.2), 7), null);
  assert.equal(keyInSweep(REST, 7), null);
});

test("values fade to their weights once all keys are read, and are whole again at rest", () => {
  const mixed = momentOfStep(0.8);
  assert.equal(mixed.swept, 1);
  assert.equal(mixed.mixing, 1);
  assert.deepEqual([valueLeft(mixed, 200, 200), valueLeft(mixed, 50, 200), valueLeft(mixed, 0, 200)], [1, 0.25, 0]);
  assert.equal(momentOfStep(0.55).mixing, 0);
  assert.equal(valueLeft(REST, 0, 200), 1);
  assert.ok(TIMES.every((t) => momentOfStep(t).mixing >= 0 && momentOfStep(t).mixing <= 1));
});

test("where one did not go a single step on, nothing is hidden for a moment", () => {
  const half = momentOfJump(0.5);
  assert.deepEqual([half.written, half.swept, half.settled, half.glow], [1, 1, 1, 0.5]);
  assert.equal(momentOfJump(1), REST);
});
