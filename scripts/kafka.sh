#!/usr/bin/env bash
# A real Apache Kafka broker without a container: KRaft, one node, loopback, for tests and the demo.
#
#   scripts/kafka.sh start [--port N] [--dir D] [--also M=HOST:PORT] …
#                                                 start it (jars are fetched once); prints HOST:PORT
#   scripts/kafka.sh stop [--dir D]               stop the broker that was started with this folder
#   scripts/kafka.sh status [--dir D]             prints HOST:PORT and exits 0 if it runs, else 3
#   scripts/kafka.sh jars                         only fetch the jars
#   scripts/kafka.sh tool CLASS …                 one of Kafka's own tools, such as
#                                                 org.apache.kafka.tools.TopicCommand
#
# The controller listens on N + 1. A broker tells its clients where to go on: who comes by --also's
# port M is sent to HOST:PORT, for clients behind a tunnel, a proxy or a container's port (it listens
# on loopback all the same). D holds data, log and pid, and is kept when the broker stops.
# Needs Java 17 and Maven; as root on Debian they are installed when missing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
pom=$root/scripts/kafka/pom.xml
# Named after the pom's content: another version of Kafka gets another folder.
libs=$root/.cache/kafka/libs-$(cksum <"$pom" | cut -d' ' -f1)

say() { echo "kafka.sh: $*" >&2; }

die() {
  say "$@"
  exit 1
}

usage() {
  sed -n '2,16s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
}

# What a broker needs, there once whoever asks: two starts at a time install and fetch one after the other.
prepare() {
  mkdir -p "$root/.cache/kafka"
  (
    ! command -v flock >/dev/null || flock 9
    need_tools
    fetch_jars
  ) 9>"$root/.cache/kafka/lock"
}

need_tools() {
  local missing=()
  command -v java >/dev/null || missing+=(default-jre-headless)
  { [ -d "$libs" ] || command -v mvn >/dev/null; } || missing+=(maven)
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    die "Kafka needs Java 17 and Maven; install them: apt-get install default-jre-headless maven" \
      "(or name a running broker: ANTIRELOU_TEST_KAFKA_BOOTSTRAP, ANTIRELOU_KAFKA_BOOTSTRAP)"
  fi
  say "installing ${missing[*]}"
  {
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
  } >&2 || die "could not install ${missing[*]}: see above"
}

fetch_jars() {
  [ ! -d "$libs" ] || return 0
  say "fetching Kafka's jars into $libs (once)"
  mkdir -p "$(dirname "$libs")"
  local part
  part=$(mktemp -d "$libs.part-XXXXXX")
  if ! mvn -q -B -Dstyle.color=never -f "$pom" dependency:copy-dependencies -DincludeScope=runtime \
    -DoutputDirectory="$part" >&2; then
    rm -rf "$part"
    die "Maven could not fetch Kafka: see above"
  fi
  # Without flock somebody may have been faster.
  mv -T "$part" "$libs" 2>/dev/null || rm -rf "$part"
  [ -d "$libs" ] || die "could not make $libs"
}

# The broker of this folder runs: its pid is a process with our settings file on its command line.
running() {
  local pid
  pid=$(cat "$dir/pid" 2>/dev/null) || return 1
  kill -0 "$pid" 2>/dev/null && ps -ww -o args= -p "$pid" | grep -qF "$dir/server.properties"
}

address() { sed -n 's|^advertised.listeners=PLAINTEXT://\([^,]*\).*|\1|p' "$dir/server.properties"; }

write_settings() {
  local controller=$((port + 1)) listeners='' advertised='' protocols='' pair
  for pair in "${also[@]}"; do
    listeners+=",ALSO${pair%%=*}://127.0.0.1:${pair%%=*}"
    advertised+=",ALSO${pair%%=*}://${pair#*=}"
    protocols+=",ALSO${pair%%=*}:PLAINTEXT"
  done
  cat >"$dir/server.properties" <<P
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller$listeners
advertised.listeners=PLAINTEXT://127.0.0.1:$port$advertised
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT$protocols
inter.broker.listener.name=PLAINTEXT
log.dirs=$dir/data
auto.create.topics.enable=false
num.partitions=6
message.max.bytes=8388608
replica.fetch.max.bytes=8388608
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
num.network.threads=2
num.io.threads=4
P
}

start() {
  mkdir -p "$dir"
  if running; then
    address
    return
  fi
  prepare
  write_settings
  if [ ! -f "$dir/data/meta.properties" ]; then
    java -cp "$libs/*" kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAQ \
      -c "$dir/server.properties" >"$dir/format.log" 2>&1 || {
      tail -20 "$dir/format.log" >&2
      die "could not format $dir/data"
    }
  fi
  # Serial collector, small heap, no second compiler: it shares two cores with everything else.
  nohup java -Xms128m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
    -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
    -cp "$libs/*" kafka.Kafka "$dir/server.properties" >"$dir/broker.log" 2>&1 </dev/null &
  echo $! >"$dir/pid"
  for _ in $(seq 1 300); do
    # It must live and listen: the port alone may be another process's.
    kill -0 "$(cat "$dir/pid")" 2>/dev/null || break
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      sleep 0.2
      running || break
      address
      return
    fi
    sleep 0.2
  done
  tail -20 "$dir/broker.log" >&2
  stop
  die "the broker does not answer on port $port; its log is $dir/broker.log"
}

stop() {
  if running; then
    local pid
    pid=$(cat "$dir/pid")
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 1 150); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    ! kill -0 "$pid" 2>/dev/null || kill -9 "$pid"
  fi
  rm -f "$dir/pid"
}

action=${1:-}
[ $# -eq 0 ] || shift
port=9092 dir=$root/.cache/kafka/broker also=()
if [ "$action" != tool ]; then
  while [ $# -gt 0 ]; do
    case $1 in
    --port) port=${2:?a port} ;;
    --dir) dir=${2:?a folder} ;;
    --also)
      [[ ${2-} =~ ^[0-9]+=[^,=]+:[0-9]+$ ]] || usage
      also+=("$2")
      ;;
    *) usage ;;
    esac
    shift 2
  done
fi
case $dir in /*) ;; *) dir=$PWD/$dir ;; esac

case $action in
start) start ;;
stop) stop ;;
status) running && address || exit 3 ;;
jars) prepare ;;
tool)
  prepare
  exec java -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "$libs/*" "$@"
  ;;
*) usage ;;
esac
