/** The published site from its files, in Firefox. tests/browser/test_published_site.py starts this. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";

import { launch, SLOWNESS, Tab } from "./tab.mjs";

const SITE = process.env.KVVIZ_SITE;
const TWINS = '[data-kvviz="twins"]';

let firefox;
before(async () => {
  firefox = await launch();
});
after(() => firefox.close());

test("a run is stepped through, and the twins are asked about", { timeout: 60_000 * SLOWNESS }, async () => {
  // What is asked for from anywhere but the folder is a complaint.
  const tab = await Tab.open(firefox, pathToFileURL(SITE).href);
  await tab.gotoFile(join(SITE, "index.html"));
  await tab.wait({ ready: true, step: 0, cache: "both" });
  await tab.drawn(".kvviz-player");
  await tab.press("ArrowRight");
  assert.equal((await tab.wait({ step: 1 })).nComputed, "1");
  await tab.click('nav a[href="bert_vs_gpt2.html"]');
  await tab.wait({ veiled: true }, TWINS);
  await tab.button("Just show me");
  const { maskLeft, maskRight } = await tab.wait({ veiled: false }, TWINS);
  assert.deepEqual([maskLeft, maskRight], ["causal", "bidirectional"]);
  await tab.drawn(TWINS);
  await tab.says(".kvviz-told", "GPT-2 mini gave 0 %");
  tab.agree();
});
