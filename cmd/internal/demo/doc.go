// Package demo runs everything in one process: an embedded broker that speaks Kafka's protocol, a
// simulated survey that publishes to it, and the configuration of a pipeline that reads it.
//
// Guarantee: nothing outside the given folder is written, nothing listens beyond this machine, and the
// survey knows how many messages it published, so that the account can be checked from end to end.
package demo
