//go:build !race

package fits

const raceDetector = false
