/**
 * The policies around Effect's `Redis` service.
 */
export * as ResilientRedis from "./ResilientRedis.ts"
