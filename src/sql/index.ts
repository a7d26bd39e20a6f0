/**
 * The policies around Effect's `SqlClient`.
 */
export * as ResilientSql from "./ResilientSql.ts"
