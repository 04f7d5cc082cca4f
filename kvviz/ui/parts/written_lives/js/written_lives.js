// The bundle's entry: the lives of the rows of two models that write. The step in view is sent back.
import { fetched } from "../../../../player/js/fetched.js";
import { mountComponent } from "../../../../player/js/mount_component.js";
import { WrittenView } from "./written_view.js";

// A step that the server has heard before would not be told again; so each is told with a number of its own.
let n_told = 0;

export default fetched(
  mountComponent(
    (root, page) => new WrittenView(root, (view) => page.setStateValue("view", { ...view, number: ++n_told })),
  ),
);
