/** The items that fit `query`, best first; all of them, in their order, for an empty query. Forgives one wrong, missing
 * or swapped letter in a word of five letters or more. */
export function ranked<Item>(items: readonly Item[], query: string, textOf: (item: Item) => string): Item[] {
  const words = query.toLowerCase().trim().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...items];
  const scored: { item: Item; score: number }[] = [];
  for (const item of items) {
    const score = scoreOf(textOf(item).toLowerCase(), words);
    if (score > 0) scored.push({ item, score });
  }
  return scored.toSorted((a, b) => b.score - a.score).map(({ item }) => item);
}

function scoreOf(text: string, words: readonly string[]): number {
  const parts = text.split(/[^\p{L}\p{N}]+/u);
  let total = 0;
  for (const word of words) {
    const score = text.startsWith(word)
      ? 5
      : parts.includes(word)
        ? 4
        : parts.some((part) => part.startsWith(word))
          ? 3
          : text.includes(word)
            ? 2
            : word.length >= 5 && parts.some((part) => near(part, word))
              ? 1
              : 0;
    if (score === 0) return 0;
    total += score;
  }
  return total;
}

/** Whether one edit (wrong, missing, extra or two swapped letters) turns `a` into the beginning of `b`, or the other
 * way round. */
function near(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  const [restA, restB] = [a.slice(at), b.slice(at)];
  return (
    restA.slice(1) === restB.slice(1) ||
    restA.slice(1) === restB ||
    restA === restB.slice(1) ||
    (restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2))
  );
}
