/** What `setup.sh --with` brings, and what tests do where it is not there. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { PROGRAMS, programTest, withProgram } from "./needed_program.ts";
import { test } from "./test_case.ts";

const ROOT = fromFileUrl(new URL("..", import.meta.url));

/** The names and the options of the steps that a body registers. */
async function stepsOf(
  body: (context: Deno.TestContext) => Promise<unknown>,
): Promise<Deno.TestStepDefinition[]> {
  const steps: Deno.TestStepDefinition[] = [];
  const step = async (definition: Deno.TestStepDefinition) => {
    steps.push(definition);
    if (!definition.ignore) await definition.fn({} as Deno.TestContext);
    return true;
  };
  await body({ step } as unknown as Deno.TestContext);
  return steps;
}

test("withProgram() runs its step where the program is there", {
  permissions: { run: ["deno"] },
}, async () => {
  let ran = 0;
  const [step] = await stepsOf((context) =>
    withProgram(context, { name: "deno", program: "deno" }, () => void ran++)
  );
  assertEquals([step!.ignore, step!.name, ran], [false, "with deno", 1]);
});

test(
  "withProgram() skips its step by a name that says how to get the program",
  {
    permissions: { run: ["no-such-program"] },
  },
  async () => {
    const needed = { name: "chromium", program: "no-such-program" };
    const [step] = await stepsOf((context) =>
      withProgram(context, needed, () => {
        throw new Error("ran");
      })
    );
    assertEquals([step!.ignore, step!.name], [
      true,
      "skipped: chromium is not there, sh setup.sh --with=chromium",
    ]);
  },
);

test(
  "setup.sh --with= refuses unknown names with the list of those that it knows",
  {
    permissions: { read: [ROOT], run: ["sh"] },
  },
  async () => {
    const { code, stderr } = await new Deno.Command("sh", {
      args: ["setup.sh", "--with=mpi,netscape"],
      cwd: ROOT,
    }).output();
    const said = new TextDecoder().decode(stderr);
    assertEquals(code, 1);
    assertStringIncludes(said, 'cannot install "netscape"');
    for (const name of Object.keys(PROGRAMS)) assertStringIncludes(said, name);
  },
);

programTest(
  "mpi",
  "mpirun starts processes that know their ranks",
  async () => {
    const printed = await new Deno.Command("mpirun", {
      args: [
        "--allow-run-as-root",
        "--oversubscribe",
        "-n",
        "2",
        "sh",
        "-c",
        "echo $OMPI_COMM_WORLD_RANK of $OMPI_COMM_WORLD_SIZE",
      ],
    }).output();
    const lines = new TextDecoder().decode(printed.stdout).trim().split("\n");
    assertEquals(lines.sort(), ["0 of 2", "1 of 2"]);
  },
);

programTest("chromium", "chromium runs a module of a page", async () => {
  const page =
    "<body><script type=module>document.body.textContent = 6 * 7</script>";
  const { stdout } = await new Deno.Command("chromium", {
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--dump-dom",
      `data:text/html,${encodeURIComponent(page)}`,
    ],
    stderr: "null",
  }).output();
  assert(/<body>42<\/body>/.test(new TextDecoder().decode(stdout)));
});
