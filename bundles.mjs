// Builds each component's one file from its modules. With --check, says which committed file is not
// what its modules give.
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** The module that Streamlit calls, and the file that it becomes with all that it imports. */
const BUNDLES = [
  ["kvviz/player/js/streamlit.js", "kvviz/player/player.bundle.js"],
  ["kvviz/ui/shell/room/js/streamlit.js", "kvviz/ui/shell/room/room_bar.bundle.js"],
  ["kvviz/ui/shell/presenter/js/streamlit.js", "kvviz/ui/shell/presenter/presenter.bundle.js"],
  ["kvviz/ui/parts/js/copy_link.js", "kvviz/ui/parts/copy_link.bundle.js"],
  ["kvviz/ui/parts/js/work_bar.js", "kvviz/ui/parts/work_bar.bundle.js"],
  ["kvviz/ui/pages/bert_vs_gpt2/js/streamlit.js", "kvviz/ui/pages/bert_vs_gpt2/patterns.bundle.js"],
  ["kvviz/ui/parts/written_lives/js/written_lives.js", "kvviz/ui/parts/written_lives/written_lives.bundle.js"],
  ["kvviz/ui/pages/cache_lab/bits/js/error_map.js", "kvviz/ui/pages/cache_lab/bits/error_map.bundle.js"],
  ["kvviz/ui/pages/cache_lab/sharing/js/typed_beginnings.js", "kvviz/ui/pages/cache_lab/sharing/typed_beginnings.bundle.js"],
  ["kvviz/ui/pages/model_sizes/families/js/in_step.js", "kvviz/ui/pages/model_sizes/families/in_step.bundle.js"],
  ["kvviz/ui/pages/speed_and_memory/js/live_race.js", "kvviz/ui/pages/speed_and_memory/live_race.bundle.js"],
  ["kvviz/ui/pages/language_modelling/js/token_columns.js", "kvviz/ui/pages/language_modelling/token_columns.bundle.js"],
  ["kvviz/site/js/lesson.js", "kvviz/site/lesson.bundle.js"],
  ["kvviz/ui/pages/language_modelling/js/training_film.js", "kvviz/ui/pages/language_modelling/training_film.bundle.js"],
];
const check = process.argv.includes("--check");

for (const [entry, bundle] of BUNDLES) {
  const target = new URL(bundle, import.meta.url);
  const result = await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "none",
    banner: { js: `// Built from ${entry} by \`npm run build\`. Do not edit.` },
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
