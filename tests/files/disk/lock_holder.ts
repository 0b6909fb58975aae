/** Locks the folder named as argument and says so, and then waits to be ended. */
// deno-lint-ignore-file no-console
import { lockFolder } from "../../../src/files/disk/lock.ts";

await using _lock = await lockFolder(Deno.args[0]!);
console.log("held");
await new Promise((resolve) => setTimeout(resolve, 60_000));
