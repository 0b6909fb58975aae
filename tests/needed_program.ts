/**
 * Tests that need a program which is not part of every system. `sh setup.sh --with=NAME` brings
 * it; without it, a step of the test is skipped by a name that says so.
 */
import { test } from "./test_case.ts";

/** What `setup.sh --with=` brings, and the program by which it is known to be there. */
export const PROGRAMS = { chromium: "chromium", mpi: "mpirun" } as const;

async function answers(program: string): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(program, {
      args: ["--version"],
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Runs `body` as a step if `program` is there, and skips the step by a name that says how to get
 * it.
 */
export async function withProgram(
  context: Deno.TestContext,
  { name, program }: { readonly name: string; readonly program: string },
  body: () => void | Promise<void>,
): Promise<boolean> {
  const isThere = await answers(program);
  return await context.step({
    name: isThere
      ? `with ${name}`
      : `skipped: ${name} is not there, sh setup.sh --with=${name}`,
    ignore: !isThere,
    fn: async () => await body(),
  });
}

/** Registers a test that needs one of `PROGRAMS`. */
export function programTest(
  needed: keyof typeof PROGRAMS,
  name: string,
  body: () => void | Promise<void>,
  { read = [], write = [], run = [] }: {
    readonly read?: readonly string[];
    readonly write?: readonly string[];
    readonly run?: readonly string[];
  } = {},
): void {
  const program = PROGRAMS[needed];
  test({
    name,
    permissions: {
      read: [...read],
      write: [...write],
      run: [program, ...run],
    },
    async fn(context) {
      await withProgram(context, { name: needed, program }, body);
    },
  });
}
