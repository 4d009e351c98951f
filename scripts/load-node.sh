#!/bin/sh
# The node's figures under load, against 127.0.0.1 only, in about a minute. Needs wrk, curl and python3.
#
#   scripts/load-node.sh [FOLDER]      the ledgers go to FOLDER [default: a new temporary folder]
#
# Prints one line a figure. Exits with 1 if a transaction is lost or a chain is not what it must be.
set -eu
cd "$(dirname "$0")/.."
folder=${1:-$(mktemp -d)}
mkdir -p "$folder"
port=${LOAD_PORT:-5099}
seconds=${LOAD_SECONDS:-10}
url="http://127.0.0.1:$port"
cargo build --release --quiet
program=${CARGO_TARGET_DIR:-target}/release/paydirt
server=""
trap '[ -z "$server" ] || kill "$server" 2> /dev/null || true' EXIT

start() {
    "$program" serve --port "$port" --log off "$@" &
    server=$!
    for _ in $(seq 1 500); do
        curl -sf "$url/status" > /dev/null && return
        sleep 0.02
    done
    echo "the node did not start" >&2
    exit 1
}
stop() {
    kill -TERM "$server"
    wait "$server"
    server=""
}
rss_kib() { awk '/^VmRSS/ {print $2}' "/proc/$server/status"; }
peak_kib() { awk '/^VmHWM/ {print $2}' "/proc/$server/status"; }
field() { python3 -c "import json,sys; print(json.load(sys.stdin)$1)"; }

echo "# $(nproc) processors, $(awk -F': ' '/model name/ {print $2; exit}' /proc/cpuinfo)"

# 1. A chain of 100,000 blocks: verified, and read over HTTP in constant memory.
if [ ! -e "$folder/long" ]; then
    "$program" chain mine --count 100000 --bits 1 --spacing 60 --data "$folder/long" --json > /dev/null
fi
"$program" chain verify --data "$folder/long" --json |
    python3 -c 'import json,sys; r=json.load(sys.stdin); assert r["valid"]; print("verify %d blocks: %.2f s" % (r["length"], r["elapsed_s"]))'
start --data "$folder/long"
sleep 1
idle=$(rss_kib)
for _ in 1 2 3; do
    curl -s "$url/chain" | python3 -c 'import json,sys; c=json.load(sys.stdin); assert len(c["chain"]) == c["length"] == 100001'
done
for _ in 1 2 3 4; do curl -s --limit-rate 4M --max-time 5 "$url/chain" -o /dev/null & done
sleep 6
peak=$(peak_kib)
echo "GET /chain of 100,001 blocks: idle $((idle / 1024)) MiB, peak $((peak / 1024)) MiB"
[ $((peak - idle)) -lt 65536 ] || { echo "that is 64 MiB over idle or more" >&2; exit 1; }
stop

# 2. Transactions, each durable before its answer; then every one of them is counted.
rm -rf "$folder/load"
start --data "$folder/load" --bits 8 --max-pending 10000000 --max-pending-bytes 2000000000
cat > "$folder/post.lua" << 'LUA'
local thread_count = 0
function setup(thread) thread:set("id", thread_count); thread_count = thread_count + 1 end
local n, created = 0, 0
function request()
  n = n + 1
  return wrk.format("POST", "/transactions/new", {["content-type"] = "application/json"},
    string.format('{"sender":"thread %d","recipient":"bob","amount":%d}', id, n))
end
function response(status) if status ~= 201 then print("status " .. status) end end
LUA
wrk -t1 -c64 -d"${seconds}s" --latency -s "$folder/post.lua" "$url" > "$folder/post.txt"
answered=$(awk '/requests in/ {print $1}' "$folder/post.txt")
pending=$(curl -s "$url/status" | field '["pending"]')
echo "POST /transactions/new: $(awk '/Requests\/sec/ {print $2}' "$folder/post.txt") a second, p99 $(awk '/99%/ {print $2}' "$folder/post.txt"), $answered answered, $pending waiting, errors: $(grep -c -E '^status|Non-2xx|Socket errors' "$folder/post.txt" || true)"
kill -KILL "$server"
wait "$server" 2> /dev/null || true
start --data "$folder/load" --max-pending 10000000 --max-pending-bytes 2000000000
after=$(curl -s "$url/status" | field '["pending"]')
# What was under way when wrk hung up may be stored without having been answered; nothing answered may be missing.
echo "after kill -9: $after waiting"
[ "$after" -ge "$answered" ] && [ "$after" -ge "$pending" ] || { echo "transactions are lost" >&2; exit 1; }
stop
# The same transfer again and again: the queue must not slow down.
rm -rf "$folder/load"
start --data "$folder/load" --bits 8 --max-pending 10000000 --max-pending-bytes 2000000000
sed 's/recipient":"bob","amount":%d}.*/recipient":"bob","amount":5}'"'"', id))/' "$folder/post.lua" > "$folder/same.lua"
wrk -t1 -c64 -d"${seconds}s" --latency -s "$folder/same.lua" "$url" > "$folder/same.txt"
echo "the same transfer each time: $(awk '/Requests\/sec/ {print $2}' "$folder/same.txt") a second, p99 $(awk '/99%/ {print $2}' "$folder/same.txt"), $(curl -s "$url/status" | field '["pending"]') waiting, errors: $(grep -c -E '^status|Non-2xx|Socket errors' "$folder/same.txt" || true)"
stop

# 3. /status while the miner uses every processor.
start --memory --bits 100
curl -s --max-time $((4 * seconds + 60)) "$url/mine" > /dev/null &
sleep 1
for connections in 1 4 16 64; do
    wrk -t1 -c"$connections" -d"${seconds}s" --latency "$url/status" > "$folder/status.txt"
    echo "GET /status while mining, $connections connections: p50 $(awk '/50%/ {print $2}' "$folder/status.txt"), p99 $(awk '/99%/ {print $2}' "$folder/status.txt"), $(awk '/Requests\/sec/ {print $2}' "$folder/status.txt") a second"
done
# And at the pace of a person or a monitor: one call at a time.
python3 - "$url/status" << 'PY'
import http.client, json, sys, time, urllib.parse
at = urllib.parse.urlparse(sys.argv[1])
connection = http.client.HTTPConnection(at.hostname, at.port)
times = []
for _ in range(500):
    begun = time.perf_counter()
    connection.request("GET", at.path)
    assert connection.getresponse().read()
    times.append((time.perf_counter() - begun) * 1e3)
    time.sleep(0.01)
times.sort()
connection.request("GET", at.path)
assert json.load(connection.getresponse())["mining"]["active"], "it stopped mining"
print("GET /status while mining, 100 calls a second: p50 %.2f ms, p99 %.2f ms, worst %.2f ms" % (times[250], times[495], times[-1]))
PY
stop
