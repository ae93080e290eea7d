# shellcheck shell=bash
# What the scripts of this folder share. Sourced, never run.

# cache_dir NAME prints the folder NAME below this project's cache.
cache_dir() { printf '%s\n' "${XDG_CACHE_HOME:-$HOME/.cache}/galaxalign/$1"; }

# fail TEXT... ends the script with a message.
fail() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# usage prints the comment at the head of the script and ends it.
usage() {
	sed -n '2,/^[^#]/p' "$0" | sed -n 's/^# \{0,1\}//p' >&2
	exit 2
}

# need PROGRAM... fails unless every program is installed.
need() {
	local p
	for p in "$@"; do command -v "$p" >/dev/null || fail "$p is needed and not installed"; done
}

# state PID prints the state of a process as one letter; nothing when there is none.
state() { sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null || true; }

# runs PIDFILE WORD: is the recorded process alive, and does its command line hold WORD? The word keeps a
# reused process number from being taken for ours.
runs() {
	local pid
	[ -s "$1" ] || return 1
	pid=$(cat "$1")
	case $(state "$pid") in '' | Z | X) return 1 ;; esac
	tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "$2"
}

# gone PID SECONDS waits until the process has ended; false when it has not in time.
gone() {
	local end=$((SECONDS + $2))
	while :; do
		case $(state "$1") in '' | Z | X) return 0 ;; esac
		((SECONDS < end)) || return 1
		sleep 0.1
	done
}

# stop_process PIDFILE WORD SIGNAL SECONDS ends the recorded process with SIGNAL, and with KILL when it is
# still there after SECONDS; then removes the file. Not running is success.
stop_process() {
	local pid
	if ! runs "$1" "$2"; then
		rm -f "$1"
		echo "not running"
		return 0
	fi
	pid=$(cat "$1")
	kill "-$3" "$pid"
	if gone "$pid" "$4"; then
		echo "stopped pid $pid (SIG$3)"
	else
		kill -KILL "$pid"
		gone "$pid" 30 || fail "pid $pid does not end"
		echo "stopped pid $pid (SIGKILL, it did not end within $4 s of SIG$3)"
	fi
	rm -f "$1"
}

# port_free PORT SECONDS waits until nothing on 127.0.0.1 answers on the port.
port_free() {
	local end=$((SECONDS + $2))
	while (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; do
		((SECONDS < end)) || fail "port $1 is taken"
		sleep 0.1
	done
}

# once DIR COMMAND... fills DIR by running COMMAND with the name of an empty folder as last argument, unless
# DIR is there already. A lock keeps two callers apart; a failed try leaves nothing behind.
once() {
	local dir=$1 tmp
	shift
	[ -d "$dir" ] && return 0
	mkdir -p "$(dirname "$dir")"
	(
		flock 9
		[ -d "$dir" ] && exit 0
		tmp=$(mktemp -d "$dir.XXXXXX")
		if ! "$@" "$tmp" 9>&-; then
			rm -rf "$tmp"
			exit 1
		fi
		chmod 755 "$tmp"
		mv "$tmp" "$dir"
	) 9>"$dir.lock" || fail "could not fill $dir"
}
