/**
 * The page of the keys of other tools' recipes: what import-recipe makes of each, found by
 * translating it, so that the page cannot fall behind the rules.
 */
import {
  type Found,
  outcomeOf,
  readToolKeys,
  type ToolKeys,
} from "../training/importing/key_outcomes.ts";

const OUTCOMES = ["served", "refused", "ignored"] as const;

interface Row {
  readonly key: string;
  /** The first of OUTCOMES that some value of the key has. */
  readonly outcome: string;
  readonly becomes: string;
}

const code = (text: string) => `\`${text}\``;

/** What becomes of a key: its options, then what is said of single values. */
function becomes(values: readonly (readonly [unknown, Found])[]): string {
  const options = values.flatMap(([, { outcome, as }]) =>
    outcome === "served" ? Object.keys(as) : []
  ).map((name) => name.replace(/\[\d+\]/g, "[]"));
  const said = Map.groupBy(
    values.filter(([, { reason }]) => reason !== ""),
    ([, { outcome, reason }]) =>
      outcome === "refused" && options.length > 0
        ? `refused: ${reason}`
        : reason,
  );
  const reasons = [...said].map(([reason, of]) =>
    said.size === 1 && of.length === values.length
      ? reason
      : `${of.map(([value]) => code(short(value))).join(", ")} ${reason}`
  );
  return [[...new Set(options)].map(code).join(", "), ...reasons]
    .filter((part) => part !== "").join("; ").replaceAll("|", "\\|");
}

function short(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length < 40 ? text : `${text.slice(0, 37)}...`;
}

async function rowsOf(keys: ToolKeys): Promise<Row[]> {
  const found = await Promise.all(
    keys.cases.map(async (one) => [one, await outcomeOf(keys, one)] as const),
  );
  return [...Map.groupBy(found, ([{ key }]) => key)].map(([key, all]) => ({
    key,
    outcome:
      OUTCOMES.find((one) => all.some(([, { outcome }]) => outcome === one)) ??
        "unknown",
    becomes: becomes(all.map(([{ value }, result]) => [value, result])),
  }));
}

function table(head: readonly string[], rows: readonly string[][]): string {
  return [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** The counts by tool, then each tool's keys. */
export async function recipeKeys(): Promise<string> {
  const tools = await Promise.all(
    readToolKeys().map(async (keys) => ({
      tool: keys.tool,
      rows: await rowsOf(keys),
    })),
  );
  const counts = tools.map(({ tool, rows }) => [
    tool,
    `${rows.length}`,
    ...[...OUTCOMES, "unknown"].map((name) =>
      `${rows.filter(({ outcome }) => outcome === name).length}`
    ),
  ]);
  const parts = tools.map(({ tool, rows }) => {
    const lines = rows.map((row) => [code(row.key), row.outcome, row.becomes]);
    return `## ${tool}\n\n${table(["key", "", "option, or why not"], lines)}`;
  });
  return [
    table(["tool", "keys", ...OUTCOMES, "unknown"], counts),
    ...parts,
  ].join("\n\n");
}
