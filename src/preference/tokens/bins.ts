/**
 * Packs rows into bins of a limited number of tokens, as TRL does; micro-batches then count bins.
 * Rows of one bin do not attend to one another (see `Batch.ranges`), so packing changes only which
 * rows form a step. Pure.
 */
import { partOf } from "./length.ts";
import { DEMONSTRATION_PACKING } from "./packed_examples.ts";
import {
  type TokenBin,
  type TokenDemonstration,
  type TokenSequence,
  trainedSpans,
} from "./token_examples.ts";

/** The values of the option `packing_strategy`. */
export const PACKING_STRATEGIES = ["bfd", "bfd_split", "wrapped"] as const;

/**
 * How rows are packed. `bfd` (best fit decreasing): whole rows, the longest first, each into the
 * bin where it leaves the least room. `bfd_split`: the same, with too long rows cut into pieces.
 * `wrapped`: all rows joined end to end and cut wherever a bin is full; a token then attends to the
 * rows before it in its bin.
 */
export type PackingStrategy = typeof PACKING_STRATEGIES[number];

const GROUP = 1000; // TRL packs by datasets.map, whose batches have 1000 rows

/** A bin that is being filled. */
interface OpenBin {
  readonly rows: TokenDemonstration[];
  room: number;
}

/** Open bins, found by the number of tokens that still fit. */
function binsByRoom() {
  const byRoom: OpenBin[][] = [];
  return {
    add: (bin: OpenBin) => (byRoom[bin.room] ??= []).push(bin),
    /** Takes the bin with the least room that is enough; of several the one that waits longest. */
    take(tokens: number): OpenBin | undefined {
      for (let room = tokens; room < byRoom.length; room++) {
        const bin = byRoom[room]?.shift();
        if (bin !== undefined) return bin;
      }
      return undefined;
    },
  };
}

/** Best fit decreasing, [arXiv 2404.10830](https://arxiv.org/abs/2404.10830). */
function bestFit(
  rows: readonly TokenDemonstration[],
  maxLength: number,
): TokenDemonstration[][] {
  const lengths = new Map(rows.map((row) => [row, row.ids.length]));
  const lengthOf = (row: TokenDemonstration) => lengths.get(row) ?? 0;
  const bins: OpenBin[] = [];
  const rooms = binsByRoom();
  for (const row of rows.toSorted((a, b) => lengthOf(b) - lengthOf(a))) {
    const length = lengthOf(row);
    let bin = rooms.take(length);
    if (bin === undefined) bins.push(bin = { rows: [], room: maxLength });
    bin.rows.push(row);
    bin.room -= length;
    rooms.add(bin);
  }
  return bins.map((bin) => bin.rows);
}

function kept(sequence: TokenSequence, line: number): TokenDemonstration {
  return DEMONSTRATION_PACKING.unpack(
    DEMONSTRATION_PACKING.pack({ ...sequence, line }),
  );
}

/** Cuts a row into pieces of at most `maxLength` tokens. */
function pieces(
  row: TokenDemonstration,
  maxLength: number,
): TokenDemonstration[] {
  const { ids, completionStart, spans, line } = row;
  if (ids.length <= maxLength) return [row];
  const count = Math.ceil(ids.length / maxLength);
  return Array.from({ length: count }, (_, i) =>
    kept(
      partOf(
        { ids, completionStart, spans },
        i * maxLength,
        (i + 1) * maxLength,
      ),
      line,
    ));
}

/** Joins all rows end to end and cuts them into bins, each of one sequence. */
function wrapped(
  rows: readonly TokenDemonstration[],
  maxLength: number,
): TokenBin[] {
  const bins: TokenBin[] = [];
  let open = {
    ids: [] as number[],
    spans: [] as [number, number][],
    lines: [] as number[],
  };
  const close = () => {
    const { ids, spans, lines } = open;
    const [line = 0] = lines;
    const sequence = {
      ids,
      spans,
      completionStart: spans[0]?.[0] ?? ids.length,
    };
    if (ids.length > 0) {
      bins.push({ sequences: [kept(sequence, line)], line, lines });
    }
    open = { ids: [], spans: [], lines: [] };
  };
  for (const row of rows) {
    const { ids, line } = row;
    const trained = trainedSpans(row);
    for (let from = 0; from < ids.length;) {
      const to = Math.min(ids.length, from + maxLength - open.ids.length);
      const shift = open.ids.length - from;
      for (const [start, end] of trained) {
        const [a, b] = [Math.max(start, from), Math.min(end, to)];
        if (a < b) open.spans.push([a + shift, b + shift]);
      }
      for (let i = from; i < to; i++) open.ids.push(ids[i]!);
      open.lines.push(line);
      if (open.ids.length === maxLength) close();
      from = to;
    }
  }
  close();
  return bins;
}

/**
 * Packs rows into bins, a thousand rows at a time.
 *
 * @param maxLength most tokens of a bin
 * @throws {RangeError} if a row is longer than a bin and the strategy is `bfd`, which keeps rows
 *   whole
 */
export function packBins(
  rows: readonly TokenDemonstration[],
  { maxLength, strategy }: {
    readonly maxLength: number;
    readonly strategy: PackingStrategy;
  },
): TokenBin[] {
  const groups = Array.from(
    { length: Math.ceil(rows.length / GROUP) },
    (_, i) => rows.slice(i * GROUP, (i + 1) * GROUP),
  );
  if (strategy === "wrapped") {
    return groups.flatMap((group) => wrapped(group, maxLength));
  }
  const long = rows.find(({ ids }) => ids.length > maxLength);
  if (strategy === "bfd" && long !== undefined) {
    throw new RangeError(
      `Cannot pack line ${long.line}: found ${long.ids.length} tokens, expected at most ${maxLength}`,
    );
  }
  return groups.flatMap((group) =>
    bestFit(group.flatMap((row) => pieces(row, maxLength)), maxLength)
  ).map((sequences) => ({
    sequences,
    line: sequences[0]?.line ?? 0,
    lines: sequences.map(({ line }) => line),
  }));
}
