/**
 * A folder for one test that is gone at its end: `await using folder = await temporaryFolder()`.
 * Tests that use it name `TEMPORARY` in their permissions, not the whole disk.
 */
import { join } from "@std/path";

/** The folder under which all temporary folders lie. */
export const TEMPORARY: string = Deno.makeTempDirSync({ prefix: "tiebreak-" });

addEventListener(
  "unload",
  () => Deno.removeSync(TEMPORARY, { recursive: true }),
);

/** An empty folder below `TEMPORARY`, removed when it is disposed of. */
export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
  /** The path of a file in it. */
  file(name: string): string;
  /** Writes a file into it and gives its path. */
  write(name: string, data: string | Uint8Array): Promise<string>;
}

/** Makes an empty folder for a test. */
export async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await Deno.makeTempDir({ dir: TEMPORARY });
  const file = (name: string) => join(path, name);
  return {
    path,
    file,
    async write(name, data) {
      const text = typeof data === "string";
      await Deno.writeFile(
        file(name),
        text ? new TextEncoder().encode(data) : data,
      );
      return file(name);
    },
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}
