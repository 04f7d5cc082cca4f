// The bundle's entry: models that read one text in step. The place in view is sent back.
import { fetched } from "../../../../../player/js/fetched.js";
import { mountComponent } from "../../../../../player/js/mount_component.js";
import { InStepView } from "./in_step_view.js";

// A place that the server has heard before would not be told again; so each is told with a number of its own.
let n_told = 0;

export default fetched(
  mountComponent(
    (root, page) => new InStepView(root, (view) => page.setStateValue("view", { ...view, number: ++n_told })),
  ),
);
