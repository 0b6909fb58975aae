/**
 * What happens to rows that cannot be read: the load stops and names them, or leaves out a few of
 * them and counts them. Reads no row.
 */

/** The values of the option `on_bad_row`. */
export const ON_BAD_ROW = ["stop", "drop"] as const;

/** What happens to rows that cannot be read. */
export interface BadRowRule {
  /** `stop`: the load stops at any of them. `drop`: they are left out. Default `stop`. */
  readonly onBadRow?: "stop" | "drop" | undefined;
  /** The largest share of the rows that `drop` leaves out. Default 0.1. */
  readonly maxBadRows?: number | undefined;
  /** What to do with all bad rows, at the end of the message. */
  readonly advice?: string | undefined;
}

/** A row that cannot be read. */
export interface BadRow {
  /** Its place: `"path" line N`. */
  readonly where: string;
  /** What is wrong with it. */
  readonly fault: string;
}

const SHOWN = 5;

/**
 * Stops unless the rule allows to leave the bad rows out.
 *
 * @param rows number of all rows
 * @throws {TypeError} naming the first bad rows and their number
 */
export function settleBadRows(
  bad: readonly BadRow[],
  rows: number,
  { onBadRow = "stop", maxBadRows = 0.1, advice: kind }: BadRowRule,
): void {
  const isFew = bad.length <= maxBadRows * rows;
  if (bad.length === 0 || onBadRow === "drop" && isFew) return;
  const rest = bad.length - SHOWN;
  const shown = bad.slice(0, SHOWN)
    .map(({ where, fault }) => `${where}: ${fault}`).join("; ") +
    (rest > 0 ? `; and ${rest} more` : "");
  const rule = onBadRow === "drop"
    ? `; more than max_bad_rows, ${maxBadRows} of the rows, are not left out`
    : isFew
    ? "; --on_bad_row=drop leaves such rows out and counts them"
    : "";
  const advice = kind === undefined ? rule : `; ${kind}${rule}`;
  throw new TypeError(
    bad.length === 1
      ? `Cannot read ${shown}${advice}`
      : `Cannot read ${bad.length} of ${rows} rows: ${shown}${advice}`,
  );
}
