#!/usr/bin/env bash
# bash .ci/slurm.sh LAMINA MODEL WORK: a study on a Slurm cluster of two nodes, both of them
# this machine, whose daemons listen on the loopback alone and keep all they write in WORK. A
# worker is killed in the middle; the table is that of one process, byte for byte. Needs root,
# munged, slurmctld and slurmd; what it starts it stops.
set -euo pipefail
lamina=$1 model=$(cd "$2" && pwd) work=$3
mkdir -p "$work"
work=$(cd "$work" && pwd)
cd "$work"
export SLURM_CONF=$work/slurm.conf
started=()
trap 'kill "${started[@]}" 2>/dev/null || true; wait 2>/dev/null || true' EXIT

fail() {
  echo "$*"
  tail -n 5 ./*.log ./*.out 2>/dev/null
  exit 1
}

# until SECONDS COMMAND...: waits until it succeeds.
until_true() {
  local left=$((5 * $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((left-- > 0)) || return 1
    sleep 0.2
  done
}

# --- the cluster ---------------------------------------------------------------

port=$((20000 + RANDOM % 20000))
mkdir -p -m 0755 munge state spool.n1 spool.n2
dd if=/dev/urandom of=munge/key bs=1024 count=1 status=none
chmod 0400 munge/key
munged --force --foreground --socket="$work/munge/socket" --key-file="$work/munge/key" --pid-file="$work/munge/pid" \
  --log-file="$work/munge.log" --seed-file="$work/munge/seed" >munged.log 2>&1 &
started+=($!)
until_true 10 test -S munge/socket || fail "munged does not start"

cat >slurm.conf <<CONF
ClusterName=lamina
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$port
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
CredType=cred/munge
SlurmUser=root
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool.%n
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
NodeName=n[1-2] NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + 2))] CPUs=1 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=10 State=UP
CONF
echo 'CgroupAutomount=no' >cgroup.conf

slurmctld -D >slurmctld.log 2>&1 &
started+=($!)
for node in n1 n2; do
  slurmd -D -N "$node" >"slurmd.$node.log" 2>&1 &
  started+=($!)
done
idle() { [[ $(sinfo -h -t idle -o %D) == 2 ]]; }
until_true 30 idle || fail "the two nodes do not come up: $(sinfo -h -o '%n %T' 2>&1)"
echo "nodes: $(sinfo -h -N -o '%N %T' | tr '\n' ' ')"

# --- the study -----------------------------------------------------------------

for i in $(seq 24); do
  echo "{\"context_ids\":[$((i + 5)),$((i * 7 % 50 + 3)),$((i * 3 % 50 + 3))],\"target_ids\":[$((i * 5 % 50 + 3)),$((i + 2))]}"
done >train.jsonl
cp train.jsonl test.jsonl
cat >study.yaml <<STUDY
study: slurm
models:
  - {name: small, path: $model}
tasks:
  - {name: ids, prompt: none, train: train.jsonl, test: test.jsonl}
rows: [zs, uniform, "mine=1*"]
keep: 2
trainable: 1
rates: [1e-3, 1e-2]
seeds: [1, 2]
training: {steps: 1500, batch: 4, eval_every: 500}
STUDY
"$lamina" study study.yaml --out one --threads 1 >one.log 2>&1 || fail "the study fails in one process"
"$lamina" study study.yaml --out many --emit slurm --workers 2 --threads 1 --lease 2s >study.slurm
job=$(sbatch --parsable study.slurm)
running() { [[ $(squeue -h -j "$job" -t running -r -o %N | sort -u | wc -l) == 2 ]]; }
until_true 30 running || fail "the array does not run on two nodes: $(squeue -h -r -o '%N %T %r')"
echo "job $job runs on $(squeue -h -j "$job" -t running -r -o %N | sort | tr '\n' ' ')"

# One worker dies while it holds a claim.
claim=
claimed() { claim=$(find many/cells/claims -maxdepth 1 -type f -regextype posix-extended -regex '.*/[0-9a-f]{64}' 2>/dev/null | head -n 1); [[ -n $claim ]]; }
for _ in $(seq 300); do
  if claimed && pid=$(sed -n 's/.*"pid":\([0-9]*\).*/\1/p' "$claim" 2>/dev/null) && [[ -n $pid ]] && kill -9 "$pid" 2>/dev/null; then
    break
  fi
  pid=
  sleep 0.1
done
[[ -n ${pid:-} ]] || fail "no worker was found at a claim"
key=$(basename "$claim")
[[ ! -e many/cells/results/$key.json ]] || fail "the cell was done before its worker was killed: nothing was shown"
echo "killed worker $pid at cell ${key:0:12}"

finished() { [[ -z $(squeue -h -j "$job") ]]; }
until_true 120 finished || fail "the job does not end: $(squeue -h -r -o '%N %T')"
[[ -e many/cells/results/$key.json ]] || fail "nobody took over the cell of the dead worker"
grep -q "$(printf '%s' "$key" | cut -c1-12)" many/plan/cells.json || fail "the cell is not of the study"
"$lamina" study study.yaml --out many --merge >many.log 2>&1 || fail "the cells cannot be merged"
for name in table.txt table.md table.csv; do
  cmp "one/$name" "many/$name" || fail "$name is not that of one process"
done
diff <(sed 's/"command":\[[^]]*\]//' one/study.json) <(sed 's/"command":\[[^]]*\]//' many/study.json) || fail "study.json is not that of one process"
for result in one/cells/results/*[0-9a-f].json; do
  [[ $result == *.cost.json ]] || cmp "$result" "many/cells/results/$(basename "$result")" || fail "$(basename "$result") has other bytes"
done
echo "$(grep -c '"key"' many/plan/cells.json) cells on two nodes, one worker killed: the table of one process, byte for byte"
