// Lets the address bar tell the server of each step that the person makes through the browser's history,
// and which page is on screen. What is told is a value of this component: every later message carries it, until the next one takes
// its place, so it is not lost where one message replaces another.

/** @param {{ data: { page: string }, setStateValue: (name: string, value: unknown) => void }} component */
export default function ({ data, setStateValue }) {
  /** @type {any} */ (window).kvvizAddressBar?.take(data.page, setStateValue);
}
