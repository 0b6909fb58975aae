/**
 * What the process has taken: processor time, which a shared machine disturbs less than the clock,
 * and memory.
 */
import { cpuUsage, resourceUsage } from "node:process";

/** Seconds of all threads so far. */
export function cpuSeconds(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1e6;
}

/** Most bytes that the process held so far; on a software adapter the device's are among them. */
export function peakProcessBytes(): number {
  return resourceUsage().maxRSS * 1024;
}
