/** The logo: the one place where the warm yellow is allowed all the time. */
export function Mark({ size = 24 }: { size?: number }) {
  return (
    <svg aria-hidden width={size} height={size} viewBox="0 0 32 32" className="shrink-0">
      <rect width="32" height="32" rx="8" className="fill-ink" />
      <path d="M6 11c4 0 5 10 10 10s6-10 10-10" fill="none" strokeWidth="3" strokeLinecap="round" className="stroke-spark" />
      <path d="M6 17c4 0 5 8 10 8s6-8 10-8" fill="none" strokeWidth="2" strokeLinecap="round" opacity=".55" className="stroke-bg" />
    </svg>
  );
}
