# What is installed, and how. Debian package names by purpose; one line a purpose.

build_packages=(build-essential cmake ninja-build ccache mold pkg-config
  libmilter-dev libyaml-cpp-dev libfmt-dev libc-ares-dev libdb5.3-dev libcli11-dev libexpected-dev prometheus-cpp-dev
  libssl-dev libcurl4-openssl-dev libnftables-dev libpcap-dev libseccomp-dev
  libgtest-dev libgmock-dev librocksdb-dev libgflags-dev libsnappy-dev zlib1g-dev libbz2-dev liblz4-dev libzstd-dev)
test_packages=(python3 postfix swaks miltertest m4 iproute2 nftables openssl util-linux curl procps ca-certificates)
lint_packages=(clang-format clang-tidy)
sanitizer_packages=(clang libclang-rt-14-dev)

missing_packages() {
  local name
  for name in "$@"; do
    dpkg-query -W -f='${db:Status-Abbrev}' "$name" 2>/dev/null | grep -q '^ii' || echo "$name"
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

apt_updated=no
apt_update() {
  [ "$apt_updated" = yes ] && return
  as_root apt-get update -q >/dev/null
  apt_updated=yes
}

# Installs the given packages, never removing any.
install_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get >/dev/null || {
    echo "dev: not a Debian system; install what these packages hold: ${missing[*]}" >&2; exit 69; }
  echo "dev: installing ${missing[*]}"
  apt_update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends --no-remove "${missing[@]}" >/dev/null
}

# Boost 1.81's headers. Its -dev package evicts Debian's default 1.74; where that is installed the headers are
# unpacked into .deps instead, and nothing is removed.
install_boost() {
  [ -e .deps/usr/include/boost/version.hpp ] && return
  [ -z "$(missing_packages libboost1.81-dev)" ] && return
  command -v apt-get >/dev/null || return 0 # CMake checks the version found
  apt_update
  if apt-get -s install --no-install-recommends libboost1.81-dev 2>/dev/null | grep -q '^Remv'; then
    echo "dev: another Boost is installed; unpacking the headers of 1.81 into .deps"
    mkdir -p .deps/download
    (cd .deps/download && apt-get download -q libboost1.81-dev >/dev/null && dpkg -x libboost1.81-dev_*.deb ..)
    rm -rf .deps/download
  else
    install_packages libboost1.81-dev
  fi
}

# Debian's Sendmail, unpacked into .deps/sendmail for the tests: to install it would remove Postfix.
fetch_sendmail() {
  [ -x .deps/sendmail/usr/libexec/sendmail/sendmail ] && return
  command -v apt-get >/dev/null || return 0 # its test says what it misses
  apt_update
  local place=.deps/sendmail.new package
  rm -rf "$place"
  mkdir -p "$place/download"
  (cd "$place/download" && apt-get download -q sendmail-bin sendmail-base sendmail-cf libwrap0 >/dev/null 2>&1)
  for package in "$place"/download/*.deb; do dpkg -x "$package" "$place"; done
  rm -rf "$place/download"
  mv "$place" .deps/sendmail
}
