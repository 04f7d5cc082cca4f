// The bundle's entry: the lives of the rows of two models that write. The step in view is sent back.
import { mountFigure } from "../../../parts/js/mount_figure.js";
import { WrittenView } from "./written_view.js";

export default mountFigure((root, onView) => new WrittenView(root, onView));
