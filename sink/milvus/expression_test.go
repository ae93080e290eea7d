package milvus

// oddLabels are texts that a filter's string literal must survive.
var oddLabels = []string{
	"plain", `q"uote`, `back\slash`, `\"`, "new\nline", "nul\x00x", "Δ-星系", "\U0001F600", "tab\t", "sq'", "%d",
	"\u2028", "\x7f", "\a\b\v", "soft\u00adhyphen", `" or dec >= -91 or label == "`,
}
