/**
 * Registers a test with the permissions that it names, "none" if it names none. A test whose
 * permissions `deno test` was not given is skipped by its name: it neither fails nor asks for them.
 * A long test runs by `deno task test:long` only, and is skipped by its name otherwise. Every test
 * is watched for operations and resources that it leaves open.
 */

/** Whether long tests run. This is the only place that asks. */
const RUNS_LONG = Deno.args.includes("--long");

/** What a test may touch: nothing, or the paths, hosts, programs and variables that it names. */
export type Permissions = "none" | Deno.PermissionOptionsObject;

/** How a test runs. */
export interface TestOptions {
  readonly permissions?: Permissions;
  readonly ignore?: boolean;
  /** Whether the test takes so long that it runs before an issue is closed, not at each change. */
  readonly long?: boolean;
  readonly sanitizeOps?: boolean;
  readonly sanitizeResources?: boolean;
}

/** A test with its name and its body in one object. */
export interface NamedTest extends TestOptions {
  readonly name: string;
  readonly fn: TestBody;
}

/** What a test does. */
export type TestBody = (context: Deno.TestContext) => void | Promise<void>;

/** The queries that tell whether all of `value` is granted, such as each path of a list. */
function queries(
  name: string,
  value: boolean | "inherit" | readonly (string | URL)[],
): Deno.PermissionDescriptor[] {
  const key: Readonly<Record<string, string>> = {
    read: "path",
    write: "path",
    ffi: "path",
    net: "host",
    import: "host",
    run: "command",
    env: "variable",
    sys: "kind",
  };
  if (value === false || value === "inherit") return [];
  const each = value === true ? [{}] : value.map((one) => ({
    [key[name]!]: one,
  }));
  return each.map((one) => ({ name, ...one }) as Deno.PermissionDescriptor);
}

/** Whether `deno test` was given all of these permissions; it is not asked for them. */
export function isGranted(permissions: Permissions): boolean {
  if (permissions === "none") return true;
  return Object.entries(permissions)
    .flatMap(([name, value]) => queries(name, value))
    .every((query) => Deno.permissions.querySync(query).state === "granted");
}

/** Registers a test; see the head of this file. */
export function test(name: string, body: TestBody): void;
export function test(name: string, options: TestOptions, body: TestBody): void;
export function test(whole: NamedTest): void;
export function test(
  first: string | NamedTest,
  second: TestOptions | TestBody = {},
  third?: TestBody,
): void {
  const named: NamedTest = typeof first !== "string"
    ? first
    : typeof second === "function"
    ? { name: first, fn: second }
    : { ...second, name: first, fn: third! };
  const { permissions = "none", ignore = false, long = false, ...rest } = named;
  const isSkipped = ignore || (long && !RUNS_LONG) || !isGranted(permissions);
  Deno.test({
    sanitizeOps: true,
    sanitizeResources: true,
    ...rest,
    name: long ? `long: ${rest.name}` : rest.name,
    permissions,
    ignore: isSkipped,
  });
}
