// Numbers as a person says them. Pure.

/** @param {number} n @returns {string} A count of tokens as a person says it. */
export function tokensText(n) {
  if (n >= 999_500) return `${(n / 1e6).toFixed(1)} million`;
  return n.toLocaleString("en");
}

/** @param {number} share @returns {string} */
export function shareText(share) {
  const percent = 100 * share;
  return `${percent >= 9.95 ? percent.toFixed(0) : percent.toFixed(1)} %`;
}
