/** The process's own processor time, which a shared machine disturbs less than the clock. */
import { cpuUsage } from "node:process";

/** Seconds of all threads so far. */
export function cpuSeconds(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1e6;
}
