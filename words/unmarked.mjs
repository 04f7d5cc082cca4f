// Sentences in the JavaScript sources that no marking call holds, read off the syntax tree.
//
// Counts as a sentence what has two words side by side, or is one word with a capital. Left out is what
// no person reads: module names, keys, what is compared, types in comments, selectors, classes, styles,
// paths, fonts, and the message of an Error that is not shown (see NOT_READ). `// not for people:
// <reason>` on its line, or on the line above its statement, says so of any other.
//
// node words/unmarked.mjs --check        what `npm run check` runs: all is marked, and the front ends' keys are fresh
// node words/unmarked.mjs FILE...        lists what is unmarked there
import { readFile, readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const KEYS = "kvviz/translation/locale/front_end.json";
const MARKING = { _: 1, gettext: 1, N_: 1, ngettext: 2, pgettext: 2 };
const NOT_READ = new Set([
  "querySelector", "querySelectorAll", "closest", "matches", "getElementById", "createElement", "createElementNS",
  "getContext", "addEventListener", "removeEventListener", "getPropertyValue", "setProperty", "dispatchEvent",
  "execCommand", "startsWith", "endsWith", "includes", "split", "replaceAll", "Error", "TypeError", "RegExp", "matchMedia",
  "log", "warn", "error", "debug", "has", "get", "toLocaleString",
]);
const ATTRIBUTES_READ = new Set(["aria-label", "aria-description", "aria-valuetext", "title", "alt", "placeholder"]);
const PROPERTIES_NOT_READ = new Set(["class", "className", "style", "cssText", "font", "d", "viewBox", "transform", "key", "type", "code"]);
const ESCAPE = /\/\/.*\bnot for people: \S/;
const TWO_WORDS = /(?<![\w.\-/:#])\p{L}[\p{L}\d'’-]*[,;:.!?)”]*\s+[“(]?(?:\p{L}{2,}|a\b|I\b)[\p{L}\d'’-]*(?![\w=(])/u;
const ONE_CAPITALISED = /^\s*\p{Lu}\p{Ll}{2,}[.!?…:]?\s*$/u;
const CLASSES = /^\s*[a-z]+(-[\w\0]+)+(\s+[a-z]+(-[\w\0]+)+)*\s*$/;
const FILLED = "\0";

/** @param {string} text */
const looksLikeASentence = (text) => {
  if (CLASSES.test(text)) return false;
  const bare = text.replace(/\{[^{}]*\}|`[^`]*`|https?:\/\/\S+|\0/g, " ");
  return TWO_WORDS.test(bare) || ONE_CAPITALISED.test(bare);
};

/** @param {string} path @param {string} source */
function read(path, source) {
  const tree = ts.createSourceFile(path, source, ts.ScriptTarget.ES2022, true, ts.ScriptKind.JS);
  const lines = source.split("\n");
  /** @type {{ line: number, text: string, why: string }[]} */
  const unmarked = [];
  /** @type {Set<string>} */
  const marked = new Set();
  const lineOf = (/** @type {number} */ place) => tree.getLineAndCharacterOfPosition(place).line;

  const escaped = (/** @type {ts.Node} */ node) => {
    /** @type {ts.Node} */
    let statement = node;
    while (statement.parent && !ts.isStatement(statement) && !ts.isPropertyAssignment(statement)) statement = statement.parent;
    const own = lines.slice(lineOf(node.getStart()), lineOf(node.getEnd()) + 1);
    const above = lines[lineOf(statement.getStart()) - 1] ?? "";
    return own.some((line) => ESCAPE.test(line)) || (above.trim().startsWith("//") && ESCAPE.test(above));
  };
  const say = (/** @type {ts.Node} */ node, /** @type {string} */ text, /** @type {string} */ why) => {
    if (!escaped(node)) unmarked.push({ line: lineOf(node.getStart()) + 1, text: text.replaceAll(FILLED, "{…}"), why });
  };

  const visit = (/** @type {ts.Node} */ node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isExpressionStatement(node) && ts.isStringLiteral(node.expression)) return;
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
      const name = ts.isPropertyAccessExpression(node.expression) ? node.expression.name.text : node.expression.getText();
      const args = node.arguments ?? [];
      if (Object.hasOwn(MARKING, name)) {
        const n_messages = MARKING[/** @type {keyof typeof MARKING} */ (name)];
        args.slice(0, n_messages).forEach((argument) => {
          if (ts.isStringLiteral(argument) || ts.isNoSubstitutionTemplateLiteral(argument)) marked.add(argument.text);
          else if (ts.isTemplateExpression(argument) || ts.isBinaryExpression(argument)) say(argument, argument.getText(), "marked, but no constant text");
        });
        args.slice(n_messages).forEach(visit);
        return;
      }
      visit(node.expression);
      if (NOT_READ.has(name)) return;
      const attribute = name === "setAttribute" ? args.find((one) => ts.isStringLiteral(one)) : undefined;
      if (attribute && ts.isStringLiteral(attribute) && !ATTRIBUTES_READ.has(attribute.text)) return;
      args.forEach(visit);
      return;
    }
    if (ts.isPropertyAssignment(node)) {
      if (!PROPERTIES_NOT_READ.has(node.name.getText().replace(/^["']|["']$/g, ""))) visit(node.initializer);
      return;
    }
    if (ts.isBinaryExpression(node)) {
      const kind = node.operatorToken.kind;
      const compares = kind === ts.SyntaxKind.EqualsEqualsEqualsToken || kind === ts.SyntaxKind.ExclamationEqualsEqualsToken;
      if (compares || kind === ts.SyntaxKind.InKeyword) return;
      if (kind === ts.SyntaxKind.EqualsToken && ts.isPropertyAccessExpression(node.left)) {
        const target = node.left.name.text;
        const styled = ts.isPropertyAccessExpression(node.left.expression) && node.left.expression.name.text === "style";
        if (styled || PROPERTIES_NOT_READ.has(target)) return;
      }
    }
    if (ts.isElementAccessExpression(node)) return visit(node.expression);
    if (ts.isCaseClause(node)) return node.statements.forEach(visit);
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) {
      if (looksLikeASentence(node.text)) say(node, node.text, "not marked");
      return;
    }
    if (ts.isTemplateExpression(node)) {
      const text = node.head.text + node.templateSpans.map((span) => FILLED + span.literal.text).join("");
      if (looksLikeASentence(text)) say(node, text, "not marked");
      node.templateSpans.forEach((span) => visit(span.expression));
      return;
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return { unmarked, marked };
}

/** @returns {Promise<string[]>} */
async function sources() {
  const all = await readdir(`${ROOT}kvviz`, { recursive: true });
  return all.filter((name) => name.endsWith(".js") && !name.endsWith(".bundle.js")).map((name) => `kvviz/${name}`).sort();
}

const [first, ...others] = process.argv.slice(2);
const checksAll = first === "--check";
const paths = checksAll ? await sources() : [first, ...others].filter(Boolean);
const found = await Promise.all(paths.map(async (path) => ({ path, ...read(path, await readFile(`${ROOT}${path}`, "utf8")) })));

/** @param {string} text */
const complain = (text) => {
  console.error(text);
  process.exitCode = 1;
};
for (const { path, unmarked } of found) {
  for (const { line, text, why } of unmarked) complain(`${path}:${line}: ${why}: ${JSON.stringify(text)}`);
}
if (checksAll) {
  const keys = new Set(JSON.parse(await readFile(`${ROOT}${KEYS}`, "utf8")).flat());
  const lost = found.flatMap(({ path, marked }) => [...marked].filter((text) => !keys.has(text)).map((text) => `${path}: ${JSON.stringify(text)}`));
  if (lost.length) complain(`Marked, but not in ${KEYS}; run: make words\n${lost.join("\n")}`);
}
