// The bundle's entry: a text with its labels. Drawn from plain data; nothing is sent back.
import { mountComponent } from "../../../../player/js/mount_component.js";
import { Columns } from "./columns.js";

export default mountComponent((root) => new Columns(root));
