#!/usr/bin/env bash
# A real Milvus 2.3.5 standalone server without containers: embedded etcd, rocksmq, local storage, from the
# package "milvus" of the Python index (Linux on x86-64).
#
#   milvus.sh start  DATA_DIR [PORT]            returns when /healthz says OK
#   milvus.sh stop   DATA_DIR [--kill] [--wipe] --kill: as a crash; --wipe: remove the data afterwards
#   milvus.sh status DATA_DIR                   exit 0 running, 3 stopped
#
# PORT (default 19530) serves gRPC and REST; PORT+1 to PORT+11 are internal, /metrics and /healthz answer at
# PORT+9. DATA_DIR gets configs/, data/, logs/, run/, pid, ready. After a restart /healthz is OK up to half a
# minute before a collection is loaded again.
#
# Needs Python 3 with venv, curl. Environment, all optional:
#   MILVUS_BIN        folder with the unpacked server (default: filled once below ~/.cache/galaxalign)
#   MILVUS_AUTH       true = logins are checked (first login root / Milvus)
#   MILVUS_TLS        0, 1 (server certificate) or 2 (mutual), with MILVUS_CERT, MILVUS_KEY, MILVUS_CA (PEM)
#   MILVUS_SET        more settings, "a.b=value c.d=value": only keys that the shipped template has
#   MILVUS_LOG        log level (default warn)
#   MILVUS_WAIT       seconds to wait for health (default 120)
#   MILVUS_STOP_WAIT  seconds before SIGKILL (default 5: with a loaded collection 2.3.5 does not end by
#                     itself, and acknowledged rows survive SIGKILL)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=common.sh
. "$here/common.sh"

version=2.3.5
[ $# -ge 2 ] || usage
verb=$1 dir=$2
shift 2

# fetch_server DIR unpacks the server binary and its libraries, which the package holds as .lzma files.
fetch_server() {
	need python3
	python3 -m venv "$1/venv" &&
		"$1/venv/bin/python" -m pip install -q --disable-pip-version-check --no-input --no-deps "milvus==$version" >&2 &&
		"$1/venv/bin/python" "$here/milvus_config.py" unpack "$1" &&
		rm -r "$1/venv"
}

healthy() { [ "$(curl -fsS -m 2 "http://127.0.0.1:$1/healthz" 2>/dev/null)" = OK ]; }

# write_etcd_config gives the embedded etcd its own ports: etcd.endpoints alone leaves it on 2379 and 2380.
write_etcd_config() {
	cat >"$dir/configs/etcd.yaml" <<-Y
		name: default
		data-dir: $dir/data/etcd
		listen-client-urls: http://127.0.0.1:$etcd
		advertise-client-urls: http://127.0.0.1:$etcd
		listen-peer-urls: http://127.0.0.1:$((etcd + 1))
		initial-advertise-peer-urls: http://127.0.0.1:$((etcd + 1))
		initial-cluster: default=http://127.0.0.1:$((etcd + 1))
		log-level: warn
		log-outputs: [$dir/logs/etcd.log]
	Y
}

# write_config puts our settings into the shipped template: version 2.3.5 reads no user.yaml. Every
# component gets ip 127.0.0.1, else the internal traffic takes the first other address of the machine.
write_config() {
	local settings more
	settings=(
		etcd.endpoints="127.0.0.1:$etcd" etcd.config.path="$dir/configs/etcd.yaml"
		etcd.data.dir="$dir/data/etcd" etcd.log.level=warn etcd.log.path="$dir/logs/etcd.log"
		localStorage.path="$dir/data/storage" rocksmq.path="$dir/data/rocksmq" common.storageType=local
		proxy.port="$port" proxy.internalPort=$((port + 1)) rootCoord.port=$((port + 2))
		queryCoord.port=$((port + 3)) dataCoord.port=$((port + 4)) queryNode.port=$((port + 5))
		dataNode.port=$((port + 6)) indexNode.port=$((port + 7))
		proxy.ip=127.0.0.1 rootCoord.ip=127.0.0.1 queryCoord.ip=127.0.0.1 dataCoord.ip=127.0.0.1
		queryNode.ip=127.0.0.1 dataNode.ip=127.0.0.1 indexNode.ip=127.0.0.1
		log.level="${MILVUS_LOG:-warn}" log.stdout=true log.file.rootPath='""'
		common.security.authorizationEnabled="${MILVUS_AUTH:-false}" common.security.tlsMode="${MILVUS_TLS:-0}"
		tls.serverPemPath="${MILVUS_CERT:-server.pem}" tls.serverKeyPath="${MILVUS_KEY:-server.key}"
		tls.caPemPath="${MILVUS_CA:-ca.pem}"
	)
	read -ra more <<<"${MILVUS_SET:-}"
	python3 "$here/milvus_config.py" write "$bin/config.yaml.template" "$dir/configs/milvus.yaml" \
		"${settings[@]}" "${more[@]}" || fail "the configuration was refused"
}

# launch starts the server in DATA_DIR. The alias names its lock file, so that two servers can run; it is
# also how the process is recognised.
launch() {
	(
		cd "$dir"
		export MILVUSCONF=$dir/configs DEPLOY_MODE=STANDALONE METRICS_PORT=$metrics MILVUS_RUN_DIR=$dir/run
		export LD_LIBRARY_PATH=$bin${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
		setsid "$bin/milvus" run standalone -alias "$alias" >>"$dir/logs/milvus.log" 2>&1 </dev/null 8>&- &
		echo $! >"$dir/pid"
	)
}

wait_ready() {
	local end=$((SECONDS + ${MILVUS_WAIT:-120}))
	until healthy "$metrics"; do
		if ! runs "$dir/pid" "$alias" || ((SECONDS >= end)); then
			grep -m5 -E 'panic|ERROR|FATAL' "$dir/logs/milvus.log" | cut -c1-300 >&2 || true
			fail "the server is not healthy; see $dir/logs/milvus.log"
		fi
		sleep 0.1
	done
}

start() {
	port=${1:-19530}
	metrics=$((port + 9)) etcd=$((port + 10))
	bin=${MILVUS_BIN:-$(cache_dir "milvus-$version")}
	need python3 curl setsid flock
	exec 8>"$dir/lock" # a second caller waits here and finds the server running
	flock 8
	if runs "$dir/pid" "$alias"; then
		[ -s "$dir/ready" ] || fail "pid $(cat "$dir/pid") is still starting or hangs; stop it first"
		echo "already running: $(cat "$dir/ready")"
		return
	fi
	rm -f "$dir/pid" "$dir/ready"
	[ -n "${MILVUS_BIN:-}" ] || once "$bin" fetch_server
	mkdir -p "$dir"/{configs,data,logs,run}
	cp "$bin/glog.conf" "$dir/configs/"
	write_etcd_config
	write_config
	local p
	for p in $(seq "$port" $((port + 11))); do port_free "$p" 10; done # a killed server holds them a moment longer
	launch
	wait_ready
	echo "pid $(cat "$dir/pid"), 127.0.0.1:$port, health http://127.0.0.1:$metrics/healthz, version $version" >"$dir/ready"
	echo "ready: $(cat "$dir/ready")"
}

stop() {
	local signal=TERM wipe='' option
	for option in "$@"; do
		case $option in
		--kill) signal=KILL ;;
		--wipe) wipe=yes ;;
		*) usage ;;
		esac
	done
	stop_process "$dir/pid" "$alias" "$signal" "${MILVUS_STOP_WAIT:-5}"
	rm -f "$dir/ready"
	if [ -n "$wipe" ]; then rm -rf "$dir"/{configs,data,logs,run}; fi
}

[ "$verb" != start ] || mkdir -p "$dir"
if [ ! -d "$dir" ]; then
	echo "no server was started in $dir"
	[ "$verb" = stop ] && exit 0
	exit 3
fi
dir=$(cd "$dir" && pwd)
alias=$(printf '%s' "$dir" | cksum | cut -d' ' -f1)
alias=galaxalign-$alias

case $verb in
start) start "$@" ;;
stop) stop "$@" ;;
status)
	runs "$dir/pid" "$alias" || { echo "stopped" && exit 3; }
	echo "running: $(cat "$dir/ready" 2>/dev/null || echo "pid $(cat "$dir/pid"), not ready yet")"
	;;
*) usage ;;
esac
