# The commands of ./dev.

cmd_help() {
  cat <<'TEXT'
usage: ./dev COMMAND

  setup              install what building and testing need (Debian packages)
  build [PRESET]     build what is installed; presets dev, asan, tsan with their tests, fuzz: the fuzz targets
  run [ARG...]       build what is installed and start deferd in the foreground on conf/quickstart.yaml
  test               build and run all quick tests (unit, contract, scenarios, end to end)
  portability        compile what no system here compiles: the parts for FreeBSD and OpenBSD, the helper by itself
  proof [NAME...]    the long proofs in tests/proof: big stores, kill -9 rounds, long fuzzing, a clean system
  bench [NAME]       the benchmarks behind the figures we quote: milter, store ...
  scenario FILE...   play scenario files (tests/scenarios/README.md)
  fuzz NAME [SECS]   run one fuzz target, or `all`; without NAME, list them
  docs               write the reference of settings into deferd.yaml(5)
  fmt                format the C++ sources
  lint               clang-tidy over the sources, and the format check
  help               this text

Each command first installs what it lacks. Build folders are build/<preset>; what runs keeps its data in ./var.
TEXT
}

cmd_setup() {
  install_boost
  install_packages "${build_packages[@]}" "${test_packages[@]}"
  fetch_sendmail
}

jobs_at_once() { getconf _NPROCESSORS_ONLN; }

# What GCC compiled in one checkout the next one finds again, whatever its folder; and precompiled headers are cached too.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros

configure() {
  local launcher=()
  command -v ccache >/dev/null && launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  cmake --preset "$1" "${launcher[@]}" >build/configure.log 2>&1 || { cat build/configure.log >&2; exit 1; }
}

# build PRESET [TARGET...]: what is installed, or these (`all` is what is installed)
build() {
  local preset=$1
  shift
  mkdir -p build
  configure "$preset"
  cmake --build "build/$preset" -j "$(jobs_at_once)" ${1:+--target "$@"}
}

cmd_build() {
  install_boost
  install_packages "${build_packages[@]}"
  local preset=${1:-release}
  case "$preset" in
    release) build release ;;
    fuzz) install_packages "${sanitizer_packages[@]}" && build fuzz fuzz-targets ;;
    asan | tsan) install_packages "${sanitizer_packages[@]}" && build "$preset" all tests ;;
    *) build "$preset" all tests ;;
  esac
}

cmd_run() {
  install_boost
  install_packages "${build_packages[@]}"
  build release
  mkdir -p var
  [ "$(id -u)" != 0 ] || chown nobody var # whom conf/quickstart.yaml makes it then
  cat <<TEXT

deferd starts on conf/quickstart.yaml. In another terminal, from this folder:

  build/release/bin/deferctl -s var/control.sock status
  build/release/bin/deferctl -s var/control.sock explain 192.0.2.7 --from a@example.net --to b@example.org

To put a Postfix on this machine behind it (undo with: postconf -X smtpd_milters):

  postconf -e smtpd_milters=unix:$PWD/var/milter.sock milter_default_action=accept && postfix reload

Every folder above var/ must be open to Postfix's user, and smtpd not chrooted; see "With Postfix" in README.md.
Ctrl-C ends deferd.

TEXT
  exec build/release/bin/deferd -c conf/quickstart.yaml "$@"
}

cmd_test() {
  cmd_setup
  build release all tests
  run_ctest release -LE portability "$@"
}

cmd_portability() {
  install_boost
  install_packages "${build_packages[@]}"
  mkdir -p build
  configure release # for the flags; nothing is built
  ctest --test-dir build/release --output-on-failure --no-tests=error -j "$(jobs_at_once)" -L portability
}

# More tests at a time than cores: many of them wait.
tests_at_once() { echo $(($(jobs_at_once) + 1)); }

run_ctest() {
  local place=build/$1
  shift
  # A daemon that a scenario is played to must end where it goes wrong: nobody reads what it says.
  rm -rf "$place/reports"
  (export TSAN_OPTIONS="halt_on_error=1 suppressions=$PWD/tests/tsan.supp" && cd "$place" && ctest --output-on-failure --no-tests=error -j "$(tests_at_once)" "$@") | tee "$place/test-log" || true # judged below
  /usr/bin/python3 tools/dev/summary.py "$place" tests/allowed-skips | tee "$place/test-summary"
}

cmd_scenario() {
  install_boost
  install_packages "${build_packages[@]}"
  build release all scenario >build/scenario.log 2>&1 || { cat build/scenario.log >&2; exit 1; }
  build/release/bin/scenario "$@"
}

cmd_docs() {
  install_boost
  install_packages "${build_packages[@]}"
  build release all reference
  build/release/bin/reference --write . build/release/plugins
}

# proof [NAME...]: all, or those named.
cmd_proof() {
  cmd_setup
  build release all bench
  [ $# -gt 0 ] || set -- $(cd tests/proof && ls)
  local proof
  for proof in "$@"; do
    echo "== $proof"
    "tests/proof/$proof" build/release
  done
}

cmd_bench() {
  cmd_setup
  build release all bench
  if [ $# -eq 0 ]; then
    echo "benchmarks: $(cd bench && ls run_*.py | sed 's/run_\(.*\)\.py/\1/' | tr '\n' ' ')"
  else
    local name=$1
    shift
    /usr/bin/python3 "bench/run_$name.py" build/release "$@"
  fi
}

cmd_fuzz() {
  install_boost
  install_packages "${build_packages[@]}" "${sanitizer_packages[@]}"
  build fuzz fuzz-targets >build/fuzz.log 2>&1 || { cat build/fuzz.log >&2; exit 1; }
  local names name=${1:-} seconds=${2:-600}
  names=$(cd build/fuzz/fuzz && ls ./*_fuzz | sed 's/_fuzz//; s/^\.\///')
  case "$name" in
    '') echo "$names" ;;
    all)
      export -f fuzz_quietly fuzz_target
      xargs -P "$(jobs_at_once)" -I NAME bash -c "fuzz_quietly NAME $seconds" <<<"$names"
      ;;
    *) fuzz_target "$name" "$seconds" ;;
  esac
}

# fuzz_target NAME SECONDS
fuzz_target() {
  mkdir -p "build/fuzz/corpus/$1"
  "build/fuzz/fuzz/${1}_fuzz" -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 "build/fuzz/corpus/$1"
}

# Says more only of what went wrong.
fuzz_quietly() {
  local log=build/fuzz/$1.log
  fuzz_target "$@" >"$log" 2>&1 && echo "ok   $1 $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs" && return
  tail -n 100 "$log"
  echo "FAIL $1"
  return 1
}

cxx_files() { git ls-files -- '*.h' '*.cc'; }

cmd_fmt() {
  install_packages "${lint_packages[@]}"
  cxx_files | xargs clang-format -i
}

cmd_lint() {
  install_boost
  install_packages "${build_packages[@]}" "${lint_packages[@]}"
  cxx_files | xargs clang-format --dry-run -Werror
  mkdir -p build
  configure dev # for its list of compile commands; nothing is built
  git ls-files -- 'core/*.cc' 'milter/*.cc' 'smtp/*.cc' 'daemon/*.cc' 'ctl/*.cc' 'pfbridge/*.cc' 'plugins/*.cc' |
    grep -vE '(_test|_bsd|_openbsd|_kqueue)\.cc$' | # the latter three have no compile command here
    xargs -P "$(jobs_at_once)" -n 4 clang-tidy -p build/dev --quiet
}
