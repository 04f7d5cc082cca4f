import assert from "node:assert/strict";
import { test } from "node:test";
import { MOST_PIXELS, isTooLong, keyFrames, rangeOf } from "../../../kvviz/player/js/animation.js";
import * as words from "../../../kvviz/player/js/animation_words.js";
import { REST, STEP_MS, momentOfStep } from "../../../kvviz/player/js/motion.js";

const RANGE = { from: 2, to: 5 };
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

test("each step of a range is seen happening and then stands at rest, as long as in a run that plays", () => {
  for (const speed of [0.5, 1, 2, 4, 8]) {
    const frames = keyFrames(RANGE, speed, true);
    assert.deepEqual([...new Set(frames.map(({ step }) => step))], [2, 3, 4, 5]);
    for (const step of [2, 3, 4, 5]) {
      const own = frames.filter((frame) => frame.step === step);
      assert.ok(own.length >= 2);
      assert.ok(own.every(({ t }, i) => t > (own[i - 1]?.t ?? 0) && t <= 1));
      assert.equal(momentOfStep(own.at(-1).t), REST);
      assert.ok(own.slice(0, -1).every(({ t }) => momentOfStep(t) !== REST));
      if (step < 5) assert.ok(Math.abs(sum(own.map(({ ms }) => ms)) - STEP_MS / speed) <= 5, `${speed}`);
    }
    // What a GIF can say, and what browsers do not take for a mistake.
    assert.ok(frames.every(({ ms }) => ms % 10 === 0 && ms >= 20), `${speed}`);
  }
  assert.equal(keyFrames(RANGE, 1, true).length, 4 * 7);
});

test("the last step stands longer, before all begins anew", () => {
  const frames = keyFrames(RANGE, 1, true);
  assert.equal(frames.at(-1).ms - frames[6].ms, 1500);
});

test("where nothing is seen happening a step is one frame", () => {
  assert.deepEqual(keyFrames({ from: 0, to: 1 }, 1, false), [{ step: 0, t: 1, ms: 900 }, { step: 1, t: 1, ms: 2400 }]);
});

test("a range is whole numbers of steps that are there, the first not after the last", () => {
  assert.deepEqual(rangeOf("", "", 12), { from: 0, to: 11 });
  assert.deepEqual(rangeOf("3", "3", 12), { from: 3, to: 3 });
  assert.deepEqual(rangeOf("3", "", 12), { from: 3, to: 11 });
  for (const [from, to] of [["5", "3"], ["0", "12"], ["-1", "3"], ["1.5", "3"], ["a", "3"], ["0", "NaN"], ["0", "1e9"]]) {
    assert.equal(rangeOf(from, to, 12), null, `${from}:${to}`);
  }
});

test("too many pixels are refused in one sentence that says how many there are and what to do", () => {
  assert.ok(!isTooLong(84, 1280, 960));
  const frames = keyFrames({ from: 0, to: 1000 }, 1, true);
  assert.ok(isTooLong(frames.length, 1280, 960));
  assert.ok(frames.length * 1280 * 960 > MOST_PIXELS);
  assert.equal(
    words.tooLong({ frames, width: 1280, height: 960 }),
    "7,007 frames of 1280 × 960 pixels are too many for one file. Choose fewer steps, a smaller width, or the life of each row alone.",
  );
});

test("before it is made its frames, its seconds and about how large it becomes are told", () => {
  const frames = keyFrames(RANGE, 2, true);
  assert.equal(words.expected({ frames, width: 1280, height: 720 }, 2, 1_234_567), "16 frames of 1280 × 720 pixels, 3.30 s at 2×, about 1.23\u202fMB.");
  assert.equal(words.noRange(12), "The steps of this run are 0 to 11: choose a first one, and a last one that is not before it.");
});
