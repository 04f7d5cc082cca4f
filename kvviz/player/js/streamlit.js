// The bundle's entry: the player on Streamlit's page, and by `mountPlayer` in any other document.
import { fetched } from "./fetched.js";
import { mountPlayer } from "./mount.js";
import { mountComponent } from "./mount_component.js";
import { Player } from "./player.js";

export { mountPlayer };

export default fetched(
  mountComponent(
    (root, page) =>
      new Player(root, {
        // With its number and its run, since Streamlit does not hear the same value twice.
        onView: (view, number, run) => page.setStateValue("view", { ...view, number, run }),
        onWanted: (wanted) => page.setTriggerValue("wanted", wanted),
      }),
  ),
);
