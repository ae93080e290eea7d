// Package telemetry tells operators how a run is doing: Prometheus metrics at /metrics, liveness at
// /healthz and readiness at /readyz.
//
// Guarantee: metrics are read from the pipeline's own account when they are asked for, so they can
// never disagree with the summary printed at the end; every series exists from the start, at zero.
package telemetry
