// Makes rows of attention from a packed run as the player does, or from a packed pair of readings as the page
// of both models does, for a test that knows the engine's own. Reads {file, cells} from its input, a cell of a
// pair with its side, and prints what each cell comes to.
import { readFileSync } from "node:fs";
import { readBuffer } from "../../kvviz/player/js/buffer.js";
import { rowMaking } from "../../kvviz/player/js/row_making.js";
import { decode } from "../../kvviz/ui/pages/bert_vs_gpt2/js/buffer.js";
import { rowMaking as rowOfPair } from "../../kvviz/ui/pages/bert_vs_gpt2/js/row_subject.js";

const { file, cells } = JSON.parse(readFileSync(0, "utf8"));
const bytes = readFileSync(file);
const [run, pair] = cells[0].which ? [null, decode(bytes)] : [readBuffer(bytes), null];
const made = cells.map((cell) => {
  const { scores, weights, mix, within } = run ? rowMaking(run, { cache: "on", ...cell }) : rowOfPair(pair, cell, cell);
  return { score: scores[cell.key], weight: weights[cell.key], mix: [...mix], within };
});
console.log(JSON.stringify(made));
