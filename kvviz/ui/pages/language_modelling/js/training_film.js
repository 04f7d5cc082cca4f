// The bundle's entry. The default export is what Streamlit calls, again and again on one element.
import { mountComponent } from "../../../../player/js/mount_component.js";
import { Screen } from "./screen.js";

export default mountComponent((root, page) => new Screen(root, (point) => page.setStateValue("point", point)));
