/**
 * The twelve journeys that are made most, in Firefox. tests/browser/test_firefox.py starts this with
 * the address of a running app; there each is a test of its own.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, Tab } from "./tab.mjs";

const ADDRESS = process.env.KVVIZ_ADDRESS;
const LIMIT_MS = 30_000;
const TEXT = "Once upon a time there was a dog. The dog saw the moon and ate a piano.";

let firefox;
before(async () => {
  firefox = await launch();
});
after(() => firefox.close());

/** Make a journey in a tab of its own, at the end of which nothing may have been complained of. */
function journey(name, make, { dark = false } = {}) {
  test(name, { timeout: LIMIT_MS }, async () => {
    const browser = dark ? await launch({ dark }) : firefox;
    try {
      const tab = await Tab.open(browser, ADDRESS);
      await make(tab);
      await tab.close();
    } finally {
      if (dark) await browser.close();
    }
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

journey("a prompt is typed and run", async (tab) => {
  await tab.goto("/kv_cache", { prompt: "The cat", new: 3 });
  await tab.wait({ nFed: 2 });
  await tab.type('textarea[aria-label="Prompt"]', "The dog and the bird");
  await tab.click('.st-key-kv-run button');
  await tab.wait({ nFed: 5, step: 0 });
  await tab.addressHolds("bird");
});

journey("both ways stand side by side", async (tab) => {
  await tab.goto("/kv_cache", { prompt: "The cat sat", new: 4 });
  await tab.wait({ cache: "on" });
  await tab.button("Side by side");
  await tab.wait({ cache: "both" });
  await tab.press("End");
  const end = await tab.wait({ step: 3 });
  assert.deepEqual([end.nComputed, end.nComputedOff], ["1", "6"]);
  await tab.addressHolds("cache=both");
});

journey("back and forward go between views", async (tab) => {
  await tab.goto("/kv_cache", { prompt: "The cat", new: 4 });
  await tab.wait({ step: 0 });
  await tab.press("End");
  await tab.wait({ step: 3 });
  await tab.addressHolds("step=3");
  await tab.back();
  await tab.wait({ step: 0 });
  await tab.forward();
  await tab.wait({ step: 3 });
});

journey("BERT and GPT-2 are predicted and looked at", async (tab) => {
  await tab.goto("/bert_vs_gpt2", { text: "The cat sat on the" });
  await tab.find('[data-kvviz="question"]');
  await tab.button("Just show me");
  await tab.find('[data-kvviz="verdict"]');
  const found = await tab.wait({ veiled: false }, '[data-kvviz="twins"]');
  assert.deepEqual([found.maskLeft, found.maskRight], ["causal", "bidirectional"]);
  await tab.drawn('[data-kvviz="twins"]');
});

journey("a text is read token by token", async (tab) => {
  const strip = '.st-key-kvviz-card-lm-next [data-kvviz="token-columns"]';
  await tab.goto("/language_modelling", { text: TEXT });
  await tab.wait({ revealed: false }, strip);
  await tab.button("piano.");
  await tab.wait({ revealed: true }, strip);
  await tab.click(`${strip} [data-place="2"]`);
  await tab.says(`${strip} .lm-panel`, "GPT-2 mini expected");
});

journey("both caches of a T5 are stepped through", async (tab) => {
  await tab.goto("/encoder_decoder", { step: 1 });
  const { nCrossComputed, nComputed } = await tab.wait({ step: 1 });
  assert.deepEqual([nCrossComputed, nComputed], ["0", "1"]);
  await tab.drawn(".kv-cross");
  await tab.press("ArrowRight");
  assert.equal((await tab.wait({ step: 2 })).nReused, "2");
});

journey("the sizes of models are guessed and drawn", async (tab) => {
  await tab.goto("/model_sizes");
  await tab.button("8.46 GB");
  await tab.says('[data-kvviz="verdict"]', "It takes 67.6 GB");
  await tab.chart("model-ladder");
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

journey("the app is dark where the system is", async (tab) => {
  await tab.goto("/");
  await tab.wait({ step: 0 });
  const ground = await tab.evaluate(
    () => getComputedStyle(document.querySelector(".stApp")).backgroundColor,
  );
  const [red, green, blue] = ground.match(/\d+/g).map(Number);
  assert.ok(Math.max(red, green, blue) < 50, ground);
  await tab.drawn(".kvviz-player");
}, { dark: true });
