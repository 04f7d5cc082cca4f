// The bundle's entry: models that read one text in step. The place in view is sent back.
import { mountFigure } from "../../../../parts/js/mount_figure.js";
import { InStepView } from "./in_step_view.js";

export default mountFigure((root, onView) => new InStepView(root, onView));
