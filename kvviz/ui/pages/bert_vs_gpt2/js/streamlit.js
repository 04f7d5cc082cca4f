// The bundle's entry: one text as two models read it. The head and the cell in view are sent back.
import { mountFigure } from "../../../parts/js/mount_figure.js";
import { Twins } from "./patterns_view.js";

export default mountFigure((root, onView) => new Twins(root, onView));
