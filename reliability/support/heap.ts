/**
 * The heap, after garbage collection. Needs `node --expose-gc`.
 */

/** What is in use. */
export const usedBytes = (): number => {
  if (globalThis.gc === undefined) throw new Error("node runs without --expose-gc")
  // What a finalizer lets go of is collected by the next round.
  for (let round = 0; round < 3; round++) globalThis.gc()
  return process.memoryUsage().heapUsed
}

/** Bytes as megabytes. */
export const megabytes = (bytes: number): number => bytes / 1e6
