package milvus

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"text/scanner"
)

// evaluator decides the part of Milvus's boolean expressions that this package writes, for one row:
// comparisons of a field with a literal, and, or, parentheses. "and" binds closer than "or". String
// literals follow the rules of Go, which a real server uses too.
type evaluator struct {
	tokens []string
	row    fakeRow
}

// evaluate reports whether an expression holds for a row; the empty one does.
func evaluate(expr string, row fakeRow) (bool, error) {
	if expr == "" {
		return true, nil
	}
	tokens, err := tokenize(expr)
	if err != nil {
		return false, err
	}
	e := &evaluator{tokens: tokens, row: row}
	ok, err := e.disjunction()
	if err == nil && len(e.tokens) > 0 {
		err = fmt.Errorf("%q left over", e.tokens)
	}
	return ok, err
}

// tokenize splits an expression into names, literals with their sign, operators and parentheses.
func tokenize(expr string) ([]string, error) {
	var s scanner.Scanner
	var failure error
	s.Init(strings.NewReader(expr))
	s.Mode = scanner.ScanIdents | scanner.ScanInts | scanner.ScanFloats | scanner.ScanStrings
	s.Error = func(_ *scanner.Scanner, msg string) { failure = fmt.Errorf("%s in %q", msg, expr) }
	var out []string
	for token := s.Scan(); token != scanner.EOF; token = s.Scan() {
		word := s.TokenText()
		switch {
		case strings.ContainsAny(word, "<>=!") && s.Peek() == '=', word == "-":
			s.Scan()
			word += s.TokenText()
		}
		out = append(out, word)
	}
	return out, failure
}

func (e *evaluator) next() string {
	if len(e.tokens) == 0 {
		return ""
	}
	token := e.tokens[0]
	e.tokens = e.tokens[1:]
	return token
}

func (e *evaluator) peek() string {
	if len(e.tokens) == 0 {
		return ""
	}
	return e.tokens[0]
}

func (e *evaluator) disjunction() (bool, error) {
	result, err := e.conjunction()
	for err == nil && e.peek() == "or" {
		e.next()
		var right bool
		right, err = e.conjunction()
		result = result || right
	}
	return result, err
}

func (e *evaluator) conjunction() (bool, error) {
	result, err := e.term()
	for err == nil && e.peek() == "and" {
		e.next()
		var right bool
		right, err = e.term()
		result = result && right
	}
	return result, err
}

func (e *evaluator) term() (bool, error) {
	if e.peek() == "(" {
		e.next()
		result, err := e.disjunction()
		if err == nil && e.next() != ")" {
			err = fmt.Errorf("parenthesis not closed")
		}
		return result, err
	}
	name, operator, literal := e.next(), e.next(), e.next()
	order, err := compareValue(e.row[name], literal)
	if err != nil {
		return false, fmt.Errorf("%s %s %s: %w", name, operator, literal, err)
	}
	switch operator {
	case "==":
		return order == 0, nil
	case "!=":
		return order != 0, nil
	case ">=":
		return order >= 0, nil
	case "<=":
		return order <= 0, nil
	case "<":
		return order < 0, nil
	}
	return false, fmt.Errorf("operator %q", operator)
}

// compareValue orders a field's value against a literal, in the field's type as segcore does.
func compareValue(value any, literal string) (int, error) {
	switch v := value.(type) {
	case string:
		s, err := strconv.Unquote(literal)
		return strings.Compare(v, s), err
	case int64:
		n, err := strconv.ParseInt(literal, 10, 64)
		return cmp.Compare(v, n), err
	case float32:
		x, err := strconv.ParseFloat(literal, 64)
		return cmp.Compare(v, float32(x)), err
	case float64:
		x, err := strconv.ParseFloat(literal, 64)
		return cmp.Compare(v, x), err
	}
	return 0, fmt.Errorf("field not exist")
}
