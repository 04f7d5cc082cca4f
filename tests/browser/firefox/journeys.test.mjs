/**
 * The journeys that are made most, in Firefox. tests/browser/test_firefox.py starts this with
 * the address of a running app; there each is a test of its own.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, PLAYER, SLOWNESS, Tab } from "./tab.mjs";

const ADDRESS = process.env.KVVIZ_ADDRESS;
const LIMIT_MS = 60_000 * SLOWNESS;
/** How long the first run of a kind may take, which waits for its model. */
const MODEL_MS = 30_000 * SLOWNESS;
const TEXT = "Once upon a time there was a dog. The dog saw the moon and ate a piano.";

let firefox;
let last;
before(async () => {
  firefox = await launch();
});
after(() => firefox.close());

/**
 * Make a journey, at the end of which nothing may have been complained of. It is made in the tab of
 * the journey before, whose process has compiled what it runs; but if that one has failed, in a new
 * one. It loads a page anew (`goto`), or goes on where it is and need not load the app (`reach`).
 */
function journey(name, make) {
  test(name, { timeout: LIMIT_MS }, async () => {
    const tab = last ?? (await Tab.open(firefox, ADDRESS));
    last = null;
    await make(tab);
    tab.agree();
    last = tab;
  });
}

journey("the start page plays its stored run by key", async (tab) => {
  await tab.goto("/");
  const start = await tab.wait({ step: 0, cache: "both" });
  await tab.drawn(".kvviz-player");
  await tab.press("ArrowRight");
  const step = await tab.wait({ step: 1 });
  assert.equal(step.nComputed, "1");
  assert.equal(Number(step.nComputedOff), Number(start.nComputed) + 1);
});

journey("the app is dark where the system is", async (tab) => {
  await tab.reach("/");
  await tab.wait({ cache: "both" });
  const ground = await tab.evaluate(
    () => getComputedStyle(document.querySelector(".stApp")).backgroundColor,
  );
  const [red, green, blue] = ground.match(/\d+/g).map(Number);
  assert.ok(Math.max(red, green, blue) < 50, ground);
  await tab.drawn(".kvviz-player");
});

journey("the sizes of models are guessed and drawn", async (tab) => {
  await tab.reach("/model_sizes");
  await tab.button("8.46 GB");
  await tab.says('[data-kvviz="verdict"]', "It takes 67.6 GB");
  await tab.chart("model-ladder");
});

journey("BERT and GPT-2 are predicted and looked at", async (tab) => {
  await tab.reach("/bert_vs_gpt2");
  await tab.wait({ veiled: false }, '[data-kvviz="twins"]');
  await tab.button("Cover it and ask me");
  await tab.wait({ veiled: true }, '[data-kvviz="twins"]');
  await tab.button("Just show me");
  await tab.find('[data-kvviz="verdict"]');
  const found = await tab.wait({ veiled: false }, '[data-kvviz="twins"]');
  assert.deepEqual([found.maskLeft, found.maskRight], ["causal", "bidirectional"]);
  await tab.drawn('[data-kvviz="twins"]');
});

journey("both caches of a T5 are stepped through", async (tab) => {
  await tab.reach("/encoder_decoder");
  const { nCrossComputed: n } = await tab.wait({ step: 0, nCrossReused: 0 }, PLAYER, MODEL_MS);
  assert.ok(Number(n) > 5, n);
  // Keys reach the player after a click on plain ground.
  await tab.click(".kvviz-lead");
  await tab.press("ArrowRight");
  const { nCrossComputed, nComputed } = await tab.wait({ step: 1 });
  assert.deepEqual([nCrossComputed, nComputed], ["0", "1"]);
  await tab.drawn(".kv-cross");
  await tab.press("ArrowRight");
  assert.equal((await tab.wait({ step: 2 })).nReused, "2");
});

journey("a link opens a run, and keys step through it", async (tab) => {
  await tab.goto("/kv_cache", { prompt: "The cat sat", new: 5, step: 1 });
  const { nFed, nReused } = await tab.wait({ step: 1, nSteps: 5 });
  assert.deepEqual([nFed, nReused], ["1", "3"]);
  await tab.drawn(".kvviz-player");
  await tab.press("ArrowRight");
  assert.equal((await tab.wait({ step: 2 })).nReused, "4");
  await tab.press("End");
  await tab.wait({ step: 4 });
  await tab.addressHolds("step=4");
});

journey("both ways stand side by side", async (tab) => {
  await tab.reach("/kv_cache", { prompt: "The cat sat", new: 5 });
  await tab.press("Home");
  await tab.wait({ cache: "on", step: 0, nSteps: 5, nFed: 3 });
  await tab.button("Side by side");
  await tab.wait({ cache: "both" });
  await tab.press("End");
  const end = await tab.wait({ step: 4 });
  assert.deepEqual([end.nComputed, end.nComputedOff], ["1", "7"]);
  await tab.addressHolds("cache=both");
});

journey("a prompt is typed and run", async (tab) => {
  await tab.reach("/kv_cache", { prompt: "The cat", new: 5 });
  await tab.wait({ nSteps: 5 });
  await tab.type('textarea[aria-label="Prompt"]', "The dog and the bird");
  await tab.click('.st-key-kv-run button');
  await tab.wait({ nFed: 5, step: 0 });
  await tab.addressHolds("bird");
});

journey("back and forward go between views", async (tab) => {
  await tab.reach("/kv_cache", { prompt: "The cat", new: 5 });
  await tab.wait({ step: 0, nSteps: 5 });
  await tab.click(".kvviz-lead");
  await tab.press("ArrowRight");
  await tab.wait({ step: 1 });
  await tab.addressHolds("step=1");
  await tab.back();
  await tab.wait({ step: 0 });
  await tab.forward();
  await tab.wait({ step: 1 });
});

journey("a room is joined, followed, asked and told", async (tab) => {
  const bar = '[data-kvviz="room-bar"]';
  const vote = '[data-kvviz="vote"]';
  await tab.reach("/kv_cache", { prompt: "The cat", new: 5 });
  await tab.iconButton("Open a room");
  const room = await tab.find('[data-kvviz="room-code"]', (node) => node.innerText);
  await tab.find('[data-kvviz="invitation"] img');
  await tab.press("Escape");
  await tab.wait({ state: "leads" }, bar);
  // Nothing that the teacher's browser keeps is in that of the student.
  const elsewhere = await firefox.createBrowserContext();
  const student = await Tab.open(elsewhere, ADDRESS);
  await student.goto("/", { room });
  await student.wait({ state: "follows" }, bar);
  await student.wait({ nSteps: 5 });
  await tab.click(".kvviz-lead");
  await tab.press("End");
  await student.wait({ step: 4 });
  await tab.iconButton("Ask the room");
  await student.wait({ round: 1, own: 0 }, vote);
  // The page leads to the question once it has heard of it. A click on its way there would miss.
  await student.inSight(".st-key-kvviz-answers-edited-token");
  await student.click(".st-key-kvviz-answers-edited-token button");
  await student.wait({ own: 1 }, vote);
  await tab.button("Show the counts");
  await tab.button("Reveal what happens");
  for (const one of [tab, student]) await one.find('[data-kvviz="verdict"]');
  const { counts } = await student.find('[data-kvviz="vote-counts"]', (node) => ({ ...node.dataset }));
  assert.equal(counts[0], "1", counts);
  student.agree();
  await elsewhere.close();
});

journey("a text is read token by token", async (tab) => {
  const strip = '.st-key-kvviz-card-lm-next [data-kvviz="token-columns"]';
  await tab.goto("/language_modelling", { text: TEXT });
  await tab.wait({ revealed: false }, strip, MODEL_MS);
  // The parts below may be the first to want BERT: an answer given while it is loaded can go unheard.
  await tab.find('[data-kvviz="departure"]', undefined, MODEL_MS);
  await tab.find('[data-testid="stApp"][data-test-script-state="notRunning"]');
  await tab.button("piano.");
  await tab.wait({ revealed: true }, strip);
  await tab.click(`${strip} [data-place="2"]`);
  await tab.says(`${strip} .lm-panel`, "GPT-2 mini expected");
});

journey("a race is run and its charts are drawn", async (tab) => {
  await tab.goto("/speed_and_memory", { prompt_tokens: 6, new: 5, repeats: 2 });
  await tab.button("Just show me");
  const told = await tab.wait({ nRepeats: 2 }, '[data-kvviz="race"]');
  assert.equal(told.sameTokens, "true");
  await tab.chart("speed-up-curve");
});

journey("a file that was taken away opens without the app", async (tab) => {
  await tab.gotoFile(process.env.KVVIZ_FILE);
  await tab.wait({ ready: true, step: 0 });
  await tab.drawn(".kvviz-player");
  await tab.press("ArrowRight");
  await tab.wait({ step: 1, kind: "decode" });
});
