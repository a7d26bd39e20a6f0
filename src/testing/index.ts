/**
 * What tests of resilient programs need.
 */
export * as Laws from "./Laws.ts"
export * as RecordedEvents from "./RecordedEvents.ts"
export * as ScriptedService from "./ScriptedService.ts"
export * as Structure from "./Structure.ts"
