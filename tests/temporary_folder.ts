/**
 * A folder for one test that is gone at its end: `await using folder = await temporaryFolder()`.
 * Tests that use it name `TEMPORARY` in their permissions, not the whole disk. Nothing is made
 * before the first test asks for a folder.
 */
import { join } from "@std/path";
import { isGranted } from "./test_case.ts";

/** The system's folder for temporary files, as far as the environment may be asked for it. */
function systemFolder(): string {
  const names = ["TMPDIR", "TEMP", "TMP"];
  const found = isGranted({ env: names })
    ? names.map((name) => Deno.env.get(name))
    : [];
  return found.find((path) => path) ?? "/tmp";
}

/** The folder under which all temporary folders of a test file lie. */
export const TEMPORARY: string = join(
  systemFolder(),
  `tiebreak-${crypto.randomUUID()}`,
);

let isMade = false;

addEventListener("unload", () => {
  if (isMade) Deno.removeSync(TEMPORARY, { recursive: true });
});

/** An empty folder below `TEMPORARY`, removed when it is disposed of. */
export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
  /** The path of a file in it. */
  file(name: string): string;
  /** Writes a file into it and gives its path. */
  write(name: string, data: string | Uint8Array): Promise<string>;
}

/** Makes an empty folder that stays until the test file ends. */
export function makeTemporary(): string {
  Deno.mkdirSync(TEMPORARY, { recursive: true });
  isMade = true;
  return Deno.makeTempDirSync({ dir: TEMPORARY });
}

/** Makes an empty folder for a test. */
export function temporaryFolder(): Promise<TemporaryFolder> {
  const path = makeTemporary();
  const file = (name: string) => join(path, name);
  return Promise.resolve({
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
  });
}
