// The bundle's entry: what packing has made of a head's rows. Nothing is sent back.
import { fetched } from "../../../../../player/js/fetched.js";
import { mountComponent } from "../../../../../player/js/mount_component.js";
import { ErrorMapView } from "./error_map_view.js";

export default fetched(mountComponent((root) => new ErrorMapView(root)));
