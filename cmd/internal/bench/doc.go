// Package bench measures what a cutout costs: stage by stage on one thread, and from Kafka to durable
// files with commits.
//
// Guarantee: CPU is what the operating system charges (user and system time, the kernel's copies
// included), never wall time; payloads are distinct, so that no predictor learns them; and everything
// measured is also counted, so that a stage that did nothing cannot look fast.
package bench
