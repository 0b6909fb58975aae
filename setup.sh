#!/bin/sh
# Makes sure that what Tiebreak runs on is there: Deno, its packages, and a WebGPU adapter.
# It is safe to run again: what is there is kept. Where no adapter is found, it installs Vulkan in
# software; it never touches drivers.
#
# --with=chromium,mpi also installs, by apt, what some of the tests need: a browser, Open MPI.
# Without it those tests are skipped by name.
set -eu
cd "$(dirname "$0")"

HOME=${HOME:-$(eval "printf %s ~$(id -un)")}
export HOME
WANTED=2.9.6 # the version that is installed where none is, or one older than 2.9
LOG=$(mktemp)
trap 'rm -f "$LOG"' EXIT
trap 'exit 1' HUP INT TERM

say() { printf '%s\n' "setup: $*" >&2; }

fail() {
  say "$@"
  exit 1
}

# quietly COMMAND...: shows the output of the command only if it fails
quietly() {
  if "$@" >"$LOG" 2>&1 </dev/null; then return 0; fi
  cat "$LOG" >&2
  return 1
}

# version_of DENO: prints its version, and nothing if it does not run
version_of() { "$1" --version 2>/dev/null </dev/null | sed -n '1s/^deno \([0-9.]*\).*/\1/p'; }

# new_enough DENO: whether it runs and is 2.9 or later
new_enough() {
  version=$(version_of "$1") || return 1
  major=${version%%.*}
  minor=${version#*.}
  minor=${minor%%.*}
  case "$major.$minor" in *[!0-9.]* | .* | *.) return 1 ;; esac
  [ "$major" -gt 2 ] || { [ "$major" -eq 2 ] && [ "$minor" -ge 9 ]; }
}

# on_path FOLDER: whether PATH names it
on_path() { case ":$PATH:" in *":$1:"*) return 0 ;; *) return 1 ;; esac; }

deno_is_ready() {
  hash -r
  command -v deno >/dev/null 2>&1 && new_enough deno
}

# link DENO: makes `deno` mean this program for the commands after this script
link() {
  for folder in /usr/local/bin "$HOME/.local/bin" "$HOME/bin"; do
    on_path "$folder" || continue
    mkdir -p "$folder" 2>/dev/null || continue
    [ -w "$folder" ] || continue
    if [ -e "$folder/deno" ] && ! [ -L "$folder/deno" ]; then continue; fi
    ln -sf "$1" "$folder/deno"
    if deno_is_ready; then return 0; fi
  done
  fail "Deno $(version_of "$1") is at $1, but PATH does not lead there; run this, then try again:" \
    "export PATH=\"$(dirname "$1"):\$PATH\""
}

# known_deno: prints the path of a Deno that is new enough, from where installers put it
known_deno() {
  for candidate in "${DENO_INSTALL:-$HOME/.deno}/bin/deno" "$HOME/.deno-npm/bin/deno"; do
    if [ -x "$candidate" ] && new_enough "$candidate"; then
      printf '%s\n' "$candidate"
      return 0
    fi
  done
  return 1
}

# npm may have been told not to run the install script of the package. Its launcher then unpacks
# the program at the first call, so only the answer of `deno --version` counts.
install_by_npm() {
  command -v npm >/dev/null 2>&1 || return 1
  say "installing Deno $WANTED by npm"
  if npm install -g "deno@$WANTED" >"$LOG" 2>&1 </dev/null; then
    if deno_is_ready; then return 0; fi
    global="$(npm prefix -g 2>/dev/null)/bin/deno"
    if new_enough "$global"; then
      link "$global"
      return 0
    fi
  fi
  quietly npm install -g --prefix "$HOME/.deno-npm" "deno@$WANTED"
}

install_officially() {
  say "installing Deno $WANTED by https://deno.land/install.sh"
  script=$(mktemp)
  if command -v curl >/dev/null 2>&1; then
    set -- curl -fsSL -o "$script" https://deno.land/install.sh
  elif command -v wget >/dev/null 2>&1; then
    set -- wget -q -O "$script" https://deno.land/install.sh
  else
    rm -f "$script"
    say "neither npm nor curl nor wget is there"
    return 1
  fi
  status=0
  quietly "$@" || status=1
  [ "$status" -ne 0 ] || quietly sh "$script" --yes --no-modify-path "v$WANTED" || status=1
  rm -f "$script"
  return "$status"
}

ensure_deno() {
  if deno_is_ready; then return 0; fi
  if ! known_deno >/dev/null; then
    install_by_npm || install_officially ||
      fail "cannot install Deno; install version 2.9 or later by hand (https://docs.deno.com/runtime/)"
  fi
  if deno_is_ready; then return 0; fi
  found=$(known_deno) || fail "Deno was installed but does not run; try \`deno --version\`"
  link "$found"
}

# adapter: prints the name of the WebGPU adapter, or fails. On Linux only Vulkan counts: without a
# Vulkan driver Deno falls back to OpenGL, which is slower and lacks 16-bit floats.
adapter() {
  if [ "$(uname -s)" = Linux ]; then
    DENO_WEBGPU_BACKEND=vulkan
    XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/tmp}
    export DENO_WEBGPU_BACKEND XDG_RUNTIME_DIR
  fi
  deno eval --no-config --no-lock '
    const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
    if (!adapter) Deno.exit(1);
    console.log(adapter.info.description || adapter.info.device || "without a name");
  ' 2>/dev/null </dev/null
}

# as_root COMMAND...: runs the command as root, through sudo where that is needed and there
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    quietly "$@"
  elif command -v sudo >/dev/null 2>&1 && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
    quietly sudo "$@"
  else
    say "this needs root: $*"
    return 1
  fi
}

# install_by_apt PACKAGE...: installs packages of Debian or Ubuntu
install_by_apt() {
  as_root apt-get update || say "the package lists could not be refreshed, going on with the old ones"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

install_software_vulkan() {
  if command -v apt-get >/dev/null 2>&1; then
    say "no Vulkan adapter found, installing mesa-vulkan-drivers and libvulkan1"
    install_by_apt mesa-vulkan-drivers libvulkan1 && return 0
    fail "cannot install the software Vulkan driver; as root run:" \
      "apt-get update && apt-get install -y mesa-vulkan-drivers libvulkan1"
  fi
  fail "no WebGPU adapter found; install a Vulkan driver, in software for example:" \
    "Fedora: dnf install mesa-vulkan-drivers vulkan-loader;" \
    "Arch: pacman -S vulkan-swrast vulkan-icd-loader;" \
    "Alpine: apk add mesa-vulkan-swrast vulkan-loader"
}

ensure_adapter() {
  if name=$(adapter); then return 0; fi
  [ "$(uname -s)" = Linux ] ||
    fail "no WebGPU adapter found, and this system has no software Vulkan that this script knows"
  install_software_vulkan
  name=$(adapter) || fail "the Vulkan driver is installed, yet Deno finds no WebGPU adapter"
}

# packages_of NAME: prints the packages that --with=NAME installs; fails for an unknown name
packages_of() {
  case "$1" in
    chromium) echo chromium ;;
    mpi) echo openmpi-bin libopenmpi-dev ;;
    *) return 1 ;;
  esac
}

# program_of NAME: prints the program by which the packages are known to be there
program_of() {
  case "$1" in
    chromium) echo chromium ;;
    mpi) echo mpirun ;;
  esac
}

# check_names NAME...: refuses the names that --with does not know
check_names() {
  for one in "$@"; do
    packages_of "$one" >/dev/null ||
      fail "cannot install \"$one\" by --with: the names are chromium, mpi"
  done
}

# ensure_programs NAME...: installs the packages whose program is not there
ensure_programs() {
  for one in "$@"; do
    if command -v "$(program_of "$one")" >/dev/null 2>&1; then continue; fi
    packages=$(packages_of "$one")
    command -v apt-get >/dev/null 2>&1 ||
      fail "cannot install $one: apt-get is not there; install by hand what has the program $(program_of "$one")"
    say "installing $packages"
    # shellcheck disable=SC2086
    install_by_apt $packages || fail "cannot install $one; as root run:" \
      "apt-get update && apt-get install -y $packages"
  done
}

# note_vector_width: llvmpipe, the software adapter, uses 256 bits unless it is asked for more; this
# file tells kernels/device/open_deno.ts to ask
note_vector_width() {
  rm -f .cache/vector_width
  case "$name" in *llvmpipe*) ;; *) return 0 ;; esac
  grep -qw avx512vl /proc/cpuinfo 2>/dev/null || return 0
  mkdir -p .cache && echo 512 >.cache/vector_width
}

# link_launcher: makes `tiebreak` mean this project's launcher in any folder. A program of that name
# stays if it is no link, or a link to another clone that is still there. A clone in a folder for
# temporary files takes no link, since it will soon be gone.
link_launcher() {
  case "$PWD" in
    "${TMPDIR:-/tmp}"/*)
      say "launcher: $PWD/tiebreak; a folder for temporary files gets no link to it"
      return 0
      ;;
  esac
  for folder in /usr/local/bin "$HOME/.local/bin" "$HOME/bin"; do
    on_path "$folder" || continue
    mkdir -p "$folder" 2>/dev/null || continue
    [ -w "$folder" ] || continue
    if [ -e "$folder/tiebreak" ] && ! [ -L "$folder/tiebreak" ]; then continue; fi
    if [ -x "$folder/tiebreak" ] && ! [ "$folder/tiebreak" -ef "$PWD/tiebreak" ]; then
      say "launcher: $folder/tiebreak stays a link to $(readlink "$folder/tiebreak");" \
        "to change that: ln -sf $PWD/tiebreak $folder/tiebreak"
      return 0
    fi
    ln -sf "$PWD/tiebreak" "$folder/tiebreak" || continue
    say "launcher: $folder/tiebreak, from any folder"
    return 0
  done
  say "launcher: $PWD/tiebreak; no folder on PATH takes a link to it"
}

with=
for argument in "$@"; do
  case "$argument" in
    --with=*) with=$(printf %s "${argument#--with=}" | tr , ' ') ;;
    *) fail "unknown argument \"$argument\", expected nothing or --with=chromium,mpi" ;;
  esac
done
# shellcheck disable=SC2086
check_names $with

ensure_deno
quietly deno install --frozen || fail "cannot fetch the packages that deno.lock names"
# `deno bundle` fetches its bundler at the first use; one test bundles for browsers
quietly deno bundle -q --platform browser -o "$LOG" kernels/device/grid.ts ||
  say "the bundler could not be fetched: the test that bundles for browsers will fail"
ensure_adapter
note_vector_width
# shellcheck disable=SC2086
ensure_programs $with
link_launcher
printf 'setup: Deno %s, WebGPU adapter: %s\n' "$(version_of deno)" "$name"
