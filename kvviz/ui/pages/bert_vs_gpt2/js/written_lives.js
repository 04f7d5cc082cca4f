// The bundle's entry: the lives of the rows of two models that write. Nothing is sent back.
import { mountComponent } from "../../../../player/js/mount_component.js";
import { WrittenView } from "./written_view.js";

export default mountComponent((root) => new WrittenView(root));
