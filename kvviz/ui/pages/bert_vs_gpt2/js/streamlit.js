// The bundle's entry. The default export is what Streamlit calls, again and again on one element.
import { fetched } from "../../../../player/js/fetched.js";
import { mountComponent } from "../../../../player/js/mount_component.js";
import { Twins } from "./patterns_view.js";

// A view that the server has heard before would not be told again, though the page has meanwhile
// taken on another one; so each is told with a number of its own.
let n_told = 0;

export default fetched(
  mountComponent(
    (root, page) => new Twins(root, (view) => page.setStateValue("view", { ...view, number: ++n_told })),
  ),
);
