/**
 * The loop over the reduction in the text of a product for GPUs: words of both operands through workgroup memory, then
 * every multiply-add. Writes WGSL; what surrounds the loop is written in product_tile_text.ts.
 */
import { type TileMode, tileOutputs, type TileSize } from "./tile_size.ts";

const LANES = 256;

/** Words of k of a pair, added to the sums. */
export function sumOver(
  mode: TileMode,
  size: TileSize,
  pair: "" | "more_",
  ...[first, end]: [first: string, end: string]
): string {
  const { words } = size;
  return `  for (var word = ${first}; word < ${end}; word += ${words}) {
${loads(mode, size, pair)}
    workgroupBarrier();
${eachWord(mode, size)}
    workgroupBarrier();
  }`;
}

function eachWord(mode: TileMode, size: TileSize): string {
  const body = products(mode, size);
  return size.unrolled
    ? lines(
      upTo(size.words),
      (w) => `    {\n      let w = ${w}u;\n${body}\n    }`,
    )
    : `    for (var w = 0u; w < ${size.words}; w++) {\n${body}\n    }`;
}

/** A line for each item. */
export function lines<T>(
  items: readonly T[],
  line: (item: T, i: number) => string,
): string {
  return items.map(line).join("\n");
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** Four neighbouring sums each: `s<row>_<quad of columns>`. */
export function sumNames({ rows, cols }: TileSize): string[] {
  return upTo(rows).flatMap((row) =>
    upTo(cols / 4).map((quad) => `s${row}_${quad}`)
  );
}

/**
 * Eight lanes store eight words in one go, of the same column of banks if words of a row lay a tile's height apart:
 * a row's place is turned by its word, so that they meet eight columns of banks; and reads stay neighbours.
 */
function place({ words }: TileSize, row: string, word: string): string {
  return `(${row} ^ (${8 / words} * (${word})))`;
}

/** Neighbouring lanes load neighbouring words of a row. */
function loads(
  mode: TileMode,
  size: TileSize,
  pair: "" | "more_",
): string {
  const [tileRows, tileCols] = tileOutputs(size);
  const { words } = size;
  const along = (name: "a" | "b", height: number) =>
    lines(upTo(height * words / LANES), (i) => {
      const row = `(lane / ${words} + ${i * LANES / words})`;
      const word = `lane % ${words}`;
      const first = name === "a" ? "row0" : "col0";
      return `    ${name}_tile[${word} * ${height} + ${
        place(size, row, word)
      }] = ${pair}${name}_at(${first} + ${row}, word + ${word});`;
    });
  const wide = tileCols / 4;
  const across = () =>
    lines(
      upTo(4 * words * wide / LANES),
      (i) =>
        `    b_tile[lane + ${
          i * LANES
        }] = ${pair}b_at(4 * word + lane / ${wide} + ${
          i * LANES / wide
        }, col0 / 4 + lane % ${wide});`,
    );
  return [
    along("a", tileRows),
    mode === "nt" ? along("b", tileCols) : across(),
  ].join("\n");
}

/** Four k of all sums of an invocation: one fused multiply-add for each product, no sum of its own for the four. */
function products(mode: TileMode, size: TileSize): string {
  const [tileRows, tileCols] = tileOutputs(size);
  const quads = upTo(size.cols / 4);
  const own = [
    `let y = ${place(size, "local.y", "w")};`,
    ...(mode === "nt" ? [`let x = ${place(size, "local.x", "w")};`] : []),
  ];
  const b = quads.flatMap((quad) =>
    mode === "nt"
      ? turnedQuad(quad, tileCols)
      : upTo(4).map((k) =>
        `let b${quad}_${k} = b_tile[(4 * w + ${k}) * ${
          tileCols / 4
        } + local.x + ${16 * quad}];`
      )
  );
  const sums = upTo(size.rows).flatMap((row) => [
    `let a${row} = a_tile[w * ${tileRows} + y + ${16 * row}];`,
    ...quads.flatMap((quad) =>
      upTo(4).map((k) => {
        const sum = `s${row}_${quad}`;
        return `${sum} = fma(vec4f(a${row}.${
          "xyzw"[k]
        }), b${quad}_${k}, ${sum});`;
      })
    ),
  ]);
  return lines([...own, ...b, ...sums], (line) => `      ${line}`);
}

/** Words of four columns, turned into four columns of each k. */
function turnedQuad(quad: number, tileCols: number): string[] {
  const words = upTo(4).map((j) => `n${4 * quad + j}`);
  return [
    ...words.map((word, j) =>
      `let ${word} = b_tile[w * ${tileCols} + x + ${16 * (4 * quad + j)}];`
    ),
    ...upTo(4).map((k) =>
      `let b${quad}_${k} = vec4f(${
        words.map((word) => `${word}.${"xyzw"[k]}`).join(", ")
      });`
    ),
  ];
}
