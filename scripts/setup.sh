#!/usr/bin/env bash
# Installs what is missing, and says what. Usage: scripts/setup.sh [build|run|test]
#   build   what compiling needs (the default)
#   run     also a display to open the app on
#   test    also an X server, a session bus, a keyring and a WebDriver for the tests' own stage
# With everything there it ends at once and says nothing. On systems without apt it names what to install.
set -euo pipefail
cd "$(dirname "$0")/.."

what=${1:-build}
what=${what#--}
case $what in build | run | test) ;; *)
    echo "scripts/setup.sh takes build, run or test, not '$what'." >&2
    exit 2
    ;;
esac

build_packages=(
    libwebkit2gtk-4.1-dev libayatana-appindicator3-dev librsvg2-dev libxdo-dev libdbus-1-dev
    pkg-config build-essential file
)
test_packages=(
    xvfb webkit2gtk-driver dbus gnome-keyring openbox xcompmgr hsetroot xdotool x11-utils imagemagick fonts-dejavu-core fonts-inter
    libfaketime
)

say() { printf '%s\n' "$*" >&2; }
stop() {
    say "$@"
    exit 1
}
# at_least 1.95.0 1.90: whether the first version is the second or newer.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

check_rust() {
    local wanted found
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
    if ! command -v cargo >/dev/null || ! found=$(rustc --version 2>/dev/null); then
        if [ -x "$HOME/.cargo/bin/cargo" ]; then
            stop "Rust is installed, but not in PATH. Run: . \"\$HOME/.cargo/env\""
        fi
        stop "Rust is missing. Install $wanted or newer: curl https://sh.rustup.rs -sSf | sh   (or see https://rustup.rs)"
    fi
    found=${found#rustc }
    found=${found%% *}
    at_least "${found%%-*}" "$wanted" || stop "Rust $found is too old. AICIB needs $wanted or newer: rustup update stable"
}

check_node() {
    local wanted=20.19 found
    if ! command -v npm >/dev/null || ! found=$(node --version 2>/dev/null); then
        stop "Node.js is missing. Install $wanted or newer, with npm, from https://nodejs.org"
    fi
    at_least "${found#v}" "$wanted" || stop "Node.js ${found#v} is too old. AICIB needs $wanted or newer: https://nodejs.org"
}

check_display() {
    [ "$(uname -s)" = Linux ] || return 0
    [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || stop \
        "There is no display to open the app on (DISPLAY and WAYLAND_DISPLAY are empty)." \
        "Start it from a desktop session. Without one, 'make build' and target/release/aicib do the same work in a terminal."
}

# The packages of the list that are not installed.
missing_packages() {
    local installed
    installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p' || true)
    for package in "$@"; do
        grep -qxF "$package" <<<"$installed" || printf '%s\n' "$package"
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        stop "This needs root, and there is no sudo. Run as root: $*"
    fi
}

install_packages() {
    local wanted=("${build_packages[@]}") missing
    if [ "$what" = test ]; then wanted+=("${test_packages[@]}"); fi
    mapfile -t missing < <(missing_packages "${wanted[@]}")
    [ ${#missing[@]} -gt 0 ] || return 0
    say "Installing with apt: ${missing[*]}"
    # One call as root, so that sudo asks once.
    # shellcheck disable=SC2016
    as_root env DEBIAN_FRONTEND=noninteractive sh -c \
        'apt-get -qq update && apt-get -qq install -y --no-install-recommends "$@" >/dev/null' apt "${missing[@]}" || stop \
        "apt could not install them. Try it by hand: apt-get install ${missing[*]}"
}

# Elsewhere nothing is installed unasked: what is missing is named.
check_libraries() {
    local missing=()
    for library in webkit2gtk-4.1 gtk+-3.0 librsvg-2.0; do
        pkg-config --exists "$library" 2>/dev/null || missing+=("$library")
    done
    command -v cc >/dev/null || missing+=("a C compiler")
    if [ "$what" = test ]; then
        for program in Xvfb WebKitWebDriver dbus-daemon gnome-keyring-daemon openbox xdotool xprop import; do
            command -v "$program" >/dev/null || missing+=("$program")
        done
    fi
    [ ${#missing[@]} -eq 0 ] || stop \
        "Missing: ${missing[*]}. Packages are installed for you on Debian and Ubuntu only." \
        "Fedora: dnf install webkit2gtk4.1-devel libappindicator-gtk3-devel librsvg2-devel libxdo-devel dbus-devel gcc" \
        "Arch:   pacman -S webkit2gtk-4.1 libappindicator-gtk3 librsvg xdotool dbus base-devel" \
        "Others: https://v2.tauri.app/start/prerequisites"
}

check_system() {
    case $(uname -s) in
    Linux) if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then install_packages; else check_libraries; fi ;;
    Darwin) xcode-select -p >/dev/null 2>&1 || stop "Xcode's command line tools are missing. Run: xcode-select --install" ;;
    *) stop "AICIB builds on Linux and macOS with this script. Elsewhere see https://v2.tauri.app/start/prerequisites" ;;
    esac
}

install_page_packages() {
    local lock=ui/package-lock.json installed=ui/node_modules/.installed-lock.json
    cmp -s "$lock" "$installed" && return 0
    say "Installing the page's packages (npm ci)"
    npm ci --prefix ui --no-audit --no-fund --loglevel=error >/dev/null
    cp "$lock" "$installed"
}

check_rust
check_node
if [ "$what" = run ]; then check_display; fi
check_system
install_page_packages
