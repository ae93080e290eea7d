package index

// topK keeps the k best candidates: a binary heap with the worst on top, so that most offers end at one
// comparison.
type topK struct {
	k     int
	items []candidate
}

// worse reports whether a ranks behind b.
func worse(a, b candidate) bool { return compare(a, b) > 0 }

// offer takes the candidate when it is among the k best so far.
func (t *topK) offer(c candidate) {
	switch {
	case len(t.items) < t.k:
		t.items = append(t.items, c)
		t.up(len(t.items) - 1)
	case worse(t.items[0], c):
		t.items[0] = c
		t.down()
	}
}

func (t *topK) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !worse(t.items[i], t.items[parent]) {
			return
		}
		t.items[i], t.items[parent] = t.items[parent], t.items[i]
		i = parent
	}
}

func (t *topK) down() {
	for i := 0; ; {
		worst := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(t.items); child++ {
			if worse(t.items[child], t.items[worst]) {
				worst = child
			}
		}
		if worst == i {
			return
		}
		t.items[i], t.items[worst] = t.items[worst], t.items[i]
		i = worst
	}
}
