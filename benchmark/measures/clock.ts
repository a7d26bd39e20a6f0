/**
 * Time that nobody else on the machine can lengthen: that of the processor, spent in this process, collections included.
 */
export const processorMillis = (): number => {
  const { system, user } = process.cpuUsage()
  return (user + system) / 1_000
}

/** How long something takes the processor. */
export const millisOf = async (run: () => Promise<unknown>): Promise<number> => {
  const began = processorMillis()
  await run()
  return processorMillis() - began
}
