// Builds each component's one file from its modules. With --check, says which committed file is not
// what its modules give.
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** Where the modules lie, and the file they become; the entry is always streamlit.js. */
const BUNDLES = [
  ["kvviz/player/js", "kvviz/player/player.bundle.js"],
  ["kvviz/ui/pages/bert_vs_gpt2/js", "kvviz/ui/pages/bert_vs_gpt2/patterns.bundle.js"],
  ["kvviz/ui/pages/language_modelling/js", "kvviz/ui/pages/language_modelling/training_film.bundle.js"],
];
const check = process.argv.includes("--check");

for (const [modules, bundle] of BUNDLES) {
  const target = new URL(bundle, import.meta.url);
  const result = await build({
    entryPoints: [fileURLToPath(new URL(`${modules}/streamlit.js`, import.meta.url))],
    bundle: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "none",
    banner: { js: `// Built from ${modules} by \`npm run build\`. Do not edit.` },
    write: false,
  });
  const built = result.outputFiles[0].text;
  if (!check) {
    await writeFile(target, built);
    console.log(`${bundle}: ${(built.length / 1024).toFixed(1)} KiB`);
  } else if ((await readFile(target, "utf8").catch(() => "")) !== built) {
    console.error(`${bundle} is not what its modules give. Run: npm run build`);
    process.exitCode = 1;
  }
}
