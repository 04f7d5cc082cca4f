// The bundle's entry: one text as two models read it. The head and the cell in view are sent back. In a document that
// holds its buffer it is mounted by `mountTwins`.
import { figureOf, mountFigure } from "../../../parts/js/mount_figure.js";
import { Twins } from "./patterns_view.js";

/** @param {HTMLElement} root @param {(view: object) => void} onView */
const twins = (root, onView) => new Twins(root, onView);

export const mountTwins = figureOf(twins);

export default mountFigure(twins);
