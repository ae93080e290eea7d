// Package leapsecond knows by how many whole seconds TAI is ahead of UTC.
package leapsecond

import "time"

// first is what the first entry of the table stands for; each later entry is one second more.
const first = 10

// steps are the UTC midnights, in Unix seconds, from which TAI is first, first+1, ... seconds ahead: IERS
// Bulletin C since leap seconds began in 1972. None has been announced after that of 2017.
var steps = [...]int64{
	63072000, 78796800, 94694400, 126230400, 157766400, 189302400, 220924800, 252460800, 283996800, 315532800,
	362793600, 394329600, 425865600, 489024000, 567993600, 631152000, 662688000, 709948800, 741484800, 773020800,
	820454400, 867715200, 915148800, 1136073600, 1230768000, 1341100800, 1435708800, 1483228800,
}

// TAIMinusUTC returns TAI - UTC at a moment given by its TAI clock reading, written as if it were UTC. It
// is zero before 1972, when UTC was not yet stepped in whole seconds.
func TAIMinusUTC(tai time.Time) time.Duration {
	for i := len(steps) - 1; i >= 0; i-- {
		ahead := int64(first + i)
		if tai.Unix()-ahead >= steps[i] {
			return time.Duration(ahead) * time.Second
		}
	}
	return 0
}
