#!/usr/bin/env bash
# Debian's Prometheus and Alertmanager, without installing them: no root, no daemon.
#
#   scripts/prometheus.sh path       fetch it once; prints the folder of prometheus and promtool
#   scripts/prometheus.sh check      the rules of deploy/prometheus, and their unit tests
#   scripts/prometheus.sh tool …     promtool itself
#   scripts/prometheus.sh amtool …   Alertmanager's
#
# What is on PATH is taken. Else the package is fetched from the distribution's mirror (apt checks
# its signature) and unpacked into .cache.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
say() { echo "prometheus.sh: $*" >&2; }

die() {
  say "$@"
  exit 1
}

usage() {
  sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
}

# apt with lists and state of our own, so that it needs no root and changes nothing of the machine's.
own_apt() {
  local state=$1
  shift
  apt-get -qq -o Dir::State::lists="$state/lists" -o Dir::Cache="$state/cache" \
    -o Dir::State::status=/var/lib/dpkg/status -o APT::Sandbox::User= "$@"
}

fetch() {
  local package=$1 cache=$root/.cache/$1
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
    die "$package is not on PATH, and this is no Debian to fetch it from; install it"
  say "fetching Debian's $package into $cache (once)"
  mkdir -p "$root/.cache"
  local part
  part=$(mktemp -d "$cache.part-XXXXXX")
  mkdir -p "$part/lists/partial" "$part/cache/archives/partial" "$part/tree"
  {
    (cd "$part" && apt-get -qq download "$package") 2>/dev/null ||
      { own_apt "$part" update && (cd "$part" && own_apt "$part" download "$package"); }
  } >&2 || {
    rm -rf "$part"
    die "apt could not fetch $package: see above"
  }
  dpkg-deb -x "$part/$package"_*.deb "$part/tree"
  # Whoever comes second finds it done.
  mv -T "$part/tree" "$cache" 2>/dev/null || true
  rm -rf "$part"
}

# The folder that holds a program of a package.
folder() {
  local package=$1 program=$2 found bin=$root/.cache/$1/usr/bin
  if found=$(command -v "$program") && command -v "$package" >/dev/null; then
    dirname "$found"
    return
  fi
  [ -x "$bin/$program" ] || fetch "$package"
  [ -x "$bin/$program" ] || die "could not make $bin/$program"
  echo "$bin"
}

action=${1:-}
[ $# -eq 0 ] || shift
case $action in
path) folder prometheus promtool ;;
check)
  bin=$(folder prometheus promtool)
  cd "$root/deploy/prometheus"
  "$bin/promtool" check config prometheus.yml
  "$bin/promtool" test rules tests/*.yml
  ;;
tool)
  bin=$(folder prometheus promtool)
  exec "$bin/promtool" "$@"
  ;;
amtool)
  bin=$(folder prometheus-alertmanager amtool)
  exec "$bin/amtool" "$@"
  ;;
*) usage ;;
esac
