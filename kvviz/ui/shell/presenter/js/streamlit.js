// The bundle's entry: one presenter for the life of the tab, whichever page is mounted.
import { catalogueOf, useCatalogue } from "../../../../player/js/translation.js";
import { Presenter } from "./presenter.js";

/** @param {{ data: { on: boolean }, setTriggerValue: (name: string, value: unknown) => void }} component */
export default function ({ data, setTriggerValue }) {
  const here = /** @type {{ kvvizPresenter?: Presenter }} */ (/** @type {unknown} */ (window));
  useCatalogue(catalogueOf(data));
  here.kvvizPresenter ??= new Presenter(window);
  here.kvvizPresenter.load(data.on, () => setTriggerValue("leave", Date.now()));
}
