/** The process's own processor time, which a shared machine disturbs less than the clock. */

/** Seconds of all threads so far; Linux only, elsewhere NaN. */
export function cpuSeconds(): number {
  if (Deno.build.os !== "linux") return NaN;
  const stat = Deno.readTextFileSync("/proc/self/stat").split(") ")[1]!;
  const fields = stat.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
