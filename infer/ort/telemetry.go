package ort

import (
	"fmt"
	"os"
)

// telemetryVar switches the library's telemetry off before it starts. The published libraries from
// 1.29.0 on report sessions and model files to their maker and keep a device id in the user's cache
// folder unless it is set (microsoft/onnxruntime#27379); the switch in the C interface comes too late,
// for the first report is made while the environment is created.
const telemetryVar = "ORT_DISABLE_TELEMETRY"

// silence switches telemetry off, unless the user has set the variable.
func silence() error {
	if _, set := os.LookupEnv(telemetryVar); set {
		return nil
	}
	if err := os.Setenv(telemetryVar, "1"); err != nil {
		return fmt.Errorf("ort: switch telemetry off: %w", err)
	}
	return nil
}
