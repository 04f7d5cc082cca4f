// Makes rows of attention from a packed run as the player does, for a test that knows the engine's own.
// Reads {file, cells} from its input, and prints what each cell comes to.
import { readFileSync } from "node:fs";
import { readBuffer } from "../../kvviz/player/js/buffer.js";
import { rowMaking } from "../../kvviz/player/js/row_making.js";

const { file, cells } = JSON.parse(readFileSync(0, "utf8"));
const payload = readBuffer(readFileSync(file));
const made = cells.map((cell) => {
  const { scores, weights, mix, within } = rowMaking(payload, { cache: "on", ...cell });
  return { score: scores[cell.key], weight: weights[cell.key], mix: [...mix], within };
});
console.log(JSON.stringify(made));
