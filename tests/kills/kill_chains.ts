/**
 * Chains of kills: a run is killed, goes on from its last checkpoint, is killed again, until it
 * ends; its end is compared with the one of the run that nobody killed. Seeded; knows no recipe.
 */
import { Random } from "../../src/base/random.ts";
import {
  type Ended,
  endOf,
  type Kill,
  killScene,
  RECIPES,
  runOf,
  trainUntil,
} from "./kill_scene.ts";

/** What became of one chain. */
export interface Chain {
  readonly recipe: string;
  readonly by: "call" | "clock";
  readonly kills: readonly Kill[];
  /** What differs from the unbroken run, or how a start failed; empty if it is as it should be. */
  readonly faults: readonly string[];
}

/** A run that nobody killed. */
interface Unbroken {
  readonly end: Record<string, string>;
  /** Calls of the disk in all. */
  readonly calls: number;
  /** Milliseconds of the task as it is, from its start to its end. */
  readonly time: number;
}

async function unbroken(recipe: string): Promise<Unbroken> {
  await using folder = await killScene(recipe);
  const counted = await trainUntil(folder, undefined);
  if (counted.code !== 0) throw new Error(counted.lines.join("\n"));
  const end = await endOf(runOf(folder));
  await Deno.remove(folder.file("output"), { recursive: true });
  await Deno.remove(folder.file(".cache"), { recursive: true });
  await Deno.mkdir(folder.file("output"));
  const { time } = await trainUntil(folder, { after: 600_000 });
  return { end, calls: Number(counted.lines.at(-1)), time };
}

/**
 * Kills so often, in chains that take turns in recipe and way.
 *
 * @param onChain hears of each chain as it ends
 */
export async function killChains(
  { seed, kills }: { readonly seed: number; readonly kills: number },
  onChain: (chain: Chain) => void = () => {},
): Promise<Chain[]> {
  const random = new Random(seed);
  const chains: Chain[] = [];
  const known = new Map<string, Unbroken>();
  const names = Object.keys(RECIPES);
  let left = kills;
  while (left > 0) {
    const turn = chains.length;
    const recipe = names[turn % names.length]!;
    const by = Math.floor(turn / names.length) % 2 === 0 ? "call" : "clock";
    const wanted = known.get(recipe) ?? await unbroken(recipe);
    known.set(recipe, wanted);
    const chain = await oneChain({ recipe, by, wanted, most: left, random });
    left -= chain.kills.length;
    chains.push(chain);
    onChain(chain);
  }
  return chains;
}

async function oneChain({ recipe, by, wanted, most, random }: {
  readonly recipe: string;
  readonly by: Chain["by"];
  readonly wanted: Unbroken;
  readonly most: number;
  readonly random: Random;
}): Promise<Chain> {
  await using folder = await killScene(recipe);
  const kills: Kill[] = [];
  let ended: Ended;
  do {
    const kill = kills.length === most ? undefined : draw(by, wanted, random);
    ended = await trainUntil(folder, kill);
    if (ended.killed && kill) kills.push(kill);
  } while (ended.killed);
  const faults = ended.code === 0
    ? differences(await endOf(runOf(folder)), wanted.end)
    : [`exit code ${ended.code}: ${ended.lines.join(" | ")}`];
  return { recipe, by, kills, faults };
}

function draw(by: Chain["by"], { calls, time }: Unbroken, random: Random) {
  if (by === "clock") return { after: Math.round(time * random.float()) };
  const when = (["before", "half", "after"] as const)[random.below(3)]!;
  return { at: 1 + random.below(calls), when };
}

function differences(
  found: Record<string, string>,
  wanted: Record<string, string>,
): string[] {
  const names = new Set([...Object.keys(found), ...Object.keys(wanted)]);
  return [...names].sort().filter((name) => found[name] !== wanted[name]).map(
    (name) =>
      found[name] === undefined
        ? `${name} is missing`
        : wanted[name] === undefined
        ? `${name} is left over`
        : `${name} has other bytes`,
  );
}

/** A chain in one line. */
export function chainLine({ recipe, by, kills, faults }: Chain): string {
  const places = kills.map((kill) =>
    "after" in kill ? `${kill.after} ms` : `${kill.when} ${kill.at}`
  );
  const end = faults.length === 0 ? "end equal" : faults.join("; ");
  return `${recipe}, by ${by}: ${places.join(", ") || "no kill"}: ${end}`;
}

/** All chains in one line. */
export function chainsLine(chains: readonly Chain[], seed: number): string {
  const count = (of: readonly Chain[]) =>
    of.reduce((sum, { kills }) => sum + kills.length, 0);
  const byCall = count(chains.filter(({ by }) => by === "call"));
  const right = chains.filter(({ faults }) => faults.length === 0);
  return `seed ${seed}: ${count(chains)} kills (${byCall} at a call, ${
    count(chains) - byCall
  } by the clock), ${chains.length} chains, ${right.length} ends equal`;
}
