/**
 * Writes the report of a load and some of its examples as lines of text, so that a user sees what
 * will be trained before any GPU work. Pure: prints nothing; the caller decides about colours.
 */
import { bold, cyan, dim, green, magenta, red, yellow } from "@std/fmt/colors";
import type { Tokenizer } from "../../text/tokenizer.ts";
import { keyList } from "../formats/turns.ts";
import type { HeldOut } from "./sources.ts";
import type { Lengths, LoadReport, Tally } from "./load_report.ts";
import {
  type TokenDemonstration,
  type TokenFeedback,
  type TokenPair,
  type TokenSequence,
  trainedSpans,
} from "../tokens/token_examples.ts";

/** How examples are shown. */
export interface InspectOptions {
  /** The tokenizer that turns ids into text. */
  readonly tokenizer: Tokenizer;
  /**
   * Whether to use terminal colours: the trained tokens are green (chosen) or magenta (rejected).
   * Default false.
   */
  readonly color?: boolean;
}

type Paint = (text: string) => string;
const plain: Paint = (text) => text;

/**
 * A count with the places of its first rows. `only` is the path of the only file, which the places
 * then leave out.
 */
function tallyLine(
  label: string,
  { count, where }: Tally,
  only?: string,
): string {
  const more = count > where.length ? ", ..." : "";
  const places = where.map((place) => place.replace(`"${only}" `, ""));
  return `  ${label}: ${count} (${places.join(", ")}${more})`;
}

function lengthLine(
  name: string,
  { min, median, p90, p99, max, mean }: Lengths,
): string {
  const cells = [min, median, p90, p99, max].map((n) => String(n).padStart(7))
    .join("");
  return `  ${name.padEnd(10)}${cells}${mean.toFixed(1).padStart(9)}`;
}

/**
 * The lines of a report: rows read, kept and dropped with reasons and places, and a table of
 * lengths.
 */
export function reportLines(
  report: LoadReport,
  { color = false }: { color?: boolean } = {},
): string[] {
  const paint = (style: Paint) => color ? style : plain;
  const lines = report.sources.map(({ path, rows, taken }) =>
    `${path}: ${rows} rows` + (taken < rows ? `, ${taken} taken` : "")
  );
  const formats = Object.entries(report.formats).map(([name, rows]) =>
    `${name} (${rows})`
  );
  if (report.cached !== undefined) {
    lines.push(`tokens: read from ${report.cached}`);
  }
  lines.push(`format: ${formats.join(", ") || "none"}`);
  const beyond = report.beyond > 0 ? `, ${report.beyond} not needed` : "";
  const dropped = Object.values(report.dropped).reduce(
    (total, { count }) => total + count,
    0,
  );
  lines.push(
    paint(bold)(
      `${report.rows} rows: ${report.kept} kept, ${dropped} dropped${beyond}`,
    ),
  );
  lines.push(...accountLines(report, { color }));
  const only = onlyPath(report);
  if (report.cut.count > 0) {
    lines.push(paint(yellow)(tallyLine("cut to max_length", report.cut, only)));
  }
  if (report.moved.count > 0) {
    lines.push(
      paint(yellow)(
        tallyLine(
          "border of prompt and answer lies inside a token or moved (in plain text letters there are lost or doubled, as in TRL: let both begin at a word)",
          report.moved,
          only,
        ),
      ),
    );
  }
  if (report.labels !== undefined) {
    lines.push(`  good ${report.labels.good}, bad ${report.labels.bad}`);
  }
  return report.kept === 0 ? lines : [...lines, ...tokenLines(report)];
}

/** `  kept for evaluation: 2 of 20 rows, not 100: the file is small`. */
function heldOutLine({ rows, of, wanted }: HeldOut): string {
  return `  kept for evaluation: ${rows} of ${of} rows, not ${wanted}: the file is small`;
}

function onlyPath({ sources }: LoadReport): string | undefined {
  return sources.length === 1 ? sources[0]?.path : undefined;
}

/**
 * The lines that a user must see before a run: what was left out and why, what was decided about
 * rows, and which columns nothing reads.
 */
export function accountLines(
  report: LoadReport,
  { color = false }: { color?: boolean } = {},
): string[] {
  const { dropped, told, unread, limited } = report;
  const paint = (style: Paint) => color ? style : plain;
  const only = onlyPath(report);
  return [
    ...Object.entries(dropped).map(([reason, one]) =>
      paint(red)(tallyLine(`dropped, ${reason}`, one, only))
    ),
    ...Object.entries(told).map(([note, one]) =>
      paint(yellow)(tallyLine(note, one, only))
    ),
    ...limited === undefined ? [] : [heldOutLine(limited)],
    ...unread.length === 0 ? [] : [`  columns not read: ${keyList(unread)}`],
  ];
}

/** The table of lengths, and what packing and shared prompts save. */
function tokenLines({ lengths, tokens, packed }: LoadReport): string[] {
  const lines = [
    `  ${"tokens".padEnd(10)}    min median    90%    99%    max     mean`,
  ];
  for (const [name, found] of Object.entries(lengths)) {
    lines.push(lengthLine(name, found));
  }
  const { full, computed } = tokens;
  if (packed !== undefined) {
    const { bins, maxLength } = packed;
    const share = (full / (bins * maxLength) * 100).toFixed(1);
    lines.push(
      `  packed into ${bins} bins of ${maxLength} tokens, ${share} % full`,
    );
  }
  const saved = ((1 - computed / full) * 100).toFixed(1);
  if (computed < full) {
    lines.push(
      `  ${full} tokens, ${computed} to compute: shared prompts save ${saved} %`,
    );
  }
  return lines;
}

/** The text of one token with visible white space; a part of a character is shown by its id. */
function tokenText(id: number, tokenizer: Tokenizer): string {
  const text = tokenizer.decode([id]);
  if (text === "" || text.includes("\ufffd")) return `<${id}>`;
  return text.replaceAll(" ", "·").replaceAll("\n", "↵").replaceAll("\t", "→")
    .replaceAll("\r", "␍");
}

function tokenLine(ids: readonly number[], tokenizer: Tokenizer): string {
  return ids.map((id) => tokenText(id, tokenizer)).join("|");
}

function spans(
  label: string,
  sequence: TokenSequence,
  paint: Paint,
  tokenizer: Tokenizer,
): string[] {
  const trained = trainedSpans(sequence).flatMap(([start, end]) =>
    sequence.ids.slice(start, end)
  );
  return [
    `  ${label}, ${trained.length} tokens trained:`,
    `    ${paint(tokenizer.decode(trained)).replaceAll("\n", "\n    ")}`,
    `    ${paint(tokenLine(trained, tokenizer))}`,
  ];
}

function promptSpan(
  ids: readonly number[],
  faint: Paint,
  tokenizer: Tokenizer,
): string[] {
  return [
    `  prompt, ${ids.length} tokens:`,
    `    ${faint(tokenizer.decode(ids)).replaceAll("\n", "\n    ")}`,
    `    ${faint(tokenLine(ids, tokenizer))}`,
  ];
}

/** The lines of a pair: text and tokens of the prompt and of both answers. */
export function pairLines(
  pair: TokenPair,
  { tokenizer, color = false }: InspectOptions,
): string[] {
  const paint = (style: Paint) => color ? style : plain;
  const { chosen, rejected, sharedLength, line } = pair;
  const prompts = [chosen, rejected].map(({ ids, completionStart }) =>
    ids.slice(0, completionStart)
  );
  const [first = [], second = []] = prompts;
  const differ = first.join() === second.join()
    ? []
    : promptSpan(second, paint(dim), tokenizer);
  return [
    paint(cyan)(
      `line ${line}: ${chosen.ids.length} + ${rejected.ids.length} tokens, ${sharedLength} shared`,
    ),
    ...promptSpan(first, paint(dim), tokenizer),
    ...spans("chosen", chosen, paint(green), tokenizer),
    ...differ,
    ...spans("rejected", rejected, paint(magenta), tokenizer),
  ];
}

/** The lines of a demonstration: text and tokens of the prompt and of the answer. */
export function demonstrationLines(
  demonstration: TokenDemonstration,
  { tokenizer, color = false }: InspectOptions,
): string[] {
  const paint = (style: Paint) => color ? style : plain;
  const { ids, completionStart, line } = demonstration;
  return [
    paint(cyan)(`line ${line}: ${ids.length} tokens`),
    ...promptSpan(ids.slice(0, completionStart), paint(dim), tokenizer),
    ...spans("completion", demonstration, paint(green), tokenizer),
  ];
}

/** The lines of a judged answer: text and tokens of the prompt and of the answer. */
export function feedbackLines(
  { sequence, label, line }: TokenFeedback,
  options: InspectOptions,
): string[] {
  const { tokenizer, color = false } = options;
  const paint = (style: Paint) => color ? style : plain;
  const { ids, completionStart } = sequence;
  const style = label ? green : magenta;
  return [
    paint(cyan)(`line ${line}: ${ids.length} tokens`),
    ...promptSpan(ids.slice(0, completionStart), paint(dim), tokenizer),
    ...spans(label ? "good" : "bad", sequence, paint(style), tokenizer),
  ];
}
