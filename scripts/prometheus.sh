#!/usr/bin/env bash
# Debian's Prometheus and promtool, without installing them: no root, no daemon.
#
#   scripts/prometheus.sh path       fetch it once; prints the folder that holds both programs
#   scripts/prometheus.sh check      the rules of deploy/prometheus, and their unit tests
#   scripts/prometheus.sh tool …     promtool itself
#
# What is on PATH is taken. Else the package is fetched from the distribution's mirror (apt checks
# its signature) and unpacked into .cache/prometheus.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=$root/.cache/prometheus

say() { echo "prometheus.sh: $*" >&2; }

die() {
  say "$@"
  exit 1
}

usage() {
  sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
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
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
    die "Prometheus is not on PATH, and this is no Debian to fetch it from; install prometheus and promtool"
  say "fetching Debian's prometheus into $cache (once)"
  mkdir -p "$root/.cache"
  local part
  part=$(mktemp -d "$cache.part-XXXXXX")
  mkdir -p "$part/lists/partial" "$part/cache/archives/partial" "$part/tree"
  {
    (cd "$part" && apt-get -qq download prometheus) 2>/dev/null ||
      { own_apt "$part" update && (cd "$part" && own_apt "$part" download prometheus); }
  } >&2 || {
    rm -rf "$part"
    die "apt could not fetch prometheus: see above"
  }
  dpkg-deb -x "$part"/prometheus_*.deb "$part/tree"
  # Whoever comes second finds it done.
  mv -T "$part/tree" "$cache" 2>/dev/null || true
  rm -rf "$part"
  [ -x "$cache/usr/bin/promtool" ] || die "could not make $cache"
}

folder() {
  local found
  if found=$(command -v promtool) && command -v prometheus >/dev/null; then
    dirname "$found"
    return
  fi
  [ -x "$cache/usr/bin/promtool" ] || fetch
  echo "$cache/usr/bin"
}

action=${1:-}
[ $# -eq 0 ] || shift
case $action in
path) folder ;;
check)
  bin=$(folder)
  cd "$root/deploy/prometheus"
  "$bin/promtool" check config prometheus.yml
  "$bin/promtool" test rules tests/*.yml
  ;;
tool)
  bin=$(folder)
  exec "$bin/promtool" "$@"
  ;;
*) usage ;;
esac
