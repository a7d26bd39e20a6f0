/**
 * Telemetry of all policies of an application.
 */
export * as Metrics from "./Metrics.ts"
export * as Spans from "./Spans.ts"
export * as Logs from "./Logs.ts"
export * as Alerts from "./Alerts.ts"
export * as SlackAlerts from "./SlackAlerts.ts"
