// The bundle's entry: what packing has made of a head's rows. Nothing is sent back.
import { mountFigure } from "../../../../parts/js/mount_figure.js";
import { ErrorMapView } from "./error_map_view.js";

export default mountFigure((root) => new ErrorMapView(root));
