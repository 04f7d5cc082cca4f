import assert from "node:assert/strict";
import { test } from "node:test";
import { hitHistory } from "../../../kvviz/player/js/history_layout.js";
import { isSlim, layoutPlayer } from "../../../kvviz/player/js/layout.js";
import { hitHeat, hitKv, lensWindow, windowStart } from "../../../kvviz/player/js/pictures_layout.js";
import { stepAt, stepCentre, timelineGeometry } from "../../../kvviz/player/js/timeline_layout.js";

const WIDTHS = [320, 360, 390, 414, 480, 599, 600, 700, 768, 820, 939, 940, 1024, 1100, 1280, 1440, 1600];
const RUNS = [1, 2, 8, 22, 40, 51, 64, 256, 1024];
const SHAPES = [{ n_layers: 6, n_heads: 8, d_head: 32 }, { n_layers: 12, n_heads: 12, d_head: 64 }, { n_layers: 2, n_heads: 1, d_head: 128 }, { n_layers: 48, n_heads: 25, d_head: 64 }];

function* layouts() {
  for (const width of WIDTHS) {
    for (const n_rows of RUNS) {
      for (const shape of SHAPES) {
        for (const both of [false, true]) {
          for (const n_steps of new Set([1, Math.ceil(n_rows / 2), n_rows])) {
            const input = { width, n_rows, n_steps, both, ...shape };
            yield { input, layout: layoutPlayer(input), name: JSON.stringify(input) };
          }
        }
      }
    }
  }
}

const inside = (box, w, h) => box.x >= 0 && box.y >= 0 && box.w > 0 && box.h > 0 && box.x + box.w <= w + 0.01 && box.y + box.h <= h + 0.01;
const apart = (a, b) => a.x + a.w <= b.x + 0.01 || b.x + b.w <= a.x + 0.01 || a.y + a.h <= b.y + 0.01 || b.y + b.h <= a.y + 0.01;

function allApart(named, name) {
  const boxes = Object.entries(named);
  boxes.forEach(([a, box], i) => {
    for (const [b, other] of boxes.slice(i + 1)) assert.ok(apart(box, other), `${a} covers ${b}: ${name}`);
  });
}

test("nothing covers anything and nothing leaves its canvas, from 320 to 1600 px", () => {
  for (const { layout, name } of layouts()) {
    const { kv, heat, heads } = layout;
    const kvBoxes = { marks: kv.marks, keys: kv.keys, values: kv.values, ...(kv.overview ? { bar: kv.overview.bar, smallKeys: kv.overview.keys, smallValues: kv.overview.values } : {}) };
    for (const [part, box] of Object.entries(kvBoxes)) assert.ok(inside(box, kv.w, kv.h), `${part} of K/V leaves: ${name}`);
    allApart(kvBoxes, name);
    const heatBoxes = { grid: heat.grid, columns: heat.columnLabels, profile: heat.profile };
    for (const [part, box] of Object.entries(heatBoxes)) assert.ok(inside(box, heat.w, heat.h), `${part} of the pattern leaves: ${name}`);
    allApart({ ...heatBoxes, ...(heat.rowLabels.w > 0 ? { rows: heat.rowLabels } : {}) }, name);
    const { history } = layout;
    const lives = { ...Object.fromEntries(history.grids.map((box, i) => [`life ${i}`, box])), ...(history.labels ? { labels: { ...history.grids[0], x: 0, w: history.labels } } : {}) };
    for (const [part, box] of Object.entries(lives)) assert.ok(inside(box, history.w, history.h), `${part} leaves: ${name}`);
    allApart(lives, name);
    heads.thumbs.forEach((box, i) => assert.ok(inside(box, heads.w, heads.h), `head ${i} leaves: ${name}`));
  }
});

test("a life of few steps in a band has room for its title and its count", () => {
  for (const { input, layout, name } of layouts()) {
    const { bands, history } = layout;
    if (bands) assert.ok(history.w >= history.labels + (input.both ? 2 * 126 + 24 : 126), name);
  }
});

test("lives, panels and gaps fit into the width", () => {
  for (const { layout, name } of layouts()) {
    const { kv, heat, content, besides, bands, gap, history } = layout;
    const panel = besides ? kv.w + gap + heat.w : Math.max(kv.w, heat.w);
    const all = bands ? history.w + gap + panel : Math.max(history.w, panel);
    assert.ok(all <= content + 0.01, `${all} in ${content}: ${name}`);
  }
});

test("a band is one line through lives, K, V and pattern", () => {
  for (const { layout, input, name } of layouts()) {
    const { kv, heat, bands, history } = layout;
    if (!bands) continue;
    const two = layoutPlayer({ ...input, n_encoder: 29 });
    const beside = two.history.w + two.gap + Math.max(two.kv.w + two.gap + two.heat.w, two.cross.kv.w + two.gap + two.cross.heat.w);
    assert.ok(beside <= two.content + 0.01, `two caches, ${beside} in ${two.content}: ${name}`);
    const [life] = history.grids;
    assert.equal(life.y, heat.grid.y, name);
    if (kv.mode === "rows") assert.deepEqual([history.rowPitch, kv.pitch], [heat.pitch, heat.pitch], name);
    assert.ok(Math.abs(life.h - heat.grid.h) < 0.01, name);
    assert.ok(life.y >= 58, `no room for the counts above the lives: ${name}`);
    assert.ok(history.grids.every((box) => Math.abs(box.w - history.columnPitch * input.n_steps) < 0.01), name);
    assert.equal(history.grids.length, input.both ? 2 : 1);
  }
});

test("32 tokens stand whole in a window of 1440 by 900, both ways, with letters that can be read", () => {
  // The player is 1,100 px wide there, and what is above its pictures takes 330.
  const { kv, history, heat } = layoutPlayer({ width: 1100, n_rows: 31, n_steps: 16, both: true, n_layers: 6, n_heads: 8, d_head: 32 });
  assert.equal(kv.mode, "rows");
  assert.ok(history.rowPitch >= 10 && history.labels && history.cells);
  assert.ok(330 + heat.grid.y + heat.grid.h < 900);
});

test("two caches of 38 rows leave room for next tokens and bill beside them, also in a higher window", () => {
  for (const height of [900, 1130]) {
    const { twoBands, history, cross, kv, heat } = layoutPlayer({ width: 1100, height, n_rows: 9, n_steps: 9, both: false, n_layers: 3, n_heads: 8, d_head: 32, n_encoder: 29 });
    assert.ok(twoBands && twoBands.side >= 250, `at ${height}`);
    // A row of either cache is one line through its life, key and value; titles are 32 px high.
    assert.equal(history.crossGrids[0].y, cross.kv.top);
    assert.equal(history.grids[0].y, cross.kv.h + 44 + kv.top);
    assert.deepEqual([kv.pitch, cross.kv.pitch, heat.pitch], Array(3).fill(history.rowPitch));
    assert.ok(history.rowPitch >= 9 && history.labels);
  }
});

test("a point in the middle of a cell of a life hits its row and step, and one outside hits nothing", () => {
  for (const n_encoder of [0, 12]) {
    for (const { input, layout, name } of layouts()) {
      const { history } = n_encoder ? layoutPlayer({ ...input, n_encoder }) : layout;
      for (const [boxes, cross, n_rows] of [[history.grids, false, input.n_rows], [history.crossGrids, true, n_encoder]]) {
        boxes.forEach((box, life) => {
          for (const row of [0, n_rows - 1]) {
            for (const step of [0, input.n_steps - 1]) {
              const at = [box.x + (step + 0.5) * history.columnPitch, box.y + (row + 0.5) * history.rowPitch];
              assert.deepEqual(hitHistory(history, ...at), { life, cross, row, step }, name);
            }
          }
          assert.equal(hitHistory(history, box.x - 1, box.y + 1), null, name);
          assert.equal(hitHistory(history, box.x + 1, history.h + 1), null, name);
        });
      }
    }
  }
});

test("the slanting name of the last column has room for five letters", () => {
  for (const { input, layout, name } of layouts()) {
    const cross = layoutPlayer({ ...input, n_encoder: 29 }).cross?.heat;
    for (const { grid, w, cells, columnPitch } of [{ ...layout.heat, columnPitch: layout.heat.pitch }, cross]) {
      // As the painters measure it, at the angle of wide columns; a letter is 7.3 px.
      const room = (w - (grid.x + grid.w - columnPitch / 2)) / Math.cos(0.93) + 4;
      if (cells) assert.ok(room >= 5 * 7.3, `${room} px: ${name}`);
    }
  }
});

test("thumbnails do not touch, and there is one for every head", () => {
  for (const { input, layout, name } of layouts()) {
    const { thumbs, lines, size } = layout.heads;
    assert.equal(thumbs.length, input.n_layers * input.n_heads);
    assert.ok(size >= 28, `thumbnails of ${size} px: ${name}`);
    if (thumbs.length > 300) continue;
    thumbs.forEach((a, i) => thumbs.slice(i + 1, i + 60).forEach((b) => assert.ok(apart(a, b), name)));
    assert.ok(thumbs.every((t) => lines.some((l) => t.x >= l.x && t.x + t.w <= l.x + l.w && t.y === l.y)), name);
  }
});

test("beside each other, rows of K, V and pattern stand on the same lines", () => {
  for (const { layout, name } of layouts()) {
    const { kv, heat } = layout;
    if (!layout.besides) continue;
    assert.equal(kv.top, heat.grid.y, name);
    if (kv.mode === "rows") assert.equal(kv.pitch, heat.pitch, name);
    else {
      assert.equal(kv.overview.bar.y, heat.grid.y, name);
      assert.equal(kv.overview.bar.h, heat.grid.h, name);
    }
  }
});

test("a point in the middle of a cell hits that cell, and one outside hits nothing", () => {
  for (const { input, layout, name } of layouts()) {
    const { heat, kv } = layout;
    const { n_rows, d_head } = input;
    const cell = heat.grid.w / n_rows;
    for (const row of new Set([0, Math.floor(n_rows / 3), n_rows - 1])) {
      for (const column of new Set([0, Math.floor(n_rows / 2), n_rows - 1])) {
        assert.deepEqual(hitHeat(heat, n_rows, heat.grid.x + (column + 0.5) * cell, heat.grid.y + (row + 0.5) * cell), { row, column }, name);
      }
    }
    assert.equal(hitHeat(heat, n_rows, heat.grid.x - 1, heat.grid.y + 1), null);
    assert.equal(hitHeat(heat, n_rows, heat.grid.x + heat.grid.w + 1, heat.grid.y + 1), null);
    const first = windowStart(kv, n_rows, Math.floor(n_rows / 2));
    for (const row of new Set([first, Math.min(n_rows, first + kv.n_visible) - 1])) {
      for (const part of ["keys", "values"]) {
        for (const column of [0, d_head - 1]) {
          const x = kv[part].x + ((column + 0.5) * kv[part].w) / d_head;
          const y = kv.top + (row - first + 0.5) * kv.pitch;
          assert.deepEqual(hitKv(kv, n_rows, d_head, first, x, y), { part, row, column }, name);
        }
      }
    }
    assert.equal(hitKv(kv, n_rows, d_head, first, kv.keys.x + 1, kv.top - 1), null);
  }
});

test("a point on the overview hits the row that lies there", () => {
  const { kv } = layoutPlayer({ width: 1100, n_rows: 1024, n_steps: 100, both: false, n_layers: 12, n_heads: 12, d_head: 64 });
  const { bar } = kv.overview;
  for (const row of [0, 500, 1023]) {
    assert.deepEqual(hitKv(kv, 1024, 64, 0, bar.x + 1, bar.y + ((row + 0.5) / 1024) * bar.h), { part: "overview", row, column: null });
  }
});

test("heads that read one KV head stand closer than others, over a bracket as wide as they are", () => {
  for (const [n_heads, n_kv_heads] of [[8, 2], [4, 1], [9, 3], [32, 8], [48, 2]]) {
    for (const width of WIDTHS) {
      const { heads, content } = layoutPlayer({ width, n_rows: 22, n_steps: 16, both: false, n_layers: 3, n_heads, n_kv_heads, d_head: 32 });
      const size = n_heads / n_kv_heads;
      assert.equal(heads.thumbs.length, 3 * n_heads);
      const shown = new Set();
      for (const { layer, kv, box } of heads.groups) {
        const own = heads.thumbs
          .map((thumb, index) => ({ ...thumb, index }))
          .filter(({ index, y }) => Math.floor(index / n_heads) === layer && Math.floor((index % n_heads) / size) === kv && y + heads.size + 5 === box.y);
        assert.ok(own.length > 0 && own.length <= size, `layer ${layer}, KV ${kv}`);
        own.forEach(({ index }) => shown.add(index));
        assert.equal(box.x, own[0].x);
        assert.equal(box.x + box.w, own[own.length - 1].x + heads.size);
        assert.ok(box.x + box.w <= content + 0.5, `${width}: ${box.x + box.w} of ${content}`);
        // The next line begins below the bracket.
        assert.ok(heads.thumbs.every(({ y }) => y <= box.y || y >= box.y + box.h));
      }
      assert.equal(shown.size, heads.thumbs.length);
      for (let i = 1; i < n_heads; i++) {
        const [left, right] = [heads.thumbs[i - 1], heads.thumbs[i]];
        if (left.y !== right.y) continue;
        assert.equal(right.x - left.x - heads.size > 6, i % size === 0, `heads ${i - 1} and ${i}`);
      }
    }
  }
  assert.deepEqual(layoutPlayer({ width: 900, n_rows: 22, n_steps: 16, both: false, n_layers: 3, n_heads: 8, n_kv_heads: 8, d_head: 32 }).heads.groups, []);
});

test("the window of rows holds the row asked for and stays within the run", () => {
  const { kv } = layoutPlayer({ width: 1100, n_rows: 256, n_steps: 100, both: false, n_layers: 6, n_heads: 8, d_head: 32 });
  assert.equal(kv.mode, "window");
  for (let row = 0; row < 256; row++) {
    const first = windowStart(kv, 256, row);
    assert.ok(first >= 0 && first + kv.n_visible <= 256 && row >= first && row < first + kv.n_visible, `row ${row}`);
  }
});

test("the lens shows a square of cells that holds the one asked for", () => {
  for (const n of [1, 9, 15, 200]) {
    for (const at of [0, Math.floor(n / 2), n - 1]) {
      const { row, column, count } = lensWindow(n, at, 0);
      assert.ok(row >= 0 && row + count <= n && at >= row && at < row + count && column === 0);
    }
  }
});

test("the middle of each step's cell on the timeline is that step", () => {
  for (const width of [120, 240, 366, 700]) {
    for (const n of [1, 2, 16, 240, 1000]) {
      const { prefill, cell } = timelineGeometry(width, n);
      assert.ok(prefill + cell * (n - 1) <= width + 0.01);
      for (const step of new Set([0, 1 % n, Math.floor(n / 2), n - 1])) assert.equal(stepAt(width, n, stepCentre(width, n, step)), step);
      assert.equal(stepAt(width, n, -50), 0);
      assert.equal(stepAt(width, n, width + 50), n - 1);
    }
  }
});

test("two caches of the example stand whole in the window of a small laptop, also both ways at once", () => {
  const shape = { width: 1097, height: 900, n_rows: 9, n_steps: 9, n_encoder: 29, n_layers: 3, n_heads: 8, d_head: 32 };
  for (const both of [false, true]) {
    const layout = layoutPlayer({ ...shape, both });
    const { history, kv, heat, cross, gap, content, twoBands } = layout;
    assert.ok(twoBands.side > 0);
    assert.equal(isSlim(layout), both);
    assert.ok(history.w + gap + kv.w + gap + heat.w + twoBands.side <= content);
    assert.ok(history.w + gap + cross.kv.w + gap + cross.heat.w <= content);
  }
});

test("on a projector, rows of a short run are high enough for names that can be read from the back row", () => {
  const input = { width: 1018, height: 593, both: false, n_rows: 12, n_steps: 6, n_layers: 6, n_heads: 8, d_head: 32 };
  assert.ok(layoutPlayer(input).history.rowPitch < 13);
  // From 13 on the names have the size of 12.5 that the presenter view makes 22.
  assert.ok(layoutPlayer({ ...input, alone: true }).history.rowPitch >= 13);
});
