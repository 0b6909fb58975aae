/**
 * Text of a file as a stream: UTF-8, gunzipped where the name ends in `.gz`, without a byte order mark.
 */

/**
 * The text of a file in pieces.
 *
 * @throws Deno.errors.NotFound if there is no such file, SyntaxError if it is not UTF-8 or not gzip.
 */
export async function* textPieces(path: string): AsyncGenerator<string> {
  const file = await Deno.open(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Deno.errors.NotFound(`Cannot read "${path}": no such file`);
  });
  const zipped = path.endsWith(".gz");
  const bytes = zipped
    ? file.readable.pipeThrough(new DecompressionStream("gzip"))
    : file.readable;
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    for await (const piece of bytes) {
      yield decoder.decode(piece, { stream: true });
    }
    yield decoder.decode();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const wanted = zipped ? "gzipped UTF-8 text" : "UTF-8 text";
    throw new SyntaxError(
      `Cannot read "${path}": ${error.message}, wanted ${wanted}`,
    );
  }
}

/** The lines of a file, without their ends (LF or CRLF), counted from 1. */
export async function* textLines(
  path: string,
): AsyncGenerator<{ line: number; text: string }> {
  let line = 0;
  let rest = "";
  for await (const piece of textPieces(path)) {
    const parts = piece.split("\n");
    parts[0] = rest + parts[0]!;
    rest = parts.pop()!;
    for (const part of parts) yield { line: ++line, text: chomp(part) };
  }
  if (rest !== "") yield { line: ++line, text: chomp(rest) };
}

const chomp = (text: string) => text.endsWith("\r") ? text.slice(0, -1) : text;
