/** A sentence of the engine, in which names stand between backticks. */
export function Words({ children }: { children: string }) {
  return children.split("`").map((part, at) =>
    at % 2 === 1 ? (
      // Parts are their position; they never move.
      // oxlint-disable-next-line react/no-array-index-key
      <bdi key={at} className="rounded-input bg-sunken px-1 font-mono text-code">
        {part}
      </bdi>
    ) : (
      part
    ),
  );
}
