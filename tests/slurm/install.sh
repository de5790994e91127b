#!/usr/bin/env bash
# Debian's SLURM, for the tests beside this file. None of its services is started.
set -euo pipefail

packages=(slurmctld slurmd slurmdbd slurm-client munge mariadb-server debianutils)
if dpkg-query --show --showformat='${db:Status-Status}\n' "${packages[@]}" 2>/dev/null |
    grep --count '^installed$' | grep --quiet "^${#packages[@]}$"; then
    exit 0
fi
[ "$(id --user)" = 0 ] || { echo "error: installing SLURM needs root" >&2; exit 1; }

# Debian asks this file before it starts a service; 101 forbids it.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
    trap 'rm "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet --quiet
apt-get install --yes --quiet --quiet --no-install-recommends "${packages[@]}" > /dev/null
