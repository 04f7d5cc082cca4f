// The bundle's entry. Streamlit mounts it anew on every page; the client of the room lives as long as
// the tab, or each page would come to a class as a newcomer.
import { catalogueOf, useCatalogue } from "../../../../player/js/translation.js";
import { RoomBar } from "./room_bar.js";
import { RoomClient } from "./room_client.js";

/** @param {{ data: any, setTriggerValue: (name: string, value: unknown) => void }} component */
export default function ({ data, setTriggerValue }) {
  const here = /** @type {{ kvvizRoom?: RoomClient, kvvizAddressBar?: any } & Window} */ (/** @type {unknown} */ (window));
  useCatalogue(catalogueOf(data));
  here.kvvizRoom ??= new RoomClient(window, (client) => new RoomBar(document, client));
  here.kvvizRoom.load(data, (name, value) => {
    const bar = here.kvvizAddressBar;
    if (bar) bar.unlessLeaving(() => setTriggerValue(name, value));
    else setTriggerValue(name, value);
  });
}
