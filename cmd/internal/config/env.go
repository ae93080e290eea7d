package config

import (
	"reflect"
	"strings"
)

// EnvPrefix starts the name of every environment variable that overrides a key.
const EnvPrefix = "GALAXALIGN_"

// applyEnv overrides single-valued keys from the environment: "source.kafka.sasl.password" is
// GALAXALIGN_SOURCE_KAFKA_SASL_PASSWORD. A list takes its items separated by commas.
func (b *binder) applyEnv(dst any, lookup func(string) (string, bool)) {
	b.envStruct(reflect.ValueOf(dst).Elem(), "", lookup)
}

func (b *binder) envStruct(v reflect.Value, key string, lookup func(string) (string, bool)) {
	for i := range v.NumField() {
		path := join(key, v.Type().Field(i).Tag.Get("yaml"))
		field := v.Field(i)
		if field.Kind() == reflect.Struct {
			b.envStruct(field, path, lookup)
			continue
		}
		name := EnvName(path)
		text, ok := lookup(name)
		if !ok {
			continue
		}
		if err := setEnv(field, text); err != nil {
			b.faults = append(b.faults, Fault{Key: path, Problem: "from " + name + ": " + err.Error()})
		}
	}
}

func setEnv(field reflect.Value, text string) error {
	if field.Kind() != reflect.Slice {
		return setText(field, text)
	}
	if field.Type().Elem().Kind() == reflect.String {
		field.Set(reflect.ValueOf(strings.Split(text, ",")))
	}
	return nil
}

// EnvName is the environment variable that overrides a key.
func EnvName(key string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}
