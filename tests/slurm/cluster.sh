#!/usr/bin/env bash
# A real Slurm on this machine, for tests: cluster.sh up DIR [NODES] | down DIR | install
# Daemons write below DIR only, except that the clients look for /etc/slurm/slurm.conf: a link to DIR that `down` removes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

install() {
    command -v slurmctld >/dev/null && command -v munged >/dev/null && return
    [ "$(id -u)" = 0 ] || { echo 'Slurm is not installed: apt-get install slurm-wlm munge' >&2; exit 1; }
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null
}

# Memory limits come from cgroups; where this machine does not let us make any, Slurm itself watches and kills.
limits() {
    local probe=/sys/fs/cgroup/memory/groundtrace-probe
    if mkdir "$probe" 2>/dev/null; then
        rmdir "$probe"
        printf 'CgroupPlugin=cgroup/v1\nCgroupMountpoint=/sys/fs/cgroup\nConstrainRAMSpace=yes\nConstrainSwapSpace=no\n' >"$1/cgroup.conf"
        echo 'ProctrackType=proctrack/cgroup\nTaskPlugin=task/cgroup'
    else
        echo '# no cgroups' >"$1/cgroup.conf"
        echo 'ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nJobAcctGatherParams=OverMemoryKill\nJobAcctGatherFrequency=task=1'
    fi
}

up() {
    local dir=$1 nodes=${2:-2} host
    host=$(hostname -s)
    getent hosts "$host" | grep -qE '^(127\.|::1)' || echo "127.0.0.1 $host" >>/etc/hosts
    mkdir -p "$dir/munge" "$dir/state"
    chmod 755 "$dir" "$dir/munge"
    [ -f "$dir/munge/key" ] || (umask 077 && head -c 1024 /dev/urandom >"$dir/munge/key")
    munged --force --key-file="$dir/munge/key" --socket="$dir/munge/socket" --pid-file="$dir/munge/pid" \
        --log-file="$dir/munge/log" --seed-file="$dir/munge/seed"
    sed "s#@DIR@#$dir#g; s#@HOST@#$host#g; s#@NODES@#$nodes#g; s#@LIMITS@#$(limits "$dir")#" "$here/slurm.conf.in" >"$dir/slurm.conf"
    mkdir -p /etc/slurm
    for file in slurm.conf cgroup.conf; do
        [ ! -e "/etc/slurm/$file" ] || [ -L "/etc/slurm/$file" ] || { echo "/etc/slurm/$file exists: this machine has a Slurm of its own" >&2; exit 1; }
        ln -sfn "$dir/$file" "/etc/slurm/$file"
    done
    slurmctld
    for node in $(seq "$nodes"); do mkdir -p "$dir/spool.n$node" && slurmd -N "n$node"; done
    for _ in $(seq 100); do
        [ "$(sinfo -hN -t idle -o %N 2>/dev/null | wc -l)" = "$nodes" ] && return
        sleep 0.1
    done
    sinfo >&2
    tail -n 20 "$dir"/slurm*.log >&2
    exit 1
}

# Ends only what `up` started, by process id.
down() {
    local dir=$1 pid
    scancel --user="$(id -un)" 2>/dev/null || true
    sleep 1
    for file in "$dir"/slurmd.n*.pid "$dir/slurmctld.pid" "$dir/munge/pid"; do
        [ -f "$file" ] && pid=$(cat "$file") && kill "$pid" 2>/dev/null || continue
        for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    done
    for file in slurm.conf cgroup.conf; do
        [ "$(readlink "/etc/slurm/$file")" = "$dir/$file" ] && rm "/etc/slurm/$file"
    done
    return 0
}

"$@"
