// Builds the component's one file. With --check, says whether the committed file is what the modules give.
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = new URL("./", import.meta.url);
const target = new URL("../twins.bundle.js", import.meta.url);

const result = await build({
  entryPoints: [fileURLToPath(new URL("streamlit.js", here))],
  bundle: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: "none",
  banner: { js: "// Built from kvviz/ui/twins/js by `npm run build`. Do not edit." },
  write: false,
});
const built = result.outputFiles[0].text;

if (process.argv.includes("--check")) {
  const committed = await readFile(target, "utf8").catch(() => "");
  if (committed !== built) {
    console.error("kvviz/ui/twins/twins.bundle.js is not what its modules give. Run: npm run build");
    process.exit(1);
  }
} else {
  await writeFile(target, built);
  console.log(`twins.bundle.js: ${(built.length / 1024).toFixed(1)} KiB`);
}
