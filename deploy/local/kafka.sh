#!/usr/bin/env bash
# A real Apache Kafka broker without containers: KRaft, broker and controller in one JVM.
#
#   kafka.sh start  DATA_DIR [PORT [SASL_PORT [CONTROLLER_PORT]]]   returns when it serves
#   kafka.sh stop   DATA_DIR [--kill]                               --kill: as a crash
#   kafka.sh status DATA_DIR                                        exit 0 running, 3 stopped
#
# Listeners on 127.0.0.1: PLAINTEXT on PORT (default 19092), SASL_SSL with SCRAM-SHA-512 on SASL_PORT
# (default PORT+100), the controller on CONTROLLER_PORT (default PORT+200). DATA_DIR gets
# server.properties, tls/cert.pem (give it to clients as the CA), log/ (the data), broker.log, pid, ready.
# Starting twice is harmless: a running broker is left alone, a stopped one starts on its old data.
#
# Needs Java 17, Maven, openssl. Environment, all optional:
#   KAFKA_LIB      folder with the broker's jars (default: filled once below ~/.cache/galaxalign)
#   KAFKA_USERS    "name:password ..." made with the data folder (default "galaxalign:galaxalign-secret")
#   KAFKA_HEAP     JVM heap (default 512m)
#   KAFKA_JVM      more JVM flags (default: the fast compiler only, for a quick start; "-server" for timings)
#   KAFKA_WAIT     seconds to wait for readiness (default 60)
#   KAFKA_EXTRA    more lines for server.properties; a repeated key wins over the one above it
#   KAFKA_NODE     node id (default 1)
#   KAFKA_VOTERS   "1@127.0.0.1:19292,2@..." for a cluster (default: this node alone)
#   KAFKA_CLUSTER  cluster id, 22 characters of base64, the same on all nodes
#   KAFKA_CERT     folder with cert.pem and key.pem to use instead of making one (clusters: share it)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=common.sh
. "$here/common.sh"

version=4.3.1 # of pom.xml
[ $# -ge 2 ] || usage
verb=$1 dir=$2
shift 2

fetch_jars() {
	need mvn
	mvn -q -B -f "$here/pom.xml" -Dkafka.version="$version" dependency:copy-dependencies \
		-DincludeScope=runtime -DoutputDirectory="$1" >&2
}

make_certificate() {
	[ -s "$dir/tls/keystore.pem" ] && return
	mkdir -p "$dir/tls"
	if [ -n "${KAFKA_CERT:-}" ]; then
		cp "$KAFKA_CERT/cert.pem" "$KAFKA_CERT/key.pem" "$dir/tls/"
	else
		need openssl
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -sha256 \
			-subj /CN=localhost -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' \
			-keyout "$dir/tls/key.pem" -out "$dir/tls/cert.pem" 2>/dev/null
	fi
	(umask 077 && cat "$dir/tls/key.pem" "$dir/tls/cert.pem" >"$dir/tls/keystore.pem")
}

# The settings that differ from Kafka's defaults for tests: records never expire (replayed alerts carry old
# times), a group starts without waiting for more members, and a killed broker is let back in after 2 s.
write_properties() {
	cat >"$dir/server.properties" <<-P
		process.roles=broker,controller
		node.id=$node
		controller.quorum.voters=$voters
		listeners=PLAINTEXT://127.0.0.1:$plain,SASL_SSL://127.0.0.1:$sasl,CONTROLLER://127.0.0.1:$controller
		advertised.listeners=PLAINTEXT://127.0.0.1:$plain,SASL_SSL://127.0.0.1:$sasl
		listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
		controller.listener.names=CONTROLLER
		inter.broker.listener.name=PLAINTEXT
		sasl.enabled.mechanisms=SCRAM-SHA-512
		listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
		ssl.keystore.type=PEM
		ssl.keystore.location=$dir/tls/keystore.pem
		log.dirs=$dir/log
		message.max.bytes=16777216
		replica.fetch.max.bytes=16777216
		auto.create.topics.enable=false
		log.retention.ms=-1
		num.partitions=4
		offsets.topic.num.partitions=4
		transaction.state.log.num.partitions=4
		offsets.topic.replication.factor=$copies
		transaction.state.log.replication.factor=$copies
		transaction.state.log.min.isr=1
		default.replication.factor=$copies
		group.initial.rebalance.delay.ms=0
		broker.heartbeat.interval.ms=200
		broker.session.timeout.ms=2000
		num.network.threads=2
		num.io.threads=2
		log.cleaner.dedupe.buffer.size=4194304
		share.coordinator.state.topic.num.partitions=1
		share.coordinator.state.topic.replication.factor=$copies
		share.coordinator.state.topic.min.isr=1
	P
	[ -z "${KAFKA_EXTRA:-}" ] || printf '%s\n' "$KAFKA_EXTRA" >>"$dir/server.properties"
}

format_storage() {
	[ -s "$dir/log/meta.properties" ] && return
	local user scram=()
	for user in ${KAFKA_USERS-galaxalign:galaxalign-secret}; do
		scram+=(--add-scram "SCRAM-SHA-512=[name=${user%%:*},password=${user#*:}]")
	done
	java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
		-cp "$lib/*" kafka.tools.StorageTool format -t "${KAFKA_CLUSTER:-MkU3OEVBNTcwNTJENDM2Qg}" \
		-c "$dir/server.properties" "${scram[@]}" >"$dir/format.log" 2>&1 || {
		cat "$dir/format.log" >&2
		fail "could not format $dir/log"
	}
}

launch() {
	local flags
	read -ra flags <<<"${KAFKA_JVM:--XX:TieredStopAtLevel=1}"
	setsid nohup java -Xms128m -Xmx"${KAFKA_HEAP:-512m}" -XX:+UseSerialGC "${flags[@]}" \
		-Dorg.slf4j.simpleLogger.showDateTime=true -Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS \
		-cp "$lib/*" kafka.Kafka "$dir/server.properties" >"$dir/broker.log" 2>&1 </dev/null 8>&- &
	echo $! >"$dir/pid"
}

serving() {
	grep -q 'Kafka Server started' "$dir/broker.log" &&
		{ : >"/dev/tcp/127.0.0.1/$plain" && : >"/dev/tcp/127.0.0.1/$sasl"; } 2>/dev/null
}

wait_ready() {
	local end=$((SECONDS + ${KAFKA_WAIT:-60}))
	until serving; do
		if ! runs "$dir/pid" "$dir/server.properties" || ((SECONDS >= end)); then
			tail -n 20 "$dir/broker.log" >&2
			fail "the broker did not come up; the lines above end $dir/broker.log"
		fi
		sleep 0.1
	done
}

start() {
	plain=${1:-19092}
	sasl=${2:-$((plain + 100))}
	controller=${3:-$((plain + 200))}
	node=${KAFKA_NODE:-1}
	voters=${KAFKA_VOTERS:-$node@127.0.0.1:$controller}
	copies=$(awk -F, '{print (NF > 3) ? 3 : NF}' <<<"$voters")
	lib=${KAFKA_LIB:-$(cache_dir "kafka-$version")}
	need java awk setsid flock
	exec 8>"$dir/lock" # a second caller waits here and finds the server running
	flock 8
	if runs "$dir/pid" "$dir/server.properties"; then
		[ -s "$dir/ready" ] || fail "pid $(cat "$dir/pid") is still starting or hangs; stop it first"
		echo "already running: $(cat "$dir/ready")"
		return
	fi
	rm -f "$dir/pid" "$dir/ready"
	[ -n "${KAFKA_LIB:-}" ] || once "$lib" fetch_jars
	make_certificate
	write_properties
	format_storage
	for p in "$plain" "$sasl" "$controller"; do port_free "$p" 10; done
	launch
	wait_ready
	echo "pid $(cat "$dir/pid"), PLAINTEXT 127.0.0.1:$plain, SASL_SSL 127.0.0.1:$sasl" >"$dir/ready"
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
	stop_process "$dir/pid" "$dir/server.properties" "$signal" 30
	rm -f "$dir/ready"
	;;
status)
	[ -d "$dir" ] && dir=$(cd "$dir" && pwd)
	runs "$dir/pid" "$dir/server.properties" || { echo "stopped" && exit 3; }
	echo "running: $(cat "$dir/ready" 2>/dev/null || echo "pid $(cat "$dir/pid"), not ready yet")"
	;;
*) usage ;;
esac
