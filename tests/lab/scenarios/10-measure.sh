# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# lab: --timeout 700
# lab: --qemu 10
# lab: --with irqbalance
# lab: --with clock
# What interrupts cost two guests that burn, and what apply, longest-first greedy and irqbalance make of it:
# by `measure`, and by what the guests' own programs get done.

mount -t debugfs debugfs /sys/kernel/debug
bind_vfio 0000:24:00.0 0000:22:00.0 0000:44:00.0 0000:42:00.0
# More than a device can raise in its CPU's time: as many as come.
export VMD_RATES=${RATES:-4000,3000,2000,1000}
VMD_BURN=/run/vm1.counts VMD_PIN=2,3,4,5 VMD_EMUPIN=0-1 start_vm vm1 4 0000:24:00.0 0000:22:00.0
VMD_BURN=/run/vm2.counts VMD_PIN=10,11 VMD_EMUPIN=8-9 start_vm vm2 2 0000:44:00.0 0000:42:00.0
cores=$(vcpu_cores)

# --- what a guest gets done

# "CPU COUNT TIME" of each vCPU: what it has counted, and for how many nanoseconds its emulated CPU has really
# run. There are fewer real CPUs than emulated ones: only the ratio says something.
vcpus() {
  local index
  for index in 0 1 2 3; do
    echo "$((index + 2)) $(count_at /run/vm1.counts "$index") $(ran "$((index + 2))")"
  done
  for index in 0 1; do
    echo "$((index + 10)) $(count_at /run/vm2.counts "$index") $(ran "$((index + 10))")"
  done
}
count_at() { od -An -t u8 -j "$(($2 * 64))" -N 8 "$1" | tr -d ' '; } # FILE INDEX

# "CPU COUNTS-A-MS" of each vCPU in each of ten slices.
progress() { # NAME
  local slice
  for slice in $(seq 0 10); do
    vcpus | sed "s/^/$slice /"
    [ "$slice" = 10 ] || sleep 2
  done | awk '$1 > 0 {printf "%s %.1f\n", $2, ($3 - count[$2]) * 1e6 / ($4 - time[$2])}
    {count[$2] = $3; time[$2] = $4}' >"$1.progress"
}

# "CPU MEAN SPREAD" of those; the spread is the standard deviation of the slices.
spreads() { # NAME
  jq -Rrn '[inputs | split(" ") | map(tonumber)] | group_by(.[0])[] | {cpu: .[0][0], v: map(.[1])}
    | (.v | add / length) as $mean | "\(.cpu) \($mean) \(.v | map((. - $mean) * (. - $mean)) | add / length | sqrt)"' \
    <"$1.progress"
}

# --- an arm of the experiment

take() { # NAME ARGUMENT...: measures, what the guests get done at the same time, and where interrupts went
  local name=$1
  shift
  vcpus >/dev/null # The first one opens the clock.
  progress "$name" &
  tune "$name" 0 measure --seconds 20 -o "$name.measure" "$@"
  wait $!
  rises 5 >"$name.rises"
  say "$name: vectors' interrupts in 5 s: $(total_of "$name.rises"), on vCPUs' cores $(rises_on "$name.rises" "$cores")"
  say "$name: standard deviation of irq + softirq over all CPUs $(deviation "$name" all) %, over housekeeping CPUs \
$(deviation "$name" housekeeping) %; of interrupts/s of vectors over each node's housekeeping CPUs $(loads_of "$name" | deviations)"
}
deviation() { json "$1" ".totals.stdev.$2 | ((.irq // 0) + .softirq) * 10000 | round / 100"; } # NAME all|housekeeping

housekeeping="0 1 6 7 8 9 12 13 14 15"
# "CPU LOAD" lines to the standard deviation of the loads of each node's housekeeping CPUs: "NODE0 NODE1".
deviations() {
  # shellcheck disable=SC2016 # These are jq's variables.
  jq -Rrn --arg list "$housekeeping" '
    (reduce (inputs | split(" ")) as [$cpu, $load] ({}; .[$cpu] += ($load | tonumber))) as $loads
    | [$list | split(" ")[] | {node: (if tonumber >= 8 then 1 else 0 end), load: ($loads[.] // 0)}]
    | group_by(.node) | map(map(.load) | (add / length) as $mean | map(. - $mean | . * .) | add / length | sqrt
      * 10 | round / 10) | join(" ")'
}
loads_of() { awk '{print $2, $3 / 5}' "$1.rises"; } # NAME

# --- the kernel's own placement

sleep 3
take kernel
same "vCPUs' cores by measure" "$(expand "$(json kernel .vcpu_cores)" | xargs)" "$cores"
holds "vectors interrupt the vCPUs' cores: $(json kernel .totals.on_vcpu_cores.passthrough)/s" \
  test "$(rises_on kernel.rises "$cores")" -gt 0

# --- irqtune's

tune plan 0 plan --sample 5
tune apply 0 apply plan.json
sleep 1
take irqtune --against kernel.measure
irqtune measure --seconds 5 >measure.txt
cat measure.txt
same "interrupts of vectors on vCPUs' cores, by measure" "$(json irqtune .totals.on_vcpu_cores.passthrough)" 0
same "and by /proc/interrupts, of $(total_of irqtune.rises)" "$(rises_on irqtune.rises "$cores")" 0
same "measure --against calls that a difference" \
  "$(json irqtune '.compare[] | select(.path == "totals.on_vcpu_cores.passthrough") | .differs')" true

# Longest first, each to the least loaded CPU of its node, by the rates that the plan had: "CPU RATE IRQ". CPUs
# carry what host devices raise there, too.
json kernel '.cpus[] | "\(.id) \(.interrupts.host)"' >base
jq -r '.assignments[] | "\(.rate // 0) \(.vm) \(.irq)"' plan.json | sort -rn | awk -v list="$housekeeping" '
  BEGIN {n = split(list, cpu, " ")}
  FILENAME == "base" {load[$1] = $2; next}
  {best = -1
   for (i = 1; i <= n; i++) if ((cpu[i] >= 8) == ($2 == "vm2") && (best < 0 || load[cpu[i]] < load[best])) best = cpu[i]
   load[best] += $1
   print best, $1, $3}' base - >greedy
jq -r '.assignments[] | "\(.to) \(.rate // 0)"' plan.json >planned
figures="$(cat base planned | deviations) $(cat base greedy | deviations)"
say "by the plan's rates, deviation on nodes 0 and 1: irqtune, longest first: $figures"
no_worse() { # NODE; the host's own rates are another second's.
  echo "$figures" | awk -v node="$1" '{exit !($(1 + node) <= $(3 + node) * 1.05 + 1)}'
}
holds "node 0: deviation not above longest-first greedy's" no_worse 0
holds "node 1: deviation not above longest-first greedy's" no_worse 1

# --- what that is to the guests

spreads kernel >kernel.spreads
spreads irqtune >irqtune.spreads
awk '{cpu[$2] += $3 / 5} END {for (c in cpu) print c, cpu[c]}' kernel.rises >kernel.cpus
for cpu in 2 3 4 5 10 11; do
  line=$(awk -v cpu="$cpu" 'FILENAME == "kernel.cpus" && $1 == cpu {rate = $2}
    FILENAME != "kernel.cpus" && $1 == cpu {n++; mean[n] = $2; spread[n] = $3}
    END {wide = spread[1] > spread[2] ? spread[1] : spread[2]
      printf "%d interrupts/s; counts a ms %d -> %d, %.1f %% more, spread %d %s", rate, mean[1], mean[2],
        (mean[2] / mean[1] - 1) * 100, wide, (mean[2] - mean[1] > wide ? "more" : "same")}' \
    kernel.cpus kernel.spreads irqtune.spreads)
  holds "the vCPU on CPU $cpu gets more done than within the spread: ${line% *}" test "${line##* }" = more
done

# --- greedy's and irqbalance's, for the table

awk '{print $1, $3}' greedy | while read -r cpu irq; do
  echo "$cpu" >"/proc/irq/$irq/smp_affinity_list"
done
sleep 1
take greedy
irqbalance --foreground --interval=1 >irqbalance.log 2>&1 &
balance=$!
sleep 12
take irqbalance --against kernel.measure
kill "$balance"
for name in kernel irqtune greedy irqbalance; do
  say "$name: counts a ms by CPU: $(spreads "$name" | awk '{printf "%s: %.0f +- %.0f, ", $1, $2, $3}')"
done
stop_vm vm1 vm2
verdict
