// Package spelling finds the word that somebody meant, for the error messages of configuration files and
// recipes.
package spelling

// longest bounds the work on a hostile word: only so many bytes of it are compared.
const longest = 64

// Nearest returns the candidate closest to a mistyped word, the first of equals, or "" when none is close:
// up to a third of its letters and one more may differ.
func Nearest(word string, candidates []string) string {
	word = word[:min(len(word), longest)]
	best, limit := "", len(word)/3+2
	for _, c := range candidates {
		if d := distance(word, c); d < limit {
			best, limit = c, d
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
