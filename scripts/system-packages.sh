#!/usr/bin/env bash
# Install the Debian or Ubuntu packages that Python wheels do not carry.
#
#   scripts/system-packages.sh SET...     sets: venv runtime render rtsp browser postgres
#
# Only missing packages are installed, as root or through a sudo that asks no password
# (set SYSTEM_SUDO=1 to let sudo ask). Where neither is to be had, the command to run is
# printed and the exit status is 3.
set -euo pipefail

packages_of() {
  case "$1" in
    venv) echo python3-venv ;;
    # OpenCV's wheel links against these two.
    runtime) echo libgl1 libglib2.0-0 ;;
    # Software OpenGL without a screen, for the drill renderer.
    render) echo libegl1 libegl-mesa0 libgl1-mesa-dri ;;
    # The RTSP server that the feed tests start, break and restart.
    rtsp)
      echo python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-rtsp \
        gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad \
        gstreamer1.0-plugins-ugly gstreamer1.0-libav
      ;;
    # FFmpeg judges what is streamed, as a player that is none of ours.
    browser) echo chromium ffmpeg ;;
    postgres) echo postgresql ;;
    *)
      echo "system-packages: unknown set '$1'; known: venv runtime render rtsp browser postgres" >&2
      return 2
      ;;
  esac
}

is_installed() {
  # Newer releases renamed libraries with a t64 suffix when time_t grew to 64 bits.
  local name
  for name in "$1" "$1t64"; do
    if [[ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" == installed ]]; then
      return 0
    fi
  done
  return 1
}

if [[ $# -eq 0 ]]; then
  echo "usage: scripts/system-packages.sh SET...   (venv runtime render rtsp browser postgres)" >&2
  exit 2
fi

wanted=()
for set_name in "$@"; do
  names=$(packages_of "$set_name")
  read -ra names_of_set <<<"$names"
  wanted+=("${names_of_set[@]}")
done

if ! command -v apt-get >/dev/null; then
  echo "system-packages: this is not Debian or Ubuntu; install by hand what matches: ${wanted[*]}" >&2
  exit 3
fi

missing=()
for name in "${wanted[@]}"; do
  is_installed "$name" || missing+=("$name")
done
if [[ ${#missing[@]} -eq 0 ]]; then
  exit 0
fi

as_root=()
if [[ $EUID -ne 0 ]]; then
  if [[ -n "${SYSTEM_SUDO:-}" ]] && command -v sudo >/dev/null; then
    as_root=(sudo)
  elif sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
  else
    echo "system-packages: these are missing and need an administrator. Run:" >&2
    echo "  sudo apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 3
  fi
fi

log=$(mktemp)
no_cluster=
tidy() {
  rm -f "$log"
  if [[ -n "$no_cluster" ]]; then "${as_root[@]}" rm -f "$no_cluster"; fi
}
trap tidy EXIT
apt() {
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >"$log" 2>&1; then
    cat "$log" >&2
    echo "system-packages: apt-get $1 failed" >&2
    exit 1
  fi
}
echo "Installing system packages: ${missing[*]}"
apt update
if [[ " ${missing[*]} " == *" postgresql "* ]]; then
  # The tests start servers of their own, so Debian need not make one that runs from boot.
  no_cluster=/etc/postgresql-common/createcluster.d/lastseen-tests.conf
  "${as_root[@]}" mkdir -p "${no_cluster%/*}"
  "${as_root[@]}" tee "$no_cluster" <<<"create_main_cluster = false" >/dev/null
fi
apt install -y --no-install-recommends "${missing[@]}"
