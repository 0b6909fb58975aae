/**
 * The task `train` in a process that ends as by kill -9 at a call of its disk: `kill.json` in its
 * folder says at which. Where it is not killed, its last line on standard error is the number of
 * calls.
 */
import { disk, useDisk } from "../../src/files/disk.ts";
import { killingDisk, type KillMoment } from "./killing_disk.ts";

if (import.meta.main) {
  const moment: KillMoment = JSON.parse(await Deno.readTextFile("kill.json"));
  let calls = 0;
  addEventListener("unload", () => {
    Deno.stderr.writeSync(new TextEncoder().encode(`${calls}\n`));
  });
  useDisk(killingDisk(disk(), moment, {
    kill: () => Deno.kill(Deno.pid, "SIGKILL"),
    onCall: (count) => calls = count,
  }));
  await import("../../tasks/train.ts");
}
