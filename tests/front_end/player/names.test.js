import assert from "node:assert/strict";
import { test } from "node:test";
import { columnNames, isNamed, rowNames } from "../../../kvviz/player/js/names.js";

test("letters of names part, whatever the pitch, and are never small", () => {
  for (let pitch = 5; pitch <= 40; pitch += 0.5) {
    const rows = rowNames(pitch);
    assert.ok(rows.size >= 10 && rows.size <= 16, `${pitch}`);
    assert.ok(rows.size * 1.1 <= pitch * rows.every, `rows at ${pitch}`);
    const columns = columnNames(pitch);
    assert.ok(columns.size >= 10 && columns.size <= 12, `${pitch}`);
    assert.ok(columns.size * 1.1 <= pitch * columns.every * Math.sin(columns.angle), `columns at ${pitch}`);
  }
});

test("where rows lie close, each other one has its name, and what matters hides its neighbours", () => {
  const close = rowNames(10);
  assert.equal(close.every, 2);
  const named = (/** @type {number[]} */ matter) => [0, 1, 2, 3, 4, 5, 6].filter((row) => isNamed(row, 10, close, matter));
  assert.deepEqual(named([]), [0, 2, 4, 6]);
  assert.deepEqual(named([3]), [0, 3, 6]);
  assert.equal(rowNames(12).every, 1);
});
