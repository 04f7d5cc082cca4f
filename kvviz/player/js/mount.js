// Puts a player into an element, once: the same element again gets the player it has.
import { Player } from "./player.js";
import { catalogueIn, useCatalogue } from "./translation.js";

/**
 * @import { Host } from "./host_messages.js"
 * @typedef {{ update: (buffer: Uint8Array | ArrayBuffer) => void, destroy: () => void }} Handle
 */

/** @type {WeakMap<HTMLElement, Player>} */
const players = new WeakMap();

/**
 * Mounts a player, or hands a new buffer to the one that is there. A buffer that cannot be shown
 * is answered with one sentence in its place, never with an exception.
 *
 * @param {HTMLElement} root The element that becomes the player and carries the `data-` hooks.
 * @param {Uint8Array | ArrayBuffer} buffer What `kvviz.player.pack` wrote.
 * @param {Host} [host] Is told the view when it comes to rest, and asked for what is not there.
 * @returns {Handle}
 */
export function mountPlayer(root, buffer, host = {}) {
  let player = players.get(root);
  if (useCatalogue(catalogueIn(buffer)) && player) {
    player.destroy();
    player = undefined;
  }
  if (!player) {
    player = new Player(root, host);
    players.set(root, player);
  }
  const mounted = player;
  mounted.messages.host = host;
  mounted.load(buffer);
  return {
    update: (next) => mounted.load(next),
    destroy: () => {
      if (players.get(root) === mounted) players.delete(root);
      mounted.destroy();
    },
  };
}
