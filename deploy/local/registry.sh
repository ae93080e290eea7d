#!/usr/bin/env bash
# A real schema registry with the Confluent REST interface, in memory: Apicurio Registry, without containers.
#
#   registry.sh start  DATA_DIR [PORT]   returns when it serves http://127.0.0.1:PORT/apis/ccompat/v7
#   registry.sh stop   DATA_DIR [--kill]
#   registry.sh status DATA_DIR          exit 0 running, 3 stopped
#
# PORT is 18081 by default. DATA_DIR gets registry.log, pid, ready. Schemas live as long as the process.
# It gives out the ids itself: an id cannot be chosen.
#
# Needs Java 17, Maven, curl. Environment, optional:
#   REGISTRY_LIB   folder with the unpacked application (default: filled once below ~/.cache/galaxalign)
#   REGISTRY_WAIT  seconds to wait for readiness (default 60)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=common.sh
. "$here/common.sh"

version=2.6.13.Final
dependency_plugin=org.apache.maven.plugins:maven-dependency-plugin:3.6.1
[ $# -ge 2 ] || usage
verb=$1 dir=$2
shift 2

fetch_application() {
	need mvn
	mvn -q -B "$dependency_plugin:copy" -Dartifact="io.apicurio:apicurio-registry-app:$version:tar.gz:all" \
		-DoutputDirectory="$1/download" >&2 &&
		tar -xzf "$1"/download/*.tar.gz -C "$1" &&
		rm -r "$1/download"
}

serving() { curl -fsS -m 2 -o /dev/null "$1/subjects" 2>/dev/null; }

start() {
	local port=${1:-18081} lib end url
	lib=${REGISTRY_LIB:-$(cache_dir "registry-$version")}
	url=http://127.0.0.1:$port/apis/ccompat/v7
	need java curl setsid flock
	exec 8>"$dir/lock" # a second caller waits here and finds the server running
	flock 8
	if runs "$dir/pid" "$dir"; then
		[ -s "$dir/ready" ] || fail "pid $(cat "$dir/pid") is still starting or hangs; stop it first"
		echo "already running: $(cat "$dir/ready")"
		return
	fi
	rm -f "$dir/pid" "$dir/ready"
	[ -n "${REGISTRY_LIB:-}" ] || once "$lib" fetch_application
	port_free "$port" 10
	setsid nohup java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dgalaxalign.data="$dir" \
		-Dquarkus.http.host=127.0.0.1 -Dquarkus.http.port="$port" \
		-jar "$lib/apicurio-registry-app-$version-runner.jar" >"$dir/registry.log" 2>&1 </dev/null 8>&- &
	echo $! >"$dir/pid"
	end=$((SECONDS + ${REGISTRY_WAIT:-60}))
	until serving "$url"; do
		if ! runs "$dir/pid" "$dir" || ((SECONDS >= end)); then
			tail -n 20 "$dir/registry.log" >&2
			fail "the registry did not come up; the lines above end $dir/registry.log"
		fi
		sleep 0.1
	done
	echo "pid $(cat "$dir/pid"), $url" >"$dir/ready"
	echo "ready: $(cat "$dir/ready")"
}

case $verb in
start)
	mkdir -p "$dir"
	dir=$(cd "$dir" && pwd)
	start "$@"
	;;
stop)
	signal=TERM
	[ "${1:-}" != --kill ] || signal=KILL
	[ -d "$dir" ] || { echo "not running" && exit 0; }
	dir=$(cd "$dir" && pwd)
	stop_process "$dir/pid" "$dir" "$signal" 20
	rm -f "$dir/ready"
	;;
status)
	[ -d "$dir" ] && dir=$(cd "$dir" && pwd)
	runs "$dir/pid" "$dir" || { echo "stopped" && exit 3; }
	echo "running: $(cat "$dir/ready" 2>/dev/null || echo "pid $(cat "$dir/pid"), not ready yet")"
	;;
*) usage ;;
esac
