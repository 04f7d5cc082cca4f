// Tells what is looked at once a person has come to rest at it: each that is told is an entry of the browser's history.

const REST_MS = 250;

export class RestTimer {
  /** @param {() => void} tell */
  constructor(tell) {
    this.tell = tell;
    this.timer = 0;
  }

  /** @returns {boolean} Whether something is still to be told. */
  get isRunning() {
    return this.timer !== 0;
  }

  /** Something else is looked at. */
  begin() {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      this.timer = 0;
      this.tell();
    }, REST_MS);
  }

  /** What has not been told by now is of the past. */
  stop() {
    window.clearTimeout(this.timer);
    this.timer = 0;
  }
}
