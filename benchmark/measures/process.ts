/**
 * Programs in processes of their own, so that nothing else moves their heap or has loaded their modules.
 */
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

/** Runs a program of `benchmark/programs`, and reads the JSON that it prints. */
export const run = async <A>(program: string, args: ReadonlyArray<string>): Promise<A> => {
  const path = fileURLToPath(new URL(`../programs/${program}`, import.meta.url))
  const flags = ["--expose-gc", "--conditions=effect-resilience-source", path, ...args]
  const { stdout } = await promisify(execFile)(process.execPath, flags)
  return JSON.parse(stdout) as A
}
