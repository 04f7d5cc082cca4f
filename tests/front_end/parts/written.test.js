import assert from "node:assert/strict";
import { test } from "node:test";
import { livesOfSpans } from "../../../kvviz/player/js/lives.js";
import { lifeGeometry } from "../../../kvviz/player/js/history_layout.js";
import { BufferError } from "../../../kvviz/player/js/packed_buffer.js";
import { decode } from "../../../kvviz/ui/parts/written_lives/js/written_buffer.js";
import {
  cellSentence, countsAt, description, factsOf, rowBeside, stepSentence, takenUpTo, unit, wholeSentence,
} from "../../../kvviz/ui/parts/written_lives/js/written_words.js";
import { makeWritten } from "./written_fixture.js";

const { writers: [gpt2, bert] } = decode(makeWritten());

test("a buffer of another version, or whose parts contradict each other, is refused in words", () => {
  const refused = (/** @type {any} */ change, /** @type {RegExp} */ words) =>
    assert.throws(() => decode(makeWritten(change)), (error) => error instanceof BufferError && words.test(error.message));
  refused({ version: 9 }, /another version of kvviz. Its format is 9; the page reads 2/);
  refused({ writers: null }, /It lacks writers/);
  refused({ n_steps: 4 }, /0.tokens is \(3,4\), not \(4,4\)/);
});

test("what is counted is what was seen: an L of the one, all of the other", () => {
  assert.deepEqual(factsOf(gpt2), { computed: 4, read: 5, taken: 0, most: 1, n_rows: 4, there: [2, 4] });
  assert.deepEqual(factsOf(bert), { computed: 18, read: 0, taken: 0, most: 3, n_rows: 7, there: [5, 7] });
  assert.deepEqual(countsAt(gpt2.lives, 1), { computed: 1, read: 2, taken: 0 });
  assert.deepEqual(countsAt(bert.lives, 1), { computed: 6, read: 0, taken: 0 });
});

test("each picture says in one sentence what it comes to", () => {
  assert.equal(wholeSentence(gpt2), "Each of its rows was computed once and kept: kept rows were read 5 times.");
  assert.match(wholeSentence(bert), /^Every pass computed all of its rows again, 5 at first and 7 in the end: each looks at all the others/);
  // A single pass computes each row once, also in a BERT.
  const one = { lives: { ...bert.lives, n_steps: 1, states: bert.lives.states.slice(0, 7), computed: [5] }, n_steps: 1 };
  assert.equal(wholeSentence(one), "Each of its 5 rows was computed once.");
  // What no sentence foresaw is told as it was seen.
  const mixed = { n_steps: 3, lives: { ...gpt2.lives, states: gpt2.lives.states.map((state, at) => (at === 4 ? 1 : state)) } };
  assert.equal(wholeSentence(mixed), "5 times a row was computed and 4 times one was read; some row was computed 2 times.");
  assert.deepEqual([unit(1, true), unit(4, true), unit(4, false)], ["row computed", "rows computed", "rows computed so far"]);
});

test("a step is told of both models", () => {
  assert.equal(stepSentence([gpt2, bert], 2), "Step 2 of 2: GPT-2 computes 1 row and reads 3; BERT computes 7 rows.");
  assert.equal(stepSentence([gpt2, bert], 0), "Step 0 of 2: GPT-2 computes 2 rows; BERT computes 5 rows.");
  assert.match(description(bert, 1), /^BERT: the life of each row.*Up to step 1: 11 rows computed\.$/);
});

test("a cell says what happened to the row, and why again", () => {
  assert.equal(cellSentence(gpt2, 2, 2), "GPT-2: Step 2 read row 2, ␣c, from the cache · computed at step 1 · read 1 time");
  assert.match(cellSentence(bert, 1, 2), /^BERT: Step 2 computed row 1, a · computed 3 times up to here · again, because it looks at every other row/);
  // Where [MASK] stood there is a word now.
  assert.match(cellSentence(bert, 3, 1), /row 3, ␣c · .* · again, because another token stands here now$/);
  assert.equal(cellSentence(bert, 5, 1), "BERT: Step 1 computed row 5, [SEP] · computed at step 1");
  assert.equal(cellSentence(bert, 6, 1), "BERT: Step 1: position 6 is not there yet");
});

test("a model that ended its text before the other says so, and its picture is of its own steps", () => {
  const short = { ...gpt2, n_steps: 2, tokenAt: () => null };
  assert.equal(stepSentence([short, bert], 2), "Step 2 of 2: GPT-2 has come to the end of its text; BERT computes 7 rows.");
  assert.equal(cellSentence(short, 1, 2), "GPT-2 has come to the end of its text");
  assert.deepEqual(factsOf(short).there, [2, 3]);
});

test("the same token is one line in both, as long as both have written the same", () => {
  assert.equal(rowBeside(bert, gpt2, 1, 2), 0);
  assert.equal(rowBeside(gpt2, bert, 2, 2), 3);
  assert.equal(rowBeside(gpt2, bert, 3, 2), null, "the one wrote d, the other e");
  assert.equal(rowBeside(bert, gpt2, 0, 2), null, "[CLS] has no line of GPT-2's");
  const [left, right] = [gpt2, bert].map(({ lives, first }) => lifeGeometry(lives, 530, 7, first));
  assert.equal(left.grids[0].y, right.grids[0].y + right.rowPitch);
  assert.deepEqual([left.rowPitch, left.columnPitch, left.h], [right.rowPitch, right.columnPitch, right.h]);
});

test("the lives of a long text fit too, and on a phone", () => {
  for (const [width, n_rows, n_steps] of [[530, 44, 20], [346, 44, 20], [530, 512, 64], [346, 256, 64]]) {
    const place = lifeGeometry({ n_rows, n_steps }, width, n_rows);
    const [grid] = place.grids;
    assert.ok(grid.x + grid.w <= width, `${width} ${n_rows}`);
    assert.ok(place.h <= 560);
  }
});

test("rows that were guessed and taken back are counted, told and written anew", () => {
  // Two rows are kept; of two guesses one is taken back, and its place gets another row.
  const lives = livesOfSpans(Int32Array.from([0, 1, 0, 2, 1, 2, 0, 2, 1, 1, 2, 4, 1, 5, 4, 5, 2, 2, 0, 4, 2, 1, 4, 5]), 5, 3);
  const writer = { ...gpt2, n_steps: 3, lives, tokenAt: () => "x" };
  assert.deepEqual(factsOf(writer), { computed: 6, read: 6, taken: 1, most: 2, n_rows: 5, there: [2, 5] });
  assert.deepEqual(countsAt(lives, 1), { computed: 3, read: 2, taken: 1 });
  assert.deepEqual([0, 1, 2].map((step) => takenUpTo(lives, step)), [0, 1, 1]);
  assert.equal(wholeSentence(writer), "6 rows were computed, and 1 of them taken back; kept rows were read 6 times.");
  assert.equal(stepSentence([writer], 1), "Step 1 of 2: GPT-2 computes 3 rows and reads 2, then takes 1 back.");
  assert.equal(cellSentence(writer, 4, 1), "GPT-2: Step 1 computed row 4, x, and took it back · computed at step 1 · taken back 1 time");
  assert.equal(cellSentence(writer, 4, 2), "GPT-2: Step 2 computed row 4, x · computed 2 times up to here · taken back 1 time");
});
