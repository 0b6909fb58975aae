/**
 * Finds the columns that `columns` maps and that no row has: a name that is misspelt would else be
 * passed over in silence.
 */
import { keyList } from "../formats/turns.ts";
import type { DataSource } from "./data_source.ts";
import type { SourceRow } from "./dataset_rows.ts";

type Columns = Readonly<Record<string, string>>;

const SHOWN = 20;

function absent(columns: Columns, found: ReadonlySet<string>): string[] {
  return Object.entries(columns).filter(([, column]) => !found.has(column))
    .map(([key, column]) => `"${column}" (for "${key}")`);
}

function refuse(
  where: string,
  columns: Columns,
  found: ReadonlySet<string>,
): void {
  const missing = absent(columns, found);
  if (missing.length === 0) return;
  const rest = found.size > SHOWN ? `, and ${found.size - SHOWN} more` : "";
  throw new TypeError(
    `Cannot read ${where}: "columns" names ${
      missing.join(", ")
    }, which no row has, found columns ${
      keyList([...found].slice(0, SHOWN))
    }${rest}`,
  );
}

/** The columns of the rows of each source. */
export class MappedColumns {
  readonly #found = new Map<DataSource, Set<string>>();

  /** Takes in the columns of a row. */
  see({ source, value }: SourceRow): void {
    const found = this.#found.get(source) ?? new Set();
    this.#found.set(source, found);
    for (const column of Object.keys(value)) found.add(column);
  }

  /**
   * @param columns the mapping of all sources; each column must be in one of them
   * @throws {TypeError} naming the columns that no row has
   */
  refuseAbsent(columns: Columns): void {
    if (this.#found.size === 0) return;
    for (const [source, found] of this.#found) {
      refuse(`"${source.path}"`, source.columns ?? {}, found);
    }
    const all = new Set([...this.#found.values()].flatMap((set) => [...set]));
    const paths = [...this.#found.keys()].map(({ path }) => path);
    refuse(keyList(paths), columns, all);
  }
}
