/**
 * What keeps this process alive.
 */

/** How many resources there are whose name contains a text: "Timeout", "TCP". */
export const activeResources = (name: string): number =>
  process.getActiveResourcesInfo().filter((resource) => resource.includes(name)).length
